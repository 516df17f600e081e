"""Rules, points and time → alerts raised and resolved; no test waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextAlertRule, FlextResult
from flext_observability.services.alerts.rule_evaluator import RuleEvaluator
from flext_observability.services.dependencies import SystemClock
from flext_observability.views.model import MetricView
from tests.unit.services.alerts.points import NAME, gauge


class Sink:
    """The alerts raised and the ids resolved, as the alert service would see them."""

    def __init__(self) -> None:
        self.raised: list[FlextAlert] = []
        self.resolved: list[str] = []
        self.answer: Any = None
        self.now_ns = 1_700_000_000_000_000_000
        self.engine = RuleEvaluator(self.process, self.resolved.append, self)

    def process(self, alert: FlextAlert) -> object:
        self.raised.append(alert)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def time_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return 0.0

    def watch(self, **rule: Any) -> FlextAlertRule:
        condition: dict[str, Any] = {} if rule.keys() & {"below", "absent_seconds"} else {"above": 0.8}
        return self.engine.add(FlextAlertRule("high", metric=NAME, **{**condition, **rule})).unwrap()

    def look(self, at: float, *values: float | MetricView) -> list[str]:
        """Look once and return the states."""
        self.engine.evaluate([value if isinstance(value, MetricView) else gauge(value) for value in values], at)
        return [state.state for state in self.engine.states()]


@pytest.fixture
def sink() -> Sink:
    return Sink()


def test_a_condition_that_holds_raises_one_alert_with_its_facts(sink: Sink) -> None:
    sink.watch(severity="critical")
    assert sink.look(0, gauge(0.9, host="a"), gauge(0.1, host="b")) == ["firing", "ok"]
    sink.look(1, gauge(0.95, host="a"), gauge(0.1, host="b"))
    (alert,) = sink.raised
    assert (alert.name, alert.severity, alert.source) == ("high", "critical", "rule:high")
    assert alert.message == "shop.orders{host=a} is 0.9, above 0.8"
    assert alert.details == {"labels": {"host": "a"}, "metric": NAME, "value": 0.9, "threshold": 0.8}
    assert alert.timestamp == datetime.fromtimestamp(1_700_000_000, UTC)
    assert alert.validate_business_rules().success


def test_a_condition_must_hold_for_its_whole_duration(sink: Sink) -> None:
    sink.watch(for_seconds=300)
    assert [sink.look(at, 0.9) for at in (0, 150, 299)] == [["pending"]] * 3
    assert sink.look(300, 0.9) == ["firing"]
    assert len(sink.raised) == 1


def test_a_condition_that_was_gone_for_a_moment_begins_anew(sink: Sink) -> None:
    sink.watch(for_seconds=300)
    sink.look(0, 0.9)
    assert sink.look(200, 0.1) == ["ok"]
    assert sink.look(250, 0.9) == ["pending"]
    assert sink.look(549, 0.9) == ["pending"]
    assert sink.raised == []


def test_an_alert_is_resolved_once_when_its_condition_is_gone(sink: Sink) -> None:
    sink.watch()
    sink.look(0, 0.9)
    assert sink.look(1, 0.8) == ["ok"]
    sink.look(2, 0.1)
    assert sink.resolved == [sink.raised[0].id]
    sink.look(3, 0.9)
    assert len(sink.raised) == 2
    assert sink.raised[0].id != sink.raised[1].id


def test_an_alert_whose_series_vanishes_is_resolved(sink: Sink) -> None:
    sink.watch()
    sink.look(0, 0.9)
    assert sink.look(1) == ["no_data"]
    assert sink.resolved == [sink.raised[0].id]


def test_an_alert_stays_for_a_while_when_asked_to(sink: Sink) -> None:
    sink.watch(keep_firing_seconds=60)
    sink.look(0, 0.9)
    assert [sink.look(at, 0.1) for at in (10, 69)] == [["firing"]] * 2
    assert sink.look(70, 0.9) == ["firing"]  # the condition is back: the time begins anew
    assert [sink.look(at, 0.1) for at in (80, 139)] == [["firing"]] * 2
    assert sink.resolved == []
    assert sink.look(140, 0.1) == ["ok"]
    assert len(sink.raised) == len(sink.resolved) == 1


def test_below_and_absence_are_conditions_too(sink: Sink) -> None:
    sink.watch(below=5)
    assert sink.look(0, 5) == ["ok"]
    assert sink.look(1, 4.9) == ["firing"]
    sink.engine.remove("high").unwrap()
    sink.watch(absent_seconds=60)
    assert sink.look(100) == ["ok"]
    assert sink.look(159) == ["ok"]
    assert sink.look(160) == ["firing"]
    assert sink.look(161, 1) == ["ok"]
    assert sink.raised[-1].message == "shop.orders was last measured 60 seconds ago, more than 60"


def test_a_rule_without_series_has_one_state_that_says_so(sink: Sink) -> None:
    sink.watch(measure="p95")
    (before,) = sink.engine.states()
    assert (before.rule, before.state, before.value, before.labels) == ("high", "no_data", None, {})
    sink.look(0, 1)
    assert "which has no p95" in sink.engine.states()[0].note


def test_states_say_since_when_and_the_last_number(sink: Sink) -> None:
    sink.watch(for_seconds=10)
    sink.look(0, 0.9)
    sink.now_ns += 10_000_000_000
    sink.look(10, 0.95)
    (state,) = sink.engine.states()
    assert (state.state, state.value) == ("firing", 0.95)
    assert state.since == datetime.fromtimestamp(1_700_000_010, UTC)


def test_a_gap_between_looks_or_a_clock_that_stands_still_does_no_harm(sink: Sink) -> None:
    sink.watch(for_seconds=300)
    sink.look(0, 0.9)
    assert sink.look(0, 0.1) == ["pending"]  # the same moment: nothing new
    assert sink.look(-50, 0.1) == ["pending"]
    assert sink.look(100_000, 0.9) == ["firing"]


def test_the_alert_service_may_know_the_alert_under_another_id(sink: Sink) -> None:
    known = FlextAlert(name="high", severity="warning", message="known", id="known")
    sink.answer = FlextResult.ok(known)
    sink.watch()
    sink.look(0, 0.9)
    sink.look(1, 0.1)
    assert sink.resolved == ["known"]


def test_a_result_without_an_alert_counts_as_taken(sink: Sink) -> None:
    sink.answer = FlextResult.ok(None)
    sink.watch()
    sink.look(0, 0.9)
    sink.look(1, 0.1)
    assert sink.resolved == [sink.raised[0].id]


def test_an_alert_that_was_not_taken_is_tried_again_and_not_resolved(sink: Sink) -> None:
    sink.answer = FlextResult[FlextAlert].fail("full", code="full")
    sink.watch()
    sink.look(0, 0.9)
    sink.look(1, 0.9)
    assert len(sink.raised) == 2
    sink.look(2, 0.1)
    assert sink.resolved == []


def test_a_callback_that_raises_costs_only_its_own_rule(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.watch()
    sink.engine.add(FlextAlertRule("other", metric="other", above=0)).unwrap()
    sink.answer = OSError("no")
    sink.look(0, 0.9)
    sink.answer = None
    sink.look(1, 0.9, gauge(1, name="other"))
    assert [alert.name for alert in sink.raised] == ["high", "high", "other"]
    assert "Looking at the alert rule high failed: OSError: no" in caplog.text


@pytest.mark.parametrize("wrong", [None, "cpu > 80", 5])
def test_what_is_no_rule_is_a_failure(sink: Sink, wrong: Any) -> None:
    added = sink.engine.add(wrong)
    assert added.code == "invalid_alert_rule"
    assert (added.error or "").startswith("Invalid alert rule: ")


def test_a_rule_that_breaks_a_rule_is_not_watched(sink: Sink) -> None:
    added = sink.engine.add(FlextAlertRule("r", metric=NAME))
    assert added.code == "invalid_alert_rule"
    assert sink.engine.rules() == ()


def test_the_same_rule_again_changes_nothing_and_a_changed_one_replaces_it(sink: Sink) -> None:
    first = sink.watch()
    sink.look(0, 0.9)
    sink.watch()
    assert sink.resolved == []
    assert sink.engine.rules() == (first,)
    second = sink.watch(above=0.5)
    assert sink.resolved == [sink.raised[0].id]
    assert sink.engine.rules() == (second,)


def test_a_removed_rule_resolves_its_alerts_and_an_unknown_one_is_a_failure(sink: Sink) -> None:
    sink.watch()
    sink.look(0, gauge(0.9, host="a"), gauge(0.1, host="b"))
    assert sink.engine.remove("high").success
    assert sink.resolved == [sink.raised[0].id]
    assert sink.engine.states() == ()
    missing = sink.engine.remove("high")
    assert missing.code == "unknown_alert_rule"
    assert "known names (none)" in (missing.error or "")


def test_a_child_keeps_the_rules_and_forgets_the_alerts(sink: Sink) -> None:
    rule = sink.watch()
    sink.look(0, 0.9)
    sink.engine.reinit_after_fork()
    assert sink.engine.rules() == (rule,)
    assert [state.state for state in sink.engine.states()] == ["no_data"]
    assert sink.resolved == []
    sink.look(1, 0.9)
    assert len(sink.raised) == 2


def test_a_rule_that_is_removed_while_it_raises_its_alert_leaves_none_behind(sink: Sink) -> None:
    raised: list[str] = []

    def process(alert: FlextAlert) -> None:
        raised.append(alert.id)
        sink.engine.remove("high")

    sink.engine = RuleEvaluator(process, sink.resolved.append, sink)
    sink.watch()
    sink.look(0, 0.9)
    assert sink.engine.rules() == ()
    assert sink.resolved == raised != []


def test_threads_that_look_add_and_remove_leave_no_alert_behind() -> None:
    raised, resolved, clock = list[str](), list[str](), SystemClock()
    engine = RuleEvaluator(lambda alert: raised.append(alert.id), resolved.append, clock)
    points = [gauge(number % 2, series=number) for number in range(20)]

    def work(number: int) -> None:
        for _ in range(30):
            engine.add(FlextAlertRule(f"rule-{number % 2}", metric=NAME, above=0.5)).unwrap()
            engine.evaluate(points, clock.monotonic())
            engine.states()
            engine.remove(f"rule-{number % 2}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.rules() == ()
    assert sorted(raised) == sorted(resolved)
    assert raised
