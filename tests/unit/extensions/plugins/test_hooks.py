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
from flext_observability.extensions.plugins.hooks import HOOKS, Hooks
from flext_observability.extensions.registry import PLUGINS
from flext_observability.runtime.scheduler import SCHEDULER
from tests.installed import install
from tests.unit.extensions.plugins.heard import METRIC, Doing, Holding, Recording, add, flush, status


def test_telling_asks_nobody_and_makes_nothing_without_plugins(hooks: Hooks) -> None:
    hooks.tell("on_metric_created", METRIC)
    assert (hooks._by_hook, hooks._dispatcher) == ({}, None)
    assert (hooks.status(), hooks.notices()) == ((), ())
    assert (hooks.flush(0), hooks.close(0)) == (True, True)


def _say(calls: list[str], name: str, _: object) -> None:
    calls.append(name)


def test_plugins_are_called_in_order_and_then_by_name(hooks: Hooks) -> None:
    calls: list[str] = []
    for name, order in {"late": 9, "b": 1, "a": 1, "early": -3}.items():
        plugin = Doing(partial(_say, calls, name))
        plugin.order = order
        add(hooks, **{name: plugin})
    hooks.tell("on_metric_created", METRIC)
    assert flush(hooks)
    assert calls == ["early", "a", "b", "late"] == [each.name for each in hooks.status()]


def test_a_hook_that_nobody_overrides_costs_no_call(hooks: Hooks) -> None:
    add(hooks, recording=Recording())
    hooks.tell("on_alert_raised", FlextAlert(name="a", severity="info", message="m"))
    assert (flush(hooks), status(hooks, "recording").calls) == (True, 0)
    assert "plug-ins" not in SCHEDULER.names()


def test_a_plugin_of_the_same_name_takes_the_place_of_the_former(hooks: Hooks) -> None:
    first, second = Recording(), Recording()
    add(hooks, one=first)
    add(hooks, one=second)
    hooks.tell("on_metric_created", METRIC)
    assert flush(hooks)
    assert (first.heard, second.heard) == ([], [METRIC])


def test_what_waits_for_a_plugin_that_is_removed_is_dropped(hooks: Hooks) -> None:
    holding, removed = Holding(), Recording(order=1)
    add(hooks, holding=holding, removed=removed)
    hooks.tell("on_metric_created", METRIC)
    assert holding.entered.wait(10)
    hooks.remove("removed")
    hooks.remove("never heard of")
    holding.release.set()
    assert flush(hooks)
    assert removed.heard == []
    assert [each.name for each in hooks.status()] == ["holding"]


def test_a_trace_is_told_as_it_was_at_that_moment(recorded: object) -> None:
    holding, recording = Holding(), Recording(order=1)
    add(HOOKS, holding=holding, recording=recording)
    service = FlextTracingService()
    try:
        HOOKS.tell("on_metric_created", METRIC)
        trace = service.start_trace("charge", "payments").unwrap()
        service.error_trace(trace, "declined").unwrap()
        holding.release.set()
        assert flush(HOOKS)
    finally:
        HOOKS.remove("holding")
        HOOKS.remove("recording")
    assert [(when, each.status, each.end_time is None) for when, each in recording.traces] == [
        ("started", "unset", True),
        ("completed", "error", False),
    ]
    assert {(each.id, each.trace_id, each.span_id) for _, each in recording.traces} == {
        (trace.id, trace.trace_id, trace.span_id)
    }


class TestSelect:
    SOURCE = """
from flext_observability import FlextObservabilityPlugin
class Audit(FlextObservabilityPlugin):
    heard = []
    def on_metric_created(self, metric):
        self.heard.append(metric.name)
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

    def test_the_setting_switches_plugins_on_by_entry_point(self, hooks: Hooks) -> None:
        assert hooks.select(["audit"]) == ()
        hooks.tell("on_metric_created", METRIC)
        assert flush(hooks)
        assert status(hooks, "audit").calls == 1

    def test_a_start_makes_a_chosen_plugin_once(self) -> None:
        with init_observability(exporters="none", plugins=["once"]).unwrap():
            assert import_module("flext_audit").Once.made == 1

    def test_another_setting_takes_the_place_of_the_former_and_leaves_what_was_registered_by_hand(
        self, hooks: Hooks
    ) -> None:
        add(hooks, byhand=Recording())
        hooks.select(["audit"])
        assert hooks.select(["byhand"]) == ()
        assert [each.name for each in hooks.status()] == ["byhand"]

    @pytest.mark.parametrize(
        ("name", "words"),
        [("nobody", "No plugin is called"), ("broken", "no disk"), ("missing", "Missing"), ("foreign", "subclass")],
    )
    def test_one_that_cannot_be_had_is_told_and_the_others_are_taken(self, hooks: Hooks, name: str, words: str) -> None:
        (notice,) = hooks.select([name, "audit"])
        assert words in notice.message
        assert notice.fix
        assert [each.name for each in hooks.status()] == ["audit"]

    def test_the_end_flushes_and_leaves_what_was_registered_by_hand(self, hooks: Hooks) -> None:
        recording = Recording()
        add(hooks, byhand=recording)
        hooks.select(["audit"])
        hooks.tell("on_metric_created", METRIC)
        assert hooks.close(monotonic() + 10)
        assert "plug-ins" not in SCHEDULER.names()
        assert [(each.name, each.calls) for each in hooks.status()] == [("byhand", 1)]
        hooks.tell("on_metric_created", METRIC)
        assert flush(hooks)
        assert len(recording.heard) == 2

    def test_an_end_that_comes_too_early_says_what_waits(
        self, hooks: Hooks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(dispatcher, "HOOK_TIMEOUT_SECONDS", 60.0)
        holding = Holding()
        add(hooks, holding=holding)
        hooks.tell("on_metric_created", METRIC)
        assert holding.entered.wait(10)
        hooks.tell("on_metric_created", METRIC)
        assert not hooks.close(monotonic())
        assert "not told of everything in time: 1 calls wait" in caplog.text
        holding.release.set()
        assert flush(hooks)


class TestRegisterPlugin:
    @pytest.fixture(autouse=True)
    def _forget(self) -> Iterator[None]:
        yield
        for name in list(PLUGINS._registered):
            del PLUGINS._registered[name]
            HOOKS.remove(name)

    def test_it_is_active_at_once_and_known_by_name(self) -> None:
        recording = Recording()
        assert register_plugin("recording", recording).success
        HOOKS.tell("on_metric_created", METRIC)
        assert flush(HOOKS)
        assert recording.heard == [METRIC]
        assert PLUGINS.find("recording").data is recording

    @pytest.mark.parametrize(
        ("name", "plugin"),
        [
            (None, Recording()),
            ("", Recording()),
            ("two words", Recording()),
            ("none", Recording()),
            ("one", None),
            ("one", FlextObservabilityPlugin),
            ("one", object()),
        ],
    )
    def test_wrong_arguments_are_a_failure_and_change_nothing(self, name: Any, plugin: Any) -> None:
        assert register_plugin(name, plugin).code == "invalid_plugin"
        assert (HOOKS.status(), dict(PLUGINS._registered)) == ((), {})
