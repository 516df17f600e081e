"""Hook calls of functions and services: once for each entity, from start to shutdown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flext_observability import (
    FlextAlert,
    FlextHealthCheck,
    FlextLogEntry,
    FlextMetric,
    FlextObservabilityPlugin,
    FlextTrace,
    FlextTracingService,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    init_observability,
    traced,
)
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.services.trace_registry import started_traces
from tests.installed import install
from tests.recorded import Recorded, recording
from tests.unit.extensions.plugins.samples import add


class RecordingAll(FlextObservabilityPlugin):
    """Records hook and content of each entity."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.threads: set[int] = set()

    def on_metric_created(self, metric: FlextMetric) -> None:
        self._record("metric", metric.name)

    def on_trace_started(self, trace: FlextTrace) -> None:
        self._record("started", trace.operation_name)

    def on_trace_completed(self, trace: FlextTrace) -> None:
        self._record("completed", f"{trace.operation_name} {trace.status}")

    def on_alert_raised(self, alert: FlextAlert) -> None:
        self._record("alert", f"{alert.name} {alert.status}")

    def on_health_changed(self, check: FlextHealthCheck) -> None:
        self._record("health", f"{check.name} {check.status}")

    def on_log_created(self, entry: FlextLogEntry) -> None:
        self._record("log", entry.message)

    def _record(self, hook: str, text: str) -> None:
        self.calls.append((hook, text))
        self.threads.add(threading.get_ident())


@pytest.fixture
def recording_all() -> Iterator[RecordingAll]:
    plugin = RecordingAll()
    add(plugin_hooks(), recording_all=plugin)
    yield plugin
    plugin_hooks().remove("recording_all")


def received(recorded: Recorded, plugin: RecordingAll) -> list[tuple[str, str]]:
    """Return and clear the recorded hook calls."""
    assert recorded.handle.flush(10).unwrap().complete
    found = list(plugin.calls)
    plugin.calls.clear()
    return found


def test_functions_call_hooks(recorded: Recorded, recording_all: RecordingAll) -> None:
    flext_create_metric("plugin.function", 1).unwrap()
    trace = flext_create_trace("checkout", "shop").unwrap()
    recorded.handle.tracing.complete_trace(trace).unwrap()
    alert = flext_create_alert("plugin alert", "info", "m").unwrap()
    flext_create_health_check("plugin check", "degraded").unwrap()
    flext_create_log_entry("info", "hello").unwrap()
    assert received(recorded, recording_all) == [
        ("metric", "plugin.function"),
        ("started", "checkout"),
        ("completed", "checkout ok"),
        ("alert", "plugin alert active"),
        ("health", "plugin check degraded"),
        ("log", "hello"),
    ]
    assert threading.get_ident() not in recording_all.threads
    recorded.handle.alerts.resolve_alert(alert).unwrap()


def test_services_call_hooks_once_for_each_entity(recorded: Recorded, recording_all: RecordingAll) -> None:
    handle = recorded.handle
    metric, entry = FlextMetric(name="plugin.once", value=1), FlextLogEntry(level="info", message="once")
    for _ in range(3):
        handle.metrics.record_metric(metric).unwrap()
        handle.logs.log(entry).unwrap()
        handle.health.execute_health_check(FlextHealthCheck(name="plugin same", status="unhealthy")).unwrap()
    assert sorted(received(recorded, recording_all)) == [
        ("health", "plugin same unhealthy"),
        ("log", "once"),
        ("metric", "plugin.once"),
    ]


def test_invalid_entities_call_no_hook(recorded: Recorded, recording_all: RecordingAll) -> None:
    assert flext_create_metric("", 1).is_failure
    assert flext_create_alert("a", "loud", "m").is_failure
    assert flext_create_log_entry("loud", "m").is_failure
    assert flext_create_trace("", "shop").is_failure
    assert flext_create_health_check("a", "fine").is_failure
    assert received(recorded, recording_all) == []


def test_instruments_and_traced_blocks_call_no_hook(recorded: Recorded, recording_all: RecordingAll) -> None:
    recorded.handle.metrics.counter("plugin.handle").add(1)
    with traced("block"):
        pass
    assert received(recorded, recording_all) == []


def test_hook_gets_the_status_of_an_ended_trace(recorded: Recorded, recording_all: RecordingAll) -> None:
    service = FlextTracingService()
    service.error_trace(service.start_trace("failed").unwrap(), "declined").unwrap()
    with service.trace("body"):
        pass
    started_traces().evict(float("inf"))
    before = started_traces().max_traces
    abandoned = service.start_trace("abandoned").unwrap()
    started_traces().max_traces = 0
    try:
        service.start_trace("next").unwrap()
    finally:
        started_traces().max_traces = before
    assert abandoned.status == "abandoned"
    assert [text for hook, text in received(recorded, recording_all) if hook == "completed"][:3] == [
        "failed error",
        "body ok",
        "abandoned abandoned",
    ]


class TestSetting:
    SOURCE = """
from flext_observability import FlextObservabilityPlugin
NAMES = []
class Audit(FlextObservabilityPlugin):
    def on_metric_created(self, metric):
        NAMES.append(metric.name)
"""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        points = {"flext_observability.plugins": {"shop_audit": "flext_shop_audit:Audit"}}
        install(tmp_path, monkeypatch, "flext_shop_audit", self.SOURCE, points)

    @pytest.mark.parametrize("plugins", ["shop_audit", ("shop_audit",)])
    def test_configured_plugin_is_active_from_start_to_shutdown(self, plugins: object) -> None:
        from importlib import import_module

        with recording(plugins=plugins):
            flext_create_metric("plugin.setting", 1).unwrap()
        module = import_module("flext_shop_audit")
        assert module.NAMES[-1:] == ["plugin.setting"]
        with recording():
            flext_create_metric("plugin.later", 1).unwrap()
        assert module.NAMES[-1:] == ["plugin.setting"]

    def test_unknown_plugin_in_a_variable_is_a_notice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLEXT_OBSERVABILITY_PLUGINS", "shop_audits")
        with init_observability(exporters="memory").unwrap() as handle:
            notices = [str(notice) for notice in handle.status()["metrics"].notices]
        assert any("did you mean shop_audit?" in notice for notice in notices)

    def test_failures_are_notices_of_every_signal(self, recorded: Recorded) -> None:
        class Fragile(FlextObservabilityPlugin):
            def on_log_created(self, entry: FlextLogEntry) -> None:
                raise ConnectionError("away")

        add(plugin_hooks(), fragile=Fragile())
        try:
            flext_create_log_entry("info", "hello").unwrap()
            assert recorded.handle.flush(10).unwrap().complete
            for status in recorded.handle.status().values():
                assert status.state == "active"
                assert any("Plug-in fragile failed in 1 of 1 calls" in notice.message for notice in status.notices)
        finally:
            plugin_hooks().remove("fragile")
