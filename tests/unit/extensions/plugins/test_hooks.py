from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextObservabilityPlugin,
    FlextTracingService,
    init_observability,
    register_plugin,
)
from flext_observability.extensions.plugins import dispatcher
from flext_observability.extensions.plugins.hooks import Hooks, plugin_hooks
from flext_observability.extensions.registry import plugin_registry
from flext_observability.runtime.scheduler import scheduler
from tests.installed import install
from tests.unit.extensions.plugins.samples import METRIC, Blocking, Calling, Recording, add, flush, status


def test_dispatch_without_plugins_creates_nothing(hooks: Hooks) -> None:
    hooks.dispatch("on_metric_created", METRIC)
    assert (hooks._by_hook, hooks._dispatcher) == ({}, None)
    assert (hooks.status(), hooks.notices()) == ((), ())
    assert (hooks.flush(0), hooks.close(0)) == (True, True)


def test_plugins_are_called_by_order_then_by_name(hooks: Hooks) -> None:
    calls: list[str] = []
    for name, order in {"late": 9, "b": 1, "a": 1, "early": -3}.items():
        plugin = Calling(partial(lambda called, _: calls.append(called), name))
        plugin.order = order
        add(hooks, **{name: plugin})
    hooks.dispatch("on_metric_created", METRIC)
    assert flush(hooks)
    assert calls == ["early", "a", "b", "late"] == [each.name for each in hooks.status()]


def test_hook_without_an_override_is_not_queued(hooks: Hooks) -> None:
    add(hooks, recording=Recording())
    hooks.dispatch("on_alert_raised", FlextAlert(name="a", severity="info", message="m"))
    assert (flush(hooks), status(hooks, "recording").calls) == (True, 0)
    assert "plug-ins" not in scheduler().names()


def test_plugin_of_the_same_name_replaces_the_first(hooks: Hooks) -> None:
    first, second = Recording(), Recording()
    add(hooks, one=first)
    add(hooks, one=second)
    hooks.dispatch("on_metric_created", METRIC)
    assert flush(hooks)
    assert (first.metrics, second.metrics) == ([], [METRIC])


def test_queued_calls_of_a_removed_plugin_are_dropped(hooks: Hooks) -> None:
    blocking, removed = Blocking(), Recording(order=1)
    add(hooks, blocking=blocking, removed=removed)
    hooks.dispatch("on_metric_created", METRIC)
    assert blocking.entered.wait(10)
    hooks.remove("removed")
    hooks.remove("unknown")
    blocking.release.set()
    assert flush(hooks)
    assert removed.metrics == []
    assert [each.name for each in hooks.status()] == ["blocking"]


def test_hook_gets_the_state_of_the_trace_at_that_moment(recorded: object) -> None:
    blocking, recording = Blocking(), Recording(order=1)
    add(plugin_hooks(), blocking=blocking, recording=recording)
    service = FlextTracingService()
    try:
        plugin_hooks().dispatch("on_metric_created", METRIC)
        trace = service.start_trace("charge", "payments").unwrap()
        service.error_trace(trace, "declined").unwrap()
        blocking.release.set()
        assert flush(plugin_hooks())
    finally:
        plugin_hooks().remove("blocking")
        plugin_hooks().remove("recording")
    assert [(when, each.status, each.end_time is None) for when, each in recording.traces] == [
        ("started", "unset", True),
        ("completed", "error", False),
    ]
    assert {(each.id, each.trace_id, each.span_id) for _, each in recording.traces} == {
        (trace.id, trace.trace_id, trace.span_id)
    }


