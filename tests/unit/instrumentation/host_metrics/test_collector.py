"""Values and names of FlextMetricsCollector, and its start and stop."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from flext_observability import FlextMetric, FlextMetricsCollector, memory_store
from flext_observability.instrumentation.host_metrics import collector as module
from flext_observability.instrumentation.host_metrics.process import PROCESS_METRICS
from flext_observability.instrumentation.host_metrics.source_cache import Observable, SourceCache, gauge
from flext_observability.instrumentation.host_metrics.system import SYSTEM_METRICS
from tests.recorded import Recorded

Collected = dict[str, list[FlextMetric]]
ALL = (*PROCESS_METRICS, *SYSTEM_METRICS)


def collected(collector: FlextMetricsCollector) -> Collected:
    found: Collected = {}
    for metric in collector.collect().unwrap():
        found.setdefault(metric.name, []).append(metric)
    return found


def by(tag: str, metrics: list[FlextMetric]) -> dict[str, float]:
    return {metric.tags[tag]: float(metric.value) for metric in metrics}


@pytest.fixture(scope="module")
def snapshot() -> Collected:
    """The second collection, after the process was busy for a moment."""
    collector = FlextMetricsCollector()
    collector.collect()
    end = time.monotonic() + 0.25
    while time.monotonic() < end:
        pass
    return collected(collector)


@pytest.fixture
def started() -> Iterator[FlextMetricsCollector]:
    with FlextMetricsCollector() as collector:
        yield collector


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_name_kind_and_unit_are_those_of_the_semantic_conventions(metric: Observable) -> None:
    from opentelemetry.semconv._incubating.metrics import cpython_metrics, process_metrics, system_metrics

    names = {
        value: module
        for module in (process_metrics, system_metrics, cpython_metrics)
        for key, value in vars(module).items()
        if key.isupper()
    }
    if metric.name not in names:
        assert metric.name in NEWER, "known to newer conventions only"
        return
    source = Path(cast("str", names[metric.name].__file__)).read_text(encoding="utf-8")
    constant = metric.name.upper().replace(".", "_")
    documented = source.partition(f"{constant}: Final")[2].partition('"""')[2].partition('"""')[0]
    assert f"Unit: {metric.unit}" in documented
    assert f"Instrument: {metric.kind.replace('_', '')}" in documented


NEWER = {
    "process.disk.operations",
    "process.memory.utilization",
    "process.unix.file_descriptor.count",
    "system.memory.linux.available",
    "system.network.packet.count",
    "system.network.packet.dropped",
}


def test_names_are_unique_and_descriptions_are_not_empty() -> None:
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))
    assert all(metric.description for metric in ALL)


def test_entities_are_valid(snapshot: Collected) -> None:
    assert all(metric.validate_business_rules().success for metrics in snapshot.values() for metric in metrics)


def test_process_metrics_match_proc(snapshot: Collected) -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    resident = int(status["VmRSS"].split()[0]) * 1024
    assert float(snapshot["process.memory.usage"][0].value) == pytest.approx(resident, rel=0.3)
    assert float(snapshot["process.memory.virtual"][0].value) >= float(snapshot["process.memory.usage"][0].value)
    assert snapshot["process.thread.count"][0].value == pytest.approx(threading.active_count(), abs=8)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    assert snapshot["process.unix.file_descriptor.count"][0].value == pytest.approx(descriptors, abs=8)
    assert 0 < float(snapshot["process.uptime"][0].value) < 24 * 3600
    cpu = by("cpu.mode", snapshot["process.cpu.time"])
    assert 0 < cpu["user"] + cpu["system"] <= time.process_time() + 0.1
    faults = by("system.paging.fault.type", snapshot["process.paging.faults"])
    assert faults["minor"] > 100
    assert faults["major"] >= 0
    assert set(by("process.context_switch.type", snapshot["process.context_switches"])) == {"voluntary", "involuntary"}
    assert set(by("disk.io.direction", snapshot["process.disk.io"])) == {"read", "write"}
    assert 0 < float(snapshot["process.memory.utilization"][0].value) < 1


def test_busy_process_has_a_high_utilization(snapshot: Collected) -> None:
    busy = sum(by("cpu.mode", snapshot["process.cpu.utilization"]).values())
    assert 0.05 < busy * len(os.sched_getaffinity(0)) < 1.3


def test_garbage_collector_is_counted_by_generation(snapshot: Collected) -> None:
    runs = by("cpython.gc.generation", snapshot["cpython.gc.collections"])
    assert [str(number) for number in range(len(gc.get_stats()))] == sorted(runs)
    assert all(runs[str(number)] <= stats["collections"] for number, stats in enumerate(gc.get_stats()))


def test_machine_metrics_match_proc(snapshot: Collected) -> None:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total = int(lines["MemTotal"].split()[0]) * 1024
    assert snapshot["system.memory.limit"][0].value == total
    assert sum(by("system.memory.state", snapshot["system.memory.usage"]).values()) == pytest.approx(total, rel=0.1)
    assert sum(by("system.memory.state", snapshot["system.memory.utilization"]).values()) == pytest.approx(1, abs=0.1)
    assert snapshot["system.cpu.logical.count"][0].value == os.cpu_count()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert float(snapshot["system.uptime"][0].value) == pytest.approx(uptime, abs=60)
    seconds = [int(field) / os.sysconf("SC_CLK_TCK") for field in Path("/proc/stat").read_text().split()[1:9]]
    assert by("cpu.mode", snapshot["system.cpu.time"])["idle"] == pytest.approx(seconds[3], rel=0.05)


def test_cpu_modes_sum_up_to_one(snapshot: Collected) -> None:
    shares = by("cpu.mode", snapshot["system.cpu.utilization"])
    assert {"user", "system", "idle"} <= set(shares)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares.values())


def test_file_systems_are_measured_once_and_their_states_sum_up(snapshot: Collected) -> None:
    limits = snapshot["system.filesystem.limit"]
    devices = [metric.tags["system.device"] for metric in limits]
    assert len(devices) == len(set(devices)) > 0
    usage = snapshot["system.filesystem.usage"]
    for limit in limits:
        states = [each for each in usage if limit.tags.items() <= each.tags.items()]
        assert sum(float(each.value) for each in states) == float(limit.value)
    for metric in snapshot["system.filesystem.utilization"]:
        assert 0 <= float(metric.value) <= 1


def test_network_is_measured_by_interface_and_direction(snapshot: Collected) -> None:
    interfaces = {line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}
    assert {metric.tags["network.interface.name"] for metric in snapshot["system.network.io"]} <= interfaces
    assert {metric.tags["system.device"] for metric in snapshot["system.network.packet.count"]} <= interfaces
    for name in ("system.network.io", "system.network.errors", "system.network.packet.dropped"):
        assert {metric.tags["network.io.direction"] for metric in snapshot[name]} == {"receive", "transmit"}


def test_disks_count_whole_devices(snapshot: Collected) -> None:
    devices = {metric.tags["system.device"] for metric in snapshot.get("system.disk.io", [])}
    assert all((Path("/sys/block") / device).exists() for device in devices)
    assert len(snapshot.get("system.disk.operations", [])) == 2 * len(devices)


def test_first_collection_has_no_cpu_utilization() -> None:
    first = collected(FlextMetricsCollector())
    assert not {"process.cpu.utilization", "system.cpu.utilization"} & set(first)


def test_per_cpu() -> None:
    found = collected(FlextMetricsCollector(process=False, per_cpu=True))
    assert {metric.tags["cpu.logical_number"] for metric in found["system.cpu.time"]} == {
        str(number) for number in range(os.cpu_count() or 1)
    }


def test_process_or_machine_only() -> None:
    assert {name.partition(".")[0] for name in collected(FlextMetricsCollector(system=False))} == {"process", "cpython"}
    assert {name.partition(".")[0] for name in collected(FlextMetricsCollector(process=False))} == {"system"}


def test_started_collector_is_observed_and_a_stopped_one_is_not(recorded: Recorded) -> None:
    collector = FlextMetricsCollector()
    assert collector.start().success
    assert [collector.active, recorded.values("process.thread.count")[()] >= 1] == [True, True]
    assert collector.stop().success
    assert not collector.active
    memory_store().clear()
    assert recorded.values("process.thread.count") == {}


def test_start_and_stop_are_idempotent(recorded: Recorded) -> None:
    collector = FlextMetricsCollector(system=False)
    assert [collector.start().success, collector.start().success] == [True, True]
    assert len(recorded.values("process.memory.usage")) == 1
    assert [collector.stop().success, collector.stop().success] == [True, True]


def test_concurrent_collectors_report_each_metric_once(recorded: Recorded) -> None:
    with FlextMetricsCollector(system=False), FlextMetricsCollector():
        assert len(recorded.values("process.memory.usage")) == 1
        assert len(recorded.values("system.memory.limit")) == 1


def test_unsupported_metric_is_left_out_with_a_reason(recorded: Recorded) -> None:
    def raises(_: SourceCache) -> Any:
        raise NotImplementedError("not on this platform")  # as psutil does

    collector = FlextMetricsCollector(system=False)
    collector._metrics["process.uptime"] = gauge("process.uptime", "s", PROCESS_METRICS[11].description, raises)
    names = set(collected(collector))
    assert "process.uptime" not in names
    assert "process.memory.usage" in names
    assert dict(collector.unavailable) == {"process.uptime": "NotImplementedError: not on this platform"}
    collector._metrics["process.uptime"] = PROCESS_METRICS[11]
    assert "process.uptime" in collected(collector)
    assert dict(collector.unavailable) == {}


def test_provider_that_cannot_create_instruments_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: str) -> object:
        raise RuntimeError("no meters")

    monkeypatch.setattr("opentelemetry.metrics.get_meter", broken)
    collector = FlextMetricsCollector()
    started = collector.start()
    assert started.code == "internal"
    assert "no meters" in (started.error or "")
    assert not collector.active
    monkeypatch.undo()
    assert collector.start().success, "instruments are created again"


def test_collection_is_fast(started: FlextMetricsCollector) -> None:
    before = time.perf_counter()
    started.collect().unwrap()
    assert time.perf_counter() - before < 0.5


def test_a_reading_that_hangs_costs_only_its_metric(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_READING_SECONDS", 0.2)
    release = threading.Event()
    collector = FlextMetricsCollector(system=False)
    collector._metrics["process.uptime"] = gauge(
        "process.uptime", "s", PROCESS_METRICS[11].description, lambda _: [(float(release.wait(30)), {})]
    )
    try:
        assert collector.start().success
        for _ in range(2):
            assert recorded.values("process.memory.usage")
            assert recorded.values("process.uptime") == {}
    finally:
        release.set()
        collector.stop()
