"""FlextAlertService: copies, telemetry and notifications of alerts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextAlertRule,
    FlextAlertService,
    FlextContainer,
    flext_create_alert,
    init_observability,
    traced,
)
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts import active_alerts
from flext_observability.services.alerts.service import JOB
from flext_observability.values.timestamps import to_unix_nanos
from flext_observability.views.model import MetricView
from tests.recorded import Recorded
from tests.unit.services.alerts.parts import START_NS, ManualClock, ScriptedNotifier, flush, make, service_with
from tests.waiting import eventually


@pytest.fixture
def service() -> FlextAlertService:
    return FlextAlertService(FlextContainer())


@pytest.fixture(autouse=True)
def _no_jobs_left() -> Iterator[None]:
    yield
    for name in scheduler().names():
        if name.startswith(JOB):
            scheduler().cancel(name)


def active(service: FlextAlertService) -> tuple[FlextAlert, ...]:
    return service.active_alerts().unwrap()


def test_an_alert_is_emitted_once_and_active(recorded: Recorded, service: FlextAlertService) -> None:
    alert = flext_create_alert("disk", "error", "full").unwrap()
    for _ in range(2):
        assert service.process_alert(alert).data is alert
    assert len(recorded.logs("flext.alert")) == 1
    assert active(service) == (alert,)


@pytest.mark.parametrize("by_id", [True, False])
def test_resolving_emits_and_ends_it(recorded: Recorded, service: FlextAlertService, by_id: bool) -> None:
    alert = service.process_alert(make()).unwrap()
    resolved = service.resolve_alert(alert.id if by_id else alert).unwrap()
    assert (resolved.id, resolved.status, alert.status) == (alert.id, "resolved", "active")
    assert active(service) == ()
    raised, ended = recorded.logs("flext.alert")
    assert ended.attributes["flext.alert.status"] == "resolved"
    assert ended.timestamp >= raised.timestamp
    assert service.resolve_alert(alert).code == "not_active"


def test_processing_a_resolved_alert_ends_it_too(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    alert = service.process_alert(make()).unwrap()
    assert flush(service)
    service.process_alert(alert.model_copy(update={"status": "resolved", "message": "over"}))
    assert flush(service)
    assert active(service) == ()
    assert notifier.received[-1].message == "over"
    assert [each.attributes["flext.alert.status"] for each in recorded.logs("flext.alert")] == ["active", "resolved"]


def test_a_resolved_alert_that_was_never_active_is_only_recorded(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    assert service.process_alert(make(status="resolved")).unwrap().status == "resolved"
    assert flush(service)
    assert (len(recorded.logs("flext.alert")), notifier.received, active(service)) == (1, [], ())


def test_a_resolved_alert_does_not_become_active_again(recorded: Recorded, service: FlextAlertService) -> None:
    alert = service.process_alert(make()).unwrap()
    service.resolve_alert(alert)
    again = service.process_alert(alert).unwrap()
    assert (again.status, active(service), len(recorded.logs("flext.alert"))) == ("resolved", (), 2)
    assert service.process_alert(make()).unwrap().status == "active"  # a new one of the same name does


def test_the_ids_of_resolved_alerts_are_bounded(service: FlextAlertService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_alerts, "MAX_RESOLVED_IDS", 1)
    first, second = (service.process_alert(make(name=name)).unwrap() for name in ("a", "b"))
    service.resolve_alert(first)
    service.resolve_alert(second)
    assert service.process_alert(second).unwrap().status == "resolved"
    assert service.process_alert(first).unwrap().status == "active"


def test_alerts_of_one_fingerprint_are_one_and_each_is_recorded(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    first = service.process_alert(make(details={"labels": {"host": "a"}})).unwrap()
    assert flush(service)
    second = make(message="fuller", details={"labels": {"host": "a"}, "free": 1})
    known = service.process_alert(second).unwrap()
    assert flush(service)
    assert (known.id, known.timestamp, known.message, known.details["free"]) == (first.id, first.timestamp, "fuller", 1)
    assert active(service) == (known,)
    assert len(notifier.received) == 1
    records = [each.attributes for each in recorded.logs("flext.alert")]
    assert [each["flext.alert.occurrences"] for each in records] == [1, 2]
    assert {each["flext.alert.fingerprint"] for each in records} == {first.fingerprint}
    assert sum(recorded.values("flext.alerts").values()) == 2
    assert service.resolve_alert(second.id).unwrap().id == first.id


def test_another_label_is_another_alert(service: FlextAlertService) -> None:
    for host in ("a", "b"):
        service.process_alert(make(details={"labels": {"host": host}}))
    assert len(active(service)) == 2


def test_an_occurrence_with_another_severity_is_sent_and_recorded_at_its_own_time(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    service.process_alert(make())
    assert flush(service)
    worse = make(severity="critical")
    service.process_alert(worse)
    assert flush(service)
    assert notifier.states() == [("disk", "error", "active"), ("disk", "critical", "active")]
    assert recorded.logs("flext.alert")[1].timestamp == to_unix_nanos(worse.timestamp)


def test_a_changed_copy_of_an_active_alert_changes_it(recorded: Recorded) -> None:
    clock = ManualClock()
    service = service_with(ScriptedNotifier(), clock)
    alert = service.process_alert(make()).unwrap()
    service.process_alert(alert.model_copy(update={"status": "acknowledged"}))
    assert [each.status for each in active(service)] == ["acknowledged"]
    # Another occurrence does not undo it, and the first one changes nothing.
    assert service.process_alert(make()).unwrap().status == "acknowledged"
    assert service.process_alert(alert).unwrap().status == "acknowledged"
    records = recorded.logs("flext.alert")
    assert [each.attributes["flext.alert.occurrences"] for each in records] == [1, 1, 2]
    assert records[1].timestamp == START_NS + int(clock.now * 1e9)


def test_only_the_first_and_the_latest_ids_find_an_alert(service: FlextAlertService) -> None:
    alerts = [make() for _ in range(active_alerts.MAX_IDS + 2)]
    for alert in alerts:
        service.process_alert(alert)
    assert service.acknowledge_alert(alerts[1].id).code == "not_active"
    for known in (alerts[0], alerts[-1]):
        assert service.acknowledge_alert(known.id).success


def test_escalation_goes_one_level_up_or_to_a_given_level(recorded: Recorded, service: FlextAlertService) -> None:
    alert = service.process_alert(make()).unwrap()
    once = service.escalate_alert(alert).unwrap()
    assert (once.status, once.escalation_level, once.severity, once.id) == ("escalated", 1, "error", alert.id)
    options = {"level": 5, "reason": "no reaction", "severity": "critical"}
    twice = service.escalate_alert(alert.id, options).unwrap()
    assert (twice.escalation_level, twice.severity, twice.details) == (
        5,
        "critical",
        {"escalation_reason": "no reaction"},
    )
    assert alert.status == "active"
    assert active(service) == (twice,)
    levels = [each.attributes["flext.alert.escalation_level"] for each in recorded.logs("flext.alert")]
    assert levels == [0, 1, 5]


def test_a_repeated_change_is_not_recorded(recorded: Recorded, service: FlextAlertService) -> None:
    alert = service.process_alert(make()).unwrap()
    assert service.acknowledge_alert(alert) == service.acknowledge_alert(alert)
    assert len(recorded.logs("flext.alert")) == 2


def test_an_alert_that_is_not_active_cannot_be_changed(service: FlextAlertService) -> None:
    for result in (service.escalate_alert(make()), service.acknowledge_alert("x"), service.resolve_alert(make())):
        assert (result.code, "Process it first" in str(result.error)) == ("not_active", True)


@pytest.mark.parametrize("given", [None, 5, "text"])
def test_a_value_that_is_not_an_alert_fails(service: FlextAlertService, given: Any) -> None:
    assert service.process_alert(given).code == "invalid_alert"
    for function in (service.resolve_alert, service.acknowledge_alert, service.escalate_alert):
        assert function(given).code == ("not_active" if given == "text" else "invalid_alert")


def test_a_broken_rule_fails(service: FlextAlertService) -> None:
    for broken in ({"severity": "loud"}, {"name": ""}, {"status": "gone"}):
        for result in (service.process_alert(make(**broken)), service.resolve_alert(make(**broken))):
            assert (result.code, str(result.error)[:13]) == ("invalid_alert", "Invalid alert")
    assert active(service) == ()


def test_the_oldest_active_alerts_are_evicted_and_it_is_logged_once(
    service: FlextAlertService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(active_alerts, "MAX_ACTIVE", 3)
    alerts = [make(name=f"disk {number}") for number in range(5)]
    for alert in alerts:
        service.process_alert(alert)
    assert active(service) == tuple(alerts[2:])
    assert service.resolve_alert(alerts[0].id).code == "not_active"
    assert len([line for line in caplog.messages if "oldest are evicted" in line]) == 1


def test_details_with_cycles_and_names_of_maximum_length_are_accepted(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    cycle: dict[str, Any] = {"labels": {"a": 1}}
    cycle["self"] = cycle
    assert str(service.process_alert(make(name="x" * 1025)).error).startswith(
        "Invalid alert name: it has 1025 characters"
    )
    alert = service.process_alert(make(name="x" * 1024, details=cycle)).unwrap()
    escalated = service.escalate_alert(alert, {"reason": "r"}).unwrap()
    assert service.process_alert(make(name="x" * 1024, details={"labels": {"a": "1"}})).unwrap().id == alert.id
    assert service.resolve_alert(escalated).success
    assert flush(service)
    assert len(recorded.logs("flext.alert")) == 4


def test_the_same_operations_can_be_awaited() -> None:
    async def work() -> None:
        service = FlextAlertService()
        alert = (await service.process_alert(make())).unwrap()
        assert (await service.escalate_alert(alert)).success
        assert (await service.acknowledge_alert(alert.id)).success
        assert len((await service.active_alerts()).unwrap()) == 1
        assert (await service.resolve_alert(alert)).unwrap().status == "resolved"

    asyncio.run(work())


def test_totals_are_exact_over_threads(recorded: Recorded) -> None:
    service = service_with(ScriptedNotifier())

    def work(number: int) -> None:
        for _ in range(50):
            service.process_alert(make())
            own = service.process_alert(make(name=f"own {number}")).unwrap()
            service.resolve_alert(own)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert flush(service)
    assert len(active(service)) == 1
    assert sum(recorded.values("flext.alerts").values()) == 8 * 50 * 3
    last = [each.attributes for each in recorded.logs("flext.alert") if each.attributes["flext.alert.name"] == "disk"]
    assert sorted(each["flext.alert.occurrences"] for each in last) == list(range(1, 401))


def test_notifiers_get_the_trace_in_which_an_alert_was_raised() -> None:
    handle = init_observability(exporters="none", grafana_url="http://grafana:3000").unwrap()
    notifier = ScriptedNotifier()
    with handle:
        handle.alerts.add_notifier("n", notifier)
        with traced("work") as span:
            trace_id = f"{span.get_span_context().trace_id:032x}"
            alert = flext_create_alert("disk", "error", "full").unwrap()
        assert flush(handle.alerts)
        handle.alerts.resolve_alert(alert)
        handle.alerts.remove_notifier("n")
    assert "trace_id" not in alert.details
    details = notifier.received[0].details
    assert details["trace_id"] == trace_id
    assert details["trace_url"].startswith("http://grafana:3000/explore?")


def test_without_grafana_there_is_an_id_and_no_link(recorded: Recorded) -> None:
    notifier = ScriptedNotifier()
    service = service_with(notifier)
    with traced("work"):
        service.process_alert(make())
    assert flush(service)
    assert list(notifier.received[0].details) == ["trace_id"]


def points() -> list[MetricView]:
    return [MetricView("queue.depth", "gauge", "{item}", "shop", value=9.0, time_ns=START_NS)]


def test_periodic_work_is_scheduled_only_while_an_alert_is_active_and_the_service_connected(
    service: FlextAlertService,
) -> None:
    alert = service.process_alert(make()).unwrap()
    assert service._job not in scheduler().names()
    service.connect(points)
    assert service._job in scheduler().names()
    service.resolve_alert(alert)
    assert service._job not in scheduler().names()
    service.process_alert(make())
    service.disconnect(time.monotonic())
    assert service._job not in scheduler().names()


def test_the_end_of_one_service_keeps_the_schedule_of_another(service: FlextAlertService) -> None:
    other = FlextAlertService()
    for each in (service, other):
        each.process_alert(make()).unwrap()
        each.connect(points)
    other.disconnect(time.monotonic())
    assert service._job in scheduler().names()
    assert other._job not in scheduler().names()


def test_rules_raise_and_resolve_alerts(recorded: Recorded) -> None:
    clock = ManualClock()
    service = service_with(ScriptedNotifier(), clock)
    rule = FlextAlertRule("queue", metric="queue.depth", above=5.0, for_seconds=10)
    assert service.add_rule(rule).data == rule
    assert service.rules().unwrap() == (rule,)
    service.run_pending()  # not connected
    assert service.rule_states().unwrap()[0].state == "no_data"
    service.connect(points)
    service.run_pending()
    clock.now += 10
    service.run_pending()
    assert [alert.name for alert in active(service)] == ["queue"]
    assert service.remove_rule("queue").success
    assert active(service) == ()
    assert service._job not in scheduler().names()
    assert service.remove_rule("queue").code == "unknown_alert_rule"
    service.disconnect(time.monotonic())


def test_the_interval_of_the_settings_is_kept(service: FlextAlertService) -> None:
    handle = init_observability(exporters="none", alert_rules_interval_seconds=0.02).unwrap()
    evaluations: list[float] = []

    def read_points() -> list[MetricView]:
        evaluations.append(time.monotonic())
        return []

    with handle:
        service.configure(handle.config)
        service.add_rule(FlextAlertRule("queue", metric="queue.depth", above=5.0))
        service.connect(read_points)
        assert eventually(lambda: len(evaluations) > 2)
        service.disconnect(time.monotonic())


def test_in_a_forked_child_nothing_is_active_and_rules_go_on(service: FlextAlertService) -> None:
    service.add_rule(FlextAlertRule("queue", metric="queue.depth", above=5.0))
    service.add_notifier("n", ScriptedNotifier())
    service.connect(points)
    service.run_pending()
    assert len(active(service)) == 1
    service.reinit_after_fork()  # what a child calls
    assert active(service) == ()
    service.run_pending()
    assert [alert.name for alert in active(service)] == ["queue"]
    service.disconnect(time.monotonic())
