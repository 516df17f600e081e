"""Escalation and repetition of active alerts over time; options of escalations."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from flext_observability import FlextAlertService, FlextObservabilityConfig, init_observability
from flext_observability.services.alerts.active_alerts import ActiveAlerts
from flext_observability.services.alerts.escalation import (
    MAX_LEVEL,
    Escalation,
    EscalationPolicy,
    parse_escalation,
    policy_from,
)
from flext_observability.settings.config import with_defaults
from tests.unit.services.alerts.parts import ManualClock, ScriptedNotifier, flush, make, service_with

USUAL = policy_from(with_defaults({}))


@pytest.mark.parametrize(
    ("severity", "seconds"), [("info", None), ("warning", 3600), ("error", 1800), ("critical", 900)]
)
def test_due_escalations_depend_on_severity_and_time(severity: str, seconds: float | None) -> None:
    active = ActiveAlerts().add(make(severity=severity), 100.0)
    assert USUAL.due_escalation(active, 100.0 + (seconds or 1e6) - 1) is None
    assert (USUAL.due_escalation(active, 100.0 + (seconds or 1e6)) is None) == (seconds is None)


def test_zero_never_escalates() -> None:
    active = ActiveAlerts().add(make(), 0.0)
    assert EscalationPolicy(1e10, {"error": 0.0}).due_escalation(active, 1e9) is None


def test_escalation_by_time_ends_at_a_level_and_notifies_with_the_reason() -> None:
    clock, notifier = ManualClock(), ScriptedNotifier()
    service = service_with(notifier, clock)
    service.process_alert(make())
    for _ in range(MAX_LEVEL + 2):
        assert flush(service)
        clock.now += 1800
        service.run_pending()
    assert flush(service)
    (alert,) = service.active_alerts().unwrap()
    assert (alert.status, alert.escalation_level) == ("escalated", MAX_LEVEL)
    assert alert.details["escalation_reason"] == "active for 90 min and not acknowledged"
    assert [each.escalation_level for each in notifier.received] == [0, 1, 2, 3]


def test_a_duration_below_a_minute_is_in_seconds() -> None:
    clock = ManualClock()
    service = service_with(ScriptedNotifier(), clock)
    handle = init_observability(exporters="none", alert_escalate_error_seconds=5).unwrap()
    service.configure(handle.config)
    service.process_alert(make())
    clock.now += 5
    service.run_pending()
    assert service.active_alerts().unwrap()[0].details["escalation_reason"] == "active for 5 s and not acknowledged"


def test_an_explicit_escalation_restarts_the_time() -> None:
    clock = ManualClock()
    service = service_with(ScriptedNotifier(), clock)
    alert = service.process_alert(make()).unwrap()
    clock.now += 1700
    service.escalate_alert(alert)
    clock.now += 1700
    service.run_pending()
    assert service.active_alerts().unwrap()[0].escalation_level == 1


def test_an_active_alert_is_sent_again_after_the_repeat_interval() -> None:
    clock, notifier = ManualClock(), ScriptedNotifier()
    service = service_with(notifier, clock)
    service.process_alert(make(severity="info"))
    for seconds in (14_000, 400, 400):
        assert flush(service)
        clock.now += seconds
        service.run_pending()
    assert flush(service)
    assert len(notifier.received) == 2


def test_a_further_occurrence_is_sent_after_the_repeat_interval() -> None:
    clock, notifier = ManualClock(), ScriptedNotifier()
    service = service_with(notifier, clock)
    for _ in range(2):
        service.process_alert(make())
        assert flush(service)
        clock.now += 14_400
    assert len(notifier.received) == 2


def test_an_acknowledged_alert_neither_escalates_nor_repeats() -> None:
    clock, notifier = ManualClock(), ScriptedNotifier()
    service = service_with(notifier, clock)
    alert = service.process_alert(make()).unwrap()
    assert flush(service)
    service.acknowledge_alert(alert)
    clock.now += 1e6
    service.run_pending()
    service.process_alert(make())
    assert flush(service)
    assert [each.status for each in notifier.received] == ["active", "acknowledged"]


def test_the_policy_comes_from_the_settings() -> None:
    config = FlextObservabilityConfig(
        alert_repeat_interval_seconds=6,
        alert_escalate_warning_seconds=7,
        alert_escalate_error_seconds=8,
        alert_escalate_critical_seconds=9,
    )
    assert policy_from(config) == EscalationPolicy(6, {"warning": 7, "error": 8, "critical": 9})
    assert EscalationPolicy(14_400, {"warning": 3600, "error": 1800, "critical": 900}) == USUAL


@pytest.mark.parametrize("given", [None, {}, OrderedDict()])
def test_every_option_is_optional(given: Any) -> None:
    assert parse_escalation(given).data == Escalation()


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ([], "Invalid alert escalation: "),
        ({"levels": 1}, "Invalid alert escalation: 'levels' is not known"),
        ({5: 1}, "Invalid alert escalation: 5 is not known"),
        ({"level": True}, "Invalid alert escalation level: True"),
        ({"level": "2"}, "Invalid alert escalation level: '2'"),
        ({"level": 0}, "Invalid alert escalation level: 0"),
        ({"level": 101}, "Invalid alert escalation level: 101"),
        ({"level": 2.0}, "Invalid alert escalation level: 2.0"),
        ({"reason": 5}, "Invalid alert escalation reason: 5"),
        ({"severity": "loud"}, "Invalid alert severity: 'loud'"),
        ({"severity": []}, "Invalid alert severity: "),
    ],
)
def test_invalid_options_are_named(given: Any, prefix: str) -> None:
    service = FlextAlertService()
    alert = service.process_alert(make()).unwrap()
    result = service.escalate_alert(alert, given)
    assert result.code == "invalid_alert"
    assert str(result.error).startswith(prefix)
    assert service.active_alerts().unwrap() == (alert,)
