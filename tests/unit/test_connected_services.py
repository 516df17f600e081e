"""Services follow starts and shutdowns: settings, the check of telemetry, plug-ins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flext_observability import (
    FlextHealthReport,
    FlextMetric,
    FlextObservabilityPlugin,
    flext_create_metric,
    init_observability,
    register_plugin,
    shutdown_observability,
)
from flext_observability.extensions.plugins.hooks import plugin_hooks


class RecordingPlugin(FlextObservabilityPlugin):
    def __init__(self) -> None:
        self.release = threading.Event()
        self.release.set()
        self.names_seen: list[str] = []

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.release.wait(5)
        self.names_seen.append(metric.name)


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    shutdown_observability(0)


@pytest.fixture
def recording_plugin() -> Iterator[RecordingPlugin]:
    plugin = RecordingPlugin()
    register_plugin("connected-plugin", plugin).unwrap()
    yield plugin
    plugin.release.set()
    plugin_hooks().remove("connected-plugin")


@pytest.mark.parametrize(
    ("names", "kind"), [({"plugins": ["no-such"]}, "plugin"), ({"alert_notifiers": ["no-such"]}, "notifier")]
)
def test_an_argument_with_an_unknown_name_fails_the_start(names: Any, kind: str) -> None:
    result = init_observability(exporters="memory", console=False, **names)
    assert result.code == f"unknown_{kind}"
    assert f"Unknown {kind} 'no-such'" in str(result.error)


def test_a_variable_with_an_unknown_plugin_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXT_OBSERVABILITY_PLUGINS", "no-such-plugin")
    handle = init_observability(exporters="memory", console=False).unwrap()
    messages = [notice.message for notice in handle.status()["traces"].notices]
    assert any("Plug-in 'no-such-plugin' is not active" in message for message in messages)


def test_a_variable_with_an_unknown_notifier_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXT_OBSERVABILITY_ALERT_NOTIFIERS", "no-such-notifier")
    handle = init_observability(exporters="memory", console=False).unwrap()
    messages = [notice.message for notice in handle.status()["logs"].notices]
    assert any("Unknown notifier 'no-such-notifier'" in message for message in messages)


def test_a_failing_plugin_is_in_the_status() -> None:
    class Failing(FlextObservabilityPlugin):
        def on_metric_created(self, metric: FlextMetric) -> None:
            raise ValueError("no")

    register_plugin("connected-failing", Failing()).unwrap()
    try:
        handle = init_observability(exporters="memory", console=False).unwrap()
        flext_create_metric("connected.failing", 1).unwrap()
        assert handle.flush(5).unwrap().complete
        assert any("connected-failing" in notice.message for notice in handle.status()["metrics"].notices)
    finally:
        plugin_hooks().remove("connected-failing")


def test_a_flush_waits_for_plugins_and_reports_late_ones(recording_plugin: RecordingPlugin) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    recording_plugin.release.clear()
    flext_create_metric("connected.slow", 1).unwrap()
    assert not handle.flush(0.05).unwrap().complete
    recording_plugin.release.set()
    assert handle.flush(5).unwrap().complete
    assert recording_plugin.names_seen == ["connected.slow"]


def test_shutdown_waits_for_plugins(recording_plugin: RecordingPlugin) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    for number in range(20):
        flext_create_metric(f"connected.end{number}", number).unwrap()
    handle.shutdown().unwrap()
    assert len(recording_plugin.names_seen) == 20


def test_health_has_the_check_of_telemetry_from_start_to_shutdown() -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    health = handle.health
    assert telemetry_checks(health.overall().unwrap()) == ["telemetry"]
    handle.shutdown().unwrap()
    assert telemetry_checks(health.overall().unwrap()) == []
    init_observability(exporters="memory", console=False, health_telemetry=False).unwrap()
    assert telemetry_checks(health.overall().unwrap()) == []
    init_observability(exporters="memory", console=False).unwrap()
    assert telemetry_checks(health.overall().unwrap()) == ["telemetry"]


def test_shutting_down_an_earlier_handle_leaves_the_later_one_connected() -> None:
    first = init_observability(exporters="memory", console=False).unwrap()
    second = init_observability(exporters="memory", console=False).unwrap()
    first.shutdown().unwrap()
    assert telemetry_checks(second.health.overall().unwrap()) == ["telemetry"]


def telemetry_checks(report: FlextHealthReport) -> list[str]:
    return [check.name for check in report.checks if check.name == "telemetry"]
