"""A session: its page, its flushes, its status and its end."""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace

from flext_observability import (
    PendingResult,
    flush_observability,
    get_observability,
    init_observability,
    register_exporter,
    shutdown_observability,
)
from flext_observability.runtime.process_lock import ProcessLock
from flext_observability.runtime.scheduler import scheduler
from tests.backends.ports import refusing_port
from tests.fakes import REFUSED, OneExporterFactory, ScriptedExporter
from tests.hostile import Hostile
from tests.unit.pipeline.shared_page.test_process_directory import child


def test_after_the_end_nothing_records(store: Any) -> None:
    tracer = trace.get_tracer("t")
    counter = metrics.get_meter("t").create_counter("late")
    init_observability(exporters="memory", console=False).unwrap().shutdown()
    tracer.start_span("late").end()
    counter.add(1)
    logging.getLogger("shop").warning("late")
    assert ([span.name for span in store.spans], store.logs, store.metric("late")) == ([], (), None)


def test_a_span_open_at_the_end_is_counted_when_it_ends() -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    span = trace.get_tracer("t").start_span("open")
    counts = handle.status()["traces"].counts
    assert counts is not None
    assert (counts.started, counts.open) == (1, 1)
    handle.shutdown()
    span.end()
    counts = handle.status()["traces"].counts
    assert counts is not None
    assert (counts.started, counts.open, counts.finished, counts.cut_short) == (1, 0, 1, {"abandoned": 1})


def test_a_second_shutdown_gives_the_same_report() -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    assert handle.shutdown().unwrap() is handle.shutdown().unwrap()


def test_the_handle_is_a_context_manager() -> None:
    with init_observability(exporters="memory", console=False).unwrap() as handle:
        assert get_observability().success
        assert handle.ops_address == ""
    assert get_observability().is_failure


def test_the_handle_is_an_async_context_manager() -> None:
    async def main() -> None:
        async with init_observability(exporters="memory", console=False).unwrap():
            assert get_observability().success
        assert get_observability().is_failure

    asyncio.run(main())


def test_the_page_health_and_status_are_served() -> None:
    handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
    metrics.get_meter("t").create_counter("served").add(5)
    for path, words in (
        ("/metrics", 'served_total{otel_scope_name="t"} 5.0'),
        ("/health", "active"),
        ("/status", '"exporter'),
    ):
        with urllib.request.urlopen(handle.ops_address + path, timeout=5) as page:
            assert words in page.read().decode()
    address = handle.ops_address
    handle.shutdown()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address + "/metrics", timeout=5)


def test_a_used_port_degrades_metrics_with_the_fix() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        handle = init_observability(exporters="prometheus", prometheus_port=port, console=False).unwrap()
        status = handle.status()["metrics"]
    assert status.state == "degraded"
    assert status.reason == f"The metrics page is not served: Port {port} on localhost is taken"
    assert "another port" in status.fix
    assert handle.ops_address == ""


def test_a_process_of_a_shared_page_waits_for_its_turn_on_the_port(tmp_path: Path) -> None:
    with refusing_port() as port:
        lock = ProcessLock(tmp_path / f"flext-port-{port}.lock")
        with child(lock.acquire):
            handle = init_observability(
                exporters="prometheus", prometheus_port=port, metrics_directory=str(tmp_path), console=False
            ).unwrap()
            assert (handle.status()["metrics"].state, handle.ops_address) == ("active", "")
            assert "flext-ops-turn" in scheduler().names()
            handle.shutdown()
            assert "flext-ops-turn" not in scheduler().names()


def test_each_degraded_signal_is_logged_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", "carrier_pigeon")
    init_observability(exporters="memory", console=False)
    lines = [line for line in caplog.messages if "degraded" in line]
    fix = "pip install opentelemetry-propagator-carrier_pigeon"
    assert lines == [f"traces degraded: The propagator 'carrier_pigeon' is not installed. {fix}"]


def test_a_report_reads_as_one_line() -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    trace.get_tracer("t").start_span("x").end()
    assert str(handle.flush().unwrap()).startswith("memory 1 of 1 traces exported, 0 queued; nothing lost; 0.")


def test_a_current_failure_is_in_the_status() -> None:
    with refusing_port() as port:
        handle = init_observability(
            exporters="otlp_http", otlp_endpoint=f"http://127.0.0.1:{port}", console=False
        ).unwrap()
        trace.get_tracer("t").start_span("x").end()
        assert not handle.flush(0.5).unwrap().complete
        status = handle.status()["traces"]
        assert (status.state, str(port) in status.reason, bool(status.fix)) == ("degraded", True, True)