class TestSetConfigured:
    SOURCE = """
from flext_observability import FlextObservabilityPlugin
class Audit(FlextObservabilityPlugin):
    metrics = []
    def on_metric_created(self, metric):
        self.metrics.append(metric.name)
class Once(FlextObservabilityPlugin):
    made = 0
    def __init__(self):
        Once.made += 1
class Broken(FlextObservabilityPlugin):
    def __init__(self):
        raise ValueError("no disk")
class NoPlugin:
    def on_metric_created(self, metric):
        pass
"""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        points = {
            "audit": "flext_audit:Audit",
            "once": "flext_audit:Once",
            "broken": "flext_audit:Broken",
            "missing": "flext_audit:Missing",
            "foreign": "flext_audit:NoPlugin",
        }
        install(tmp_path, monkeypatch, "flext_audit", self.SOURCE, {"flext_observability.plugins": points})

    def test_plugin_is_loaded_from_its_entry_point(self, hooks: Hooks) -> None:
        assert hooks.set_configured(["audit"]) == ()
        hooks.dispatch("on_metric_created", METRIC)
        assert flush(hooks)
        assert status(hooks, "audit").calls == 1

    def test_start_instantiates_a_configured_plugin_once(self) -> None:
        with init_observability(exporters="none", plugins=["once"]).unwrap():
            assert import_module("flext_audit").Once.made == 1

    def test_new_setting_replaces_the_former_one_and_keeps_registered_plugins(self, hooks: Hooks) -> None:
        add(hooks, registered=Recording())
        hooks.set_configured(["audit"])
        assert hooks.set_configured(["registered"]) == ()
        assert [each.name for each in hooks.status()] == ["registered"]

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("unlisted", "Unknown plugin 'unlisted'"),
            ("broken", "no disk"),
            ("missing", "Missing"),
            ("foreign", "subclass"),
        ],
    )
    def test_plugin_that_cannot_be_loaded_is_a_notice(self, hooks: Hooks, name: str, reason: str) -> None:
        (notice,) = hooks.set_configured([name, "audit"])
        assert reason in notice.message
        assert notice.fix
        assert [each.name for each in hooks.status()] == ["audit"]

    def test_close_flushes_and_keeps_registered_plugins(self, hooks: Hooks) -> None:
        recording = Recording()
        add(hooks, registered=recording)
        hooks.set_configured(["audit"])
        hooks.dispatch("on_metric_created", METRIC)
        assert hooks.close(monotonic() + 10)
        assert "plug-ins" not in scheduler().names()
        assert [(each.name, each.calls) for each in hooks.status()] == [("registered", 1)]
        hooks.dispatch("on_metric_created", METRIC)
        assert flush(hooks)
        assert len(recording.metrics) == 2

    def test_close_past_its_deadline_logs_the_queued_calls(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 60.0)
        blocking = Blocking()
        add(hooks, blocking=blocking)
        hooks.dispatch("on_metric_created", METRIC)
        assert blocking.entered.wait(10)
        hooks.dispatch("on_metric_created", METRIC)
        assert not hooks.close(monotonic())
        assert "Plug-ins did not finish in time: 1 calls are queued" in caplog.text
        blocking.release.set()
        assert flush(hooks)


class TestRegisterPlugin:
    @pytest.fixture(autouse=True)
    def _unregister(self) -> Iterator[None]:
        yield
        for name in list(plugin_registry()._registered):
            del plugin_registry()._registered[name]
            plugin_hooks().remove(name)

    def test_registered_plugin_is_active_immediately(self) -> None:
        recording = Recording()
        assert register_plugin("recording", recording).success
        plugin_hooks().dispatch("on_metric_created", METRIC)
        assert flush(plugin_hooks())
        assert recording.metrics == [METRIC]
        assert plugin_registry().find("recording").data is recording

    @pytest.mark.parametrize(
        ("name", "plugin"),
        [
            (None, Recording()),
            ("", Recording()),
            ("two reason", Recording()),
            ("none", Recording()),
            ("one", None),
            ("one", FlextObservabilityPlugin),
            ("one", object()),
        ],
    )
    def test_invalid_arguments_change_nothing(self, name: Any, plugin: Any) -> None:
        assert register_plugin(name, plugin).code == "invalid_plugin"
        assert (plugin_hooks().status(), dict(plugin_registry()._registered)) == ((), {})
