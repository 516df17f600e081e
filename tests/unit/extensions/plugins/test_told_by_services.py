"""What services tell plug-ins: each entity once, from the verbs and from the services, from start to shutdown."""

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
from flext_observability.extensions.plugins.hooks import HOOKS
from flext_observability.services.trace_registry import TRACES
from tests.installed import install
from tests.recorded import Recorded, recording
from tests.unit.extensions.plugins.heard import add


class Everything(FlextObservabilityPlugin):
    """Keeps the hook and what is telling of each entity."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.threads: set[int] = set()

    def on_metric_created(self, metric: FlextMetric) -> None:
        self._keep("metric", metric.name)

    def on_trace_started(self, trace: FlextTrace) -> None:
        self._keep("started", trace.operation_name)

    def on_trace_completed(self, trace: FlextTrace) -> None:
        self._keep("completed", f"{trace.operation_name} {trace.status}")

    def on_alert_raised(self, alert: FlextAlert) -> None:
        self._keep("alert", f"{alert.name} {alert.status}")

    def on_health_changed(self, check: FlextHealthCheck) -> None:
        self._keep("health", f"{check.name} {check.status}")

    def on_log_created(self, entry: FlextLogEntry) -> None:
        self._keep("log", entry.message)

    def _keep(self, hook: str, text: str) -> None:
        self.heard.append((hook, text))
        self.threads.add(threading.get_ident())


@pytest.fixture
def everything() -> Iterator[Everything]:
    plugin = Everything()
    add(HOOKS, everything=plugin)
    yield plugin
    HOOKS.remove("everything")


def heard(recorded: Recorded, plugin: Everything) -> list[tuple[str, str]]:
    """Return what the plug-in heard until now, and forget it."""
    assert recorded.handle.flush(10).unwrap().complete
    found = list(plugin.heard)
    plugin.heard.clear()
    return found


def test_verbs(recorded: Recorded, everything: Everything) -> None:
    flext_create_metric("plugin.verb", 1).unwrap()
    trace = flext_create_trace("checkout", "shop").unwrap()
    recorded.handle.tracing.complete_trace(trace).unwrap()
    alert = flext_create_alert("plugin alert", "info", "m").unwrap()
    flext_create_health_check("plugin check", "degraded").unwrap()
    flext_create_log_entry("info", "hello").unwrap()
    assert heard(recorded, everything) == [
        ("metric", "plugin.verb"),
        ("started", "checkout"),
        ("completed", "checkout ok"),
        ("alert", "plugin alert active"),
        ("health", "plugin check degraded"),
        ("log", "hello"),
    ]
    assert threading.get_ident() not in everything.threads
    recorded.handle.alerts.resolve_alert(alert).unwrap()


def test_services_tell_of_an_entity_once(recorded: Recorded, everything: Everything) -> None:
    handle = recorded.handle
    metric, entry = FlextMetric(name="plugin.once", value=1), FlextLogEntry(level="info", message="once")
    for _ in range(3):
        handle.metrics.record_metric(metric).unwrap()
        handle.logs.log(entry).unwrap()
        handle.health.execute_health_check(FlextHealthCheck(name="plugin same", status="unhealthy")).unwrap()
    assert sorted(heard(recorded, everything)) == [
        ("health", "plugin same unhealthy"),
        ("log", "once"),
        ("metric", "plugin.once"),
    ]


def test_what_is_wrong_is_told_to_nobody(recorded: Recorded, everything: Everything) -> None:
    assert flext_create_metric("", 1).is_failure
    assert flext_create_alert("a", "loud", "m").is_failure
    assert flext_create_log_entry("loud", "m").is_failure
    assert flext_create_trace("", "shop").is_failure
    assert flext_create_health_check("a", "fine").is_failure
    assert heard(recorded, everything) == []


def test_handles_and_blocks_make_no_entities(recorded: Recorded, everything: Everything) -> None:
    recorded.handle.metrics.counter("plugin.handle").add(1)
    with traced("block"):
        pass
    assert heard(recorded, everything) == []


def test_each_way_of_ending_a_trace(recorded: Recorded, everything: Everything) -> None:
    service = FlextTracingService()
    service.error_trace(service.start_trace("failed").unwrap(), "declined").unwrap()
    with service.trace("body"):
        pass
    TRACES.forget(float("inf"))
    before = TRACES.max_traces
    forgotten = service.start_trace("forgotten").unwrap()
    TRACES.max_traces = 0
    try:
        service.start_trace("next").unwrap()
    finally:
        TRACES.max_traces = before
    assert forgotten.status == "abandoned"
    assert [text for hook, text in heard(recorded, everything) if hook == "completed"][:3] == [
        "failed error",
        "body ok",
        "forgotten abandoned",
    ]


class TestSetting:
    SOURCE = """
from flext_observability import FlextObservabilityPlugin
HEARD = []
class Audit(FlextObservabilityPlugin):
    def on_metric_created(self, metric):
        HEARD.append(metric.name)
"""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        points = {"flext_observability.plugins": {"shop_audit": "flext_shop_audit:Audit"}}
        install(tmp_path, monkeypatch, "flext_shop_audit", self.SOURCE, points)

    @pytest.mark.parametrize("plugins", ["shop_audit", ("shop_audit",)])
    def test_a_plugin_of_the_setting_hears_from_start_to_shutdown(self, plugins: object) -> None:
        from importlib import import_module

        with recording(plugins=plugins):
            flext_create_metric("plugin.setting", 1).unwrap()
        module = import_module("flext_shop_audit")
        assert module.HEARD[-1:] == ["plugin.setting"]
        with recording():
            flext_create_metric("plugin.later", 1).unwrap()
        assert module.HEARD[-1:] == ["plugin.setting"]

    def test_a_variable_that_names_nobody_shows_in_the_status(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLEXT_OBSERVABILITY_PLUGINS", "shop_audits")
        with init_observability(exporters="memory").unwrap() as handle:
            notices = [str(notice) for notice in handle.status()["metrics"].notices]
        assert any("did you mean shop_audit?" in notice for notice in notices)

    def test_failures_show_in_the_status_of_every_signal(self, recorded: Recorded) -> None:
        class Fragile(FlextObservabilityPlugin):
            def on_log_created(self, entry: FlextLogEntry) -> None:
                raise ConnectionError("away")

        add(HOOKS, fragile=Fragile())
        try:
            flext_create_log_entry("info", "hello").unwrap()
            assert recorded.handle.flush(10).unwrap().complete
            for status in recorded.handle.status().values():
                assert status.state == "active"
                assert any("Plug-in fragile failed in 1 of 1 calls" in notice.message for notice in status.notices)
        finally:
            HOOKS.remove("fragile")