def test_a_loss_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    register_exporter("refusing", OneExporterFactory(lambda signal: ScriptedExporter(*[REFUSED] * 9), {"traces"}))
    handle = init_observability(exporters="refusing", console=False).unwrap()
    for _ in range(3):
        trace.get_tracer("t").start_span("x").end()
    report = handle.shutdown().unwrap()
    assert (report.complete, report.dropped) == (False, {"unreachable": 3})
    handle.shutdown()
    lost = "Telemetry was lost: refusing 3 of 3 traces (unreachable)"
    assert [line for line in caplog.messages if "lost" in line] == [lost]


def test_losses_are_counted_by_exporter(caplog: pytest.LogCaptureFixture) -> None:
    with refusing_port() as port:
        handle = init_observability(
            exporters=["otlp_http", "memory"], otlp_endpoint=f"http://127.0.0.1:{port}", console=False
        ).unwrap()
        for number in range(4):
            trace.get_tracer("t").start_span(str(number)).end()
        handle.metrics.counter("orders").add(1)
        report = handle.shutdown().unwrap()
    assert caplog.messages[-1] == (
        "Telemetry was lost: otlp_http 4 of 4 traces (unreachable), otlp_http 1 of 1 metrics (unreachable)"
    )
    assert "memory 4 of 4 traces exported, 0 queued" in str(report)
    counts = {row.signal: (row.started, row.finished) for row in report.ledger.signals}
    assert counts == {"traces": (4, 4), "metrics": (1, 1), "logs": (0, 0)}


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), "1", True, 1e300, "x" * 1_000_000])
def test_an_invalid_timeout_is_a_failure(bad: Any) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    assert (handle.flush(bad).code, len(str(handle.flush(bad).error)) < 200) == ("invalid_timeout", True)
    assert handle.shutdown(bad).code == "invalid_timeout"


def test_a_timeout_object_that_always_raises_is_a_failure() -> None:
    test_an_invalid_timeout_is_a_failure(Hostile())


def test_inside_a_loop_flush_and_shutdown_run_when_awaited(store: Any) -> None:
    async def main() -> None:
        handle = init_observability(exporters="memory", console=False).unwrap()
        trace.get_tracer("t").start_span("x").end()
        pending = handle.flush()
        assert isinstance(pending, PendingResult)
        assert pending.code == "not_awaited"
        assert (await pending).unwrap().complete
        assert [span.name for span in store.spans] == ["x"]
        assert (await handle.shutdown()).success

    asyncio.run(main())


def test_inside_a_loop_flush_and_shutdown_block_on_request(store: Any) -> None:
    async def main() -> None:
        handle = init_observability(exporters="memory", console=False).unwrap()
        trace.get_tracer("t").start_span("x").end()
        assert handle.flush(blocking=True).unwrap().complete
        assert flush_observability(5, blocking=True).unwrap().complete
        assert [span.name for span in store.spans] == ["x"]
        assert handle.delete_pushed_metrics(blocking=True).success
        assert shutdown_observability(blocking=True).unwrap().complete
        assert handle.shutdown(1, blocking=True).unwrap().complete

    asyncio.run(main())


@pytest.mark.parametrize("operation", ["flush", "shutdown", "delete_pushed_metrics"])
def test_inside_a_loop_an_operation_without_await_warns(operation: str) -> None:
    async def main() -> None:
        handle = init_observability(exporters="memory", console=False).unwrap()
        with pytest.warns(RuntimeWarning, match=rf"^{operation}\(\) did nothing: .* blocking=True"):
            getattr(handle, operation)()
        with pytest.warns(RuntimeWarning, match=r"^flush\(\) did nothing: "):
            flush_observability()

    asyncio.run(main())


@pytest.mark.alone
def test_flush_returns_within_its_deadline_without_any_answer() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        handle = init_observability(exporters="otlp_http", otlp_endpoint=endpoint, console=False).unwrap()
        trace.get_tracer("t").start_span("warm").end()
        began = time.monotonic()
        report = handle.flush(0.1).unwrap()
        assert time.monotonic() - began <= 0.15
        assert (report.complete, report.queued) == (False, 1)


def test_measurements_discarded_by_a_conflict_are_in_the_ledger(caplog: pytest.LogCaptureFixture) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    handle.metrics.counter("session.conflict").add(1)
    handle.metrics.gauge("session.conflict").set(1)
    handle.metrics.gauge("session.conflict").set(2)
    counts = handle.status()["metrics"].counts
    assert counts is not None
    assert counts.dropped == {"instrument_conflict": 2}
    report = handle.shutdown().unwrap()
    assert (report.complete, report.dropped) == (False, {"instrument_conflict": 2})
    assert caplog.messages[-1] == "Telemetry was lost: all exporters 2 metrics (instrument_conflict)"
    again = init_observability(exporters="memory", console=False).unwrap()
    assert again.shutdown().unwrap().dropped == {}
