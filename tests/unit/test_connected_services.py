"""Services hear of starts and ends: settings, the state of telemetry, plug-ins."""

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


class RegisteredPlugin(FlextObservabilityPlugin):
    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.heard: list[str] = []

    def on_metric_created(self, metric: FlextMetric) -> None:
        self.go.wait(5)
        self.heard.append(metric.name)


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    shutdown_observability(0)


@pytest.fixture
def listener() -> Iterator[RegisteredPlugin]:
    made = RegisteredPlugin()
    register_plugin("connected-listener", made).unwrap()
    yield made
    made.go.set()
    plugin_hooks().remove("connected-listener")


@pytest.mark.parametrize(
    ("names", "word"), [({"plugins": ["no-such"]}, "plugin"), ({"alert_notifiers": ["no-such"]}, "notifier")]
)
def test_an_argument_that_names_what_is_not_there_fails_the_start(names: Any, word: str) -> None:
    result = init_observability(exporters="memory", console=False, **names)
    assert result.code == f"unknown_{word}"
    assert f"Unknown {word} 'no-such'" in str(result.error)


def test_a_variable_that_names_a_plugin_that_is_not_there_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXT_OBSERVABILITY_PLUGINS", "no-such-plugin")
    handle = init_observability(exporters="memory", console=False).unwrap()
    messages = [notice.message for notice in handle.status()["traces"].notices]
    assert any("Plug-in 'no-such-plugin' is not active" in message for message in messages)


def test_a_variable_that_names_a_notifier_that_is_not_there_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXT_OBSERVABILITY_ALERT_NOTIFIERS", "no-such-notifier")
    handle = init_observability(exporters="memory", console=False).unwrap()
    messages = [notice.message for notice in handle.status()["logs"].notices]
    assert any("Unknown notifier 'no-such-notifier'" in message for message in messages)


def test_a_failing_plugin_shows_in_the_status() -> None:
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


def test_a_flush_waits_for_plugins_and_says_when_they_are_late(listener: RegisteredPlugin) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    listener.go.clear()
    flext_create_metric("connected.slow", 1).unwrap()
    assert not handle.flush(0.05).unwrap().complete
    listener.go.set()
    assert handle.flush(5).unwrap().complete
    assert listener.heard == ["connected.slow"]


def test_the_end_waits_for_plugins(listener: RegisteredPlugin) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    for number in range(20):
        flext_create_metric(f"connected.end{number}", number).unwrap()
    handle.shutdown().unwrap()
    assert len(listener.heard) == 20


def test_health_made_before_the_start_watches_telemetry_from_the_start_to_the_end() -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    health = handle.health
    assert watched(health.overall().unwrap()) == ["telemetry"]
    handle.shutdown().unwrap()
    assert watched(health.overall().unwrap()) == []
    init_observability(exporters="memory", console=False, health_telemetry=False).unwrap()
    assert watched(health.overall().unwrap()) == []
    init_observability(exporters="memory", console=False).unwrap()
    assert watched(health.overall().unwrap()) == ["telemetry"]


def test_the_end_of_an_earlier_handle_leaves_the_later_one_connected() -> None:
    first = init_observability(exporters="memory", console=False).unwrap()
    second = init_observability(exporters="memory", console=False).unwrap()
    first.shutdown().unwrap()
    assert watched(second.health.overall().unwrap()) == ["telemetry"]


def watched(report: FlextHealthReport) -> list[str]:
    return [check.name for check in report.checks if check.name == "telemetry"]
