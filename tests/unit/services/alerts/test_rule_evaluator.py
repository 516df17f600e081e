"""RuleEvaluator: alerts raised and resolved by rules over points. Time is an argument."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextAlertRule, FlextResult
from flext_observability.services.alerts.rule_evaluator import RuleEvaluator
from flext_observability.views.model import MetricView
from tests.unit.services.alerts.points import NAME, gauge


class Sink:
    """Records raised alerts and resolved ids, as the alert service does."""

    def __init__(self) -> None:
        self.raised: list[FlextAlert] = []
        self.resolved: list[str] = []
        self.answer: FlextResult[FlextAlert] | Exception | None = None
        self.now_ns = 1_700_000_000_000_000_000
        self.evaluator = RuleEvaluator(self.process, self.resolved.append, self)

    def process(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        self.raised.append(alert)
        if isinstance(self.answer, Exception):
            raise self.answer
        return FlextResult.ok(alert) if self.answer is None else self.answer

    def time_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return 0.0

    def add(self, **rule: Any) -> FlextAlertRule:
        condition: dict[str, Any] = {} if rule.keys() & {"below", "absent_seconds"} else {"above": 0.8}
        return self.evaluator.add(FlextAlertRule("high", metric=NAME, **{**condition, **rule})).unwrap()

    def evaluate(self, at: float, *values: float | MetricView) -> list[str]:
        """Evaluate once and return the states."""
        self.evaluator.evaluate([value if isinstance(value, MetricView) else gauge(value) for value in values], at)
        return [state.state for state in self.evaluator.states()]


@pytest.fixture
def sink() -> Sink:
    return Sink()


def test_a_condition_that_holds_raises_one_alert_with_its_facts(sink: Sink) -> None:
    sink.add(severity="critical")
    assert sink.evaluate(0, gauge(0.9, host="a"), gauge(0.1, host="b")) == ["firing", "ok"]
    sink.evaluate(1, gauge(0.95, host="a"), gauge(0.1, host="b"))
    (alert,) = sink.raised
    assert (alert.name, alert.severity, alert.source) == ("high", "critical", "rule:high")
    assert alert.message == "shop.orders{host=a} is 0.9, above 0.8"
    assert alert.details == {"labels": {"host": "a"}, "metric": NAME, "value": 0.9, "threshold": 0.8}
    assert alert.timestamp == datetime.fromtimestamp(1_700_000_000, UTC)
    assert alert.validate_business_rules().success


def test_a_condition_must_hold_for_its_whole_duration(sink: Sink) -> None:
    sink.add(for_seconds=300)
    assert [sink.evaluate(at, 0.9) for at in (0, 150, 299)] == [["pending"]] * 3
    assert sink.evaluate(300, 0.9) == ["firing"]
    assert len(sink.raised) == 1


def test_a_condition_that_cleared_for_a_moment_starts_again(sink: Sink) -> None:
    sink.add(for_seconds=300)
    sink.evaluate(0, 0.9)
    assert sink.evaluate(200, 0.1) == ["ok"]
    assert sink.evaluate(250, 0.9) == ["pending"]
    assert sink.evaluate(549, 0.9) == ["pending"]
    assert sink.raised == []


def test_an_alert_is_resolved_once_when_its_condition_is_gone(sink: Sink) -> None:
    sink.add()
    sink.evaluate(0, 0.9)
    assert sink.evaluate(1, 0.8) == ["ok"]
    sink.evaluate(2, 0.1)
    assert sink.resolved == [sink.raised[0].id]
    sink.evaluate(3, 0.9)
    assert len(sink.raised) == 2
    assert sink.raised[0].id != sink.raised[1].id


def test_an_alert_whose_series_vanishes_is_resolved(sink: Sink) -> None:
    sink.add()
    sink.evaluate(0, 0.9)
    assert sink.evaluate(1) == ["no_data"]
    assert sink.resolved == [sink.raised[0].id]


def test_an_alert_stays_for_a_while_when_asked_to(sink: Sink) -> None:
    sink.add(keep_firing_seconds=60)
    sink.evaluate(0, 0.9)
    assert [sink.evaluate(at, 0.1) for at in (10, 69)] == [["firing"]] * 2
    assert sink.evaluate(70, 0.9) == ["firing"]  # the condition is back: the time starts again
    assert [sink.evaluate(at, 0.1) for at in (80, 139)] == [["firing"]] * 2
    assert sink.resolved == []
    assert sink.evaluate(140, 0.1) == ["ok"]
    assert len(sink.raised) == len(sink.resolved) == 1


def test_below_and_absence_are_conditions_too(sink: Sink) -> None:
    sink.add(below=5)
    assert sink.evaluate(0, 5) == ["ok"]
    assert sink.evaluate(1, 4.9) == ["firing"]
    sink.evaluator.remove("high").unwrap()
    sink.add(absent_seconds=60)
    assert sink.evaluate(100) == ["ok"]
    assert sink.evaluate(159) == ["ok"]
    assert sink.evaluate(160) == ["firing"]
    assert sink.evaluate(161, 1) == ["ok"]
    assert sink.raised[-1].message == "shop.orders was last measured 60 seconds ago, more than 60"


def test_a_rule_without_series_has_one_state_without_data(sink: Sink) -> None:
    sink.add(measure="p95")
    (before,) = sink.evaluator.states()
    assert (before.rule, before.state, before.value, before.labels) == ("high", "no_data", None, {})
    sink.evaluate(0, 1)
    assert "which has no p95" in sink.evaluator.states()[0].note


def test_states_contain_time_and_last_number(sink: Sink) -> None:
    sink.add(for_seconds=10)
    sink.evaluate(0, 0.9)
    sink.now_ns += 10_000_000_000
    sink.evaluate(10, 0.95)
    (state,) = sink.evaluator.states()
    assert (state.state, state.value) == ("firing", 0.95)
    assert state.since == datetime.fromtimestamp(1_700_000_010, UTC)


def test_gaps_and_repeated_times_are_harmless(sink: Sink) -> None:
    sink.add(for_seconds=300)
    sink.evaluate(0, 0.9)
    assert sink.evaluate(0, 0.1) == ["pending"]  # the same time: no change
    assert sink.evaluate(-50, 0.1) == ["pending"]
    assert sink.evaluate(100_000, 0.9) == ["firing"]


def test_the_alert_service_may_know_the_alert_under_another_id(sink: Sink) -> None:
    known = FlextAlert(name="high", severity="warning", message="known", id="known")
    sink.answer = FlextResult.ok(known)
    sink.add()
    sink.evaluate(0, 0.9)
    sink.evaluate(1, 0.1)
    assert sink.resolved == ["known"]


def test_an_alert_that_was_not_raised_is_retried_and_not_resolved(sink: Sink) -> None:
    sink.answer = FlextResult[FlextAlert].fail("full", code="full")
    sink.add()
    sink.evaluate(0, 0.9)
    sink.evaluate(1, 0.9)
    assert len(sink.raised) == 2
    sink.evaluate(2, 0.1)
    assert sink.resolved == []


def test_a_callback_that_raises_costs_only_its_own_rule(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.add()
    sink.evaluator.add(FlextAlertRule("other", metric="other", above=0)).unwrap()
    sink.answer = OSError("no")
    sink.evaluate(0, 0.9)
    sink.answer = None
    sink.evaluate(1, 0.9, gauge(1, name="other"))
    assert [alert.name for alert in sink.raised] == ["high", "high", "other"]
    assert "Evaluating the alert rule high failed: OSError: no" in caplog.text


@pytest.mark.parametrize("wrong", [None, "cpu > 80", 5])
def test_an_invalid_rule_is_a_failure(sink: Sink, wrong: Any) -> None:
    added = sink.evaluator.add(wrong)
    assert added.code == "invalid_alert_rule"
    assert (added.error or "").startswith("Invalid alert rule: ")


def test_an_inconsistent_rule_is_not_added(sink: Sink) -> None:
    added = sink.evaluator.add(FlextAlertRule("r", metric=NAME))
    assert added.code == "invalid_alert_rule"
    assert sink.evaluator.rules() == ()


def test_the_same_rule_again_changes_nothing_and_a_changed_one_replaces_it(sink: Sink) -> None:
    first = sink.add()
    sink.evaluate(0, 0.9)
    sink.add()
    assert sink.resolved == []
    assert sink.evaluator.rules() == (first,)
    second = sink.add(above=0.5)
    assert sink.resolved == [sink.raised[0].id]
    assert sink.evaluator.rules() == (second,)


def test_a_removed_rule_resolves_its_alerts_and_an_unknown_one_is_a_failure(sink: Sink) -> None:
    sink.add()
    sink.evaluate(0, gauge(0.9, host="a"), gauge(0.1, host="b"))
    assert sink.evaluator.remove("high").success
    assert sink.resolved == [sink.raised[0].id]
    assert sink.evaluator.states() == ()
    missing = sink.evaluator.remove("high")
    assert missing.code == "unknown_alert_rule"
    assert "known names (none)" in (missing.error or "")


def test_a_child_keeps_the_rules_without_the_alerts(sink: Sink) -> None:
    rule = sink.add()
    sink.evaluate(0, 0.9)
    sink.evaluator.reinit_after_fork()
    assert sink.evaluator.rules() == (rule,)
    assert [state.state for state in sink.evaluator.states()] == ["no_data"]
    assert sink.resolved == []
    sink.evaluate(1, 0.9)
    assert len(sink.raised) == 2


def test_a_rule_that_is_removed_while_it_raises_its_alert_leaves_none_behind(sink: Sink) -> None:
    raised: list[str] = []

    def process(alert: FlextAlert) -> FlextResult[FlextAlert]:
        raised.append(alert.id)
        sink.evaluator.remove("high")
        return FlextResult.ok(alert)

    sink.evaluator = RuleEvaluator(process, sink.resolved.append, sink)
    sink.add()
    sink.evaluate(0, 0.9)
    assert sink.evaluator.rules() == ()
    assert sink.resolved == raised != []


def test_threads_that_evaluate_add_and_remove_leave_no_alert() -> None:
    raised, resolved = list[str](), list[str]()

    def process(alert: FlextAlert) -> FlextResult[FlextAlert]:
        raised.append(alert.id)
        return FlextResult.ok(alert)

    evaluator = RuleEvaluator(process, resolved.append, time)
    points = [gauge(number % 2, series=number) for number in range(20)]

    def work(number: int) -> None:
        for _ in range(30):
            evaluator.add(FlextAlertRule(f"rule-{number % 2}", metric=NAME, above=0.5)).unwrap()
            evaluator.evaluate(points, time.monotonic())
            evaluator.states()
            evaluator.remove(f"rule-{number % 2}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert evaluator.rules() == ()
    assert sorted(raised) == sorted(resolved)
    assert raised
