"""NotificationQueue: calls, retries, counts and log lines."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextResult
from flext_observability.engine.compat import is_suppressed
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.services.alerts import notification_queue
from flext_observability.services.alerts.notification_queue import NotificationQueue, NotifierStatus, inside_a_notifier
from tests.unit.services.alerts.parts import BUSY, REJECTED, ResendingNotifier, ScriptedNotifier, make, service_with
from tests.waiting import eventually


def nothing() -> Sequence[FlextAlert]:
    return []


def queue_of(
    notifier: Any, active: Callable[[], Sequence[FlextAlert]] = nothing, *severities: str
) -> NotificationQueue:
    return NotificationQueue("n", notifier, severities, active)


def send(queue: NotificationQueue, *alerts: FlextAlert) -> NotifierStatus:
    """Queue alerts, drain the queue and return its status."""
    for alert in alerts:
        queue.notify(alert.fingerprint, alert)
    drain(queue)
    return queue.status()


def drain(queue: NotificationQueue, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    queue.begin_drain(deadline)
    return queue.wait_drained(deadline)


@pytest.fixture(autouse=True)
def _short_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 0.01)


def test_an_alert_is_sent_once_with_a_time_limit() -> None:
    notifier = ScriptedNotifier()
    assert send(queue_of(notifier), make()) == NotifierStatus("n", delivered=1)
    assert 4 < notifier.seconds[0] <= notification_queue.CALL_SECONDS


def test_a_retryable_failure_is_retried(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier(BUSY, BUSY)
    queue = queue_of(notifier)
    queue.notify("f", make())
    assert eventually(lambda: queue.status().delivered)
    status = queue.status()
    assert (status.failed, status.dropped, status.queued, len(notifier.received)) == (0, 0, 0, 3)
    assert (status.last_error, status.fix) == ("the server is busy", "Wait")
    assert caplog.messages == [
        "Notifier n is down, waiting to send again: the server is busy. Wait.",
        "Notifier n has recovered",
    ]


def test_a_rejection_is_not_retried(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier(REJECTED, REJECTED)
    queue = queue_of(notifier)
    assert send(queue, make()).failed == 1
    assert send(queue, make(name="b")).failed == 2
    assert send(queue, make(name="c")).delivered == 1
    assert caplog.messages == [
        "Notifier n did not accept an alert: unknown room. Correct the room.",
        "Notifier n has recovered",
    ]
    assert queue.status().queued == 0


def test_an_alternating_failure_is_logged_once_per_interval(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = queue_of(ScriptedNotifier(REJECTED, FlextResult.ok(None), REJECTED, FlextResult.ok(None), REJECTED))
    for _ in range(4):
        send(queue, make())
    assert len(caplog.messages) == 2
    monkeypatch.setattr("flext_observability.runtime.internal_log.LOG_INTERVAL_SECONDS", 0.0)
    send(queue, make())
    assert len(caplog.messages) == 3


@pytest.mark.parametrize(
    ("raised", "failed"),
    [(ValueError("no"), 1), (SystemExit(1), 1), (KeyboardInterrupt(), 1), (TimeoutError(), 0), (ConnectionError(), 0)],
)
def test_an_exception_costs_its_own_alert_only(raised: BaseException, failed: int) -> None:
    queue = queue_of(ScriptedNotifier(raised))
    queue.notify("f", make())
    assert eventually(lambda: queue.status().queued == 0)
    assert (queue.status().failed, queue.status().delivered) == (failed, 1 - failed)
    assert type(raised).__name__ in queue.status().last_error
    assert send(queue, make(name="b")).delivered == 2 - failed


@pytest.mark.parametrize(("answer", "failed"), [(None, 0), ("yes", 1), (0, 1), (object(), 1)])
def test_a_return_value_other_than_a_result(answer: object, failed: int) -> None:
    status = send(queue_of(ScriptedNotifier(answer)), make())
    assert (status.failed, status.delivered) == (failed, 1 - failed)
    assert (status.fix == "Return a FlextResult from notify()") == bool(failed)


def test_the_latest_state_of_each_alert_is_sent() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    first = make(name="first")
    queue.notify("first", first)
    assert notifier.called.wait(5)
    for status in ("active", "escalated", "resolved"):
        queue.notify("f", make(status=status))
    queue.notify("first", make(name="first", status="resolved"))  # while it is being sent
    assert queue.status().queued == 3
    notifier.hold.set()
    assert drain(queue)
    assert notifier.states() == [
        ("first", "error", "active"),
        ("disk", "error", "resolved"),
        ("first", "error", "resolved"),
    ]


def test_severities_filter_alerts_but_not_the_end_of_an_accepted_one() -> None:
    notifier = ScriptedNotifier()
    queue = queue_of(notifier, nothing, "critical")
    send(queue, make())
    send(queue, make(severity="critical"))
    send(queue, make(severity="warning"))
    send(queue, make(severity="warning", status="resolved"))
    send(queue, make(severity="warning"))
    assert [(severity, status) for _, severity, status in notifier.states()] == [
        ("critical", "active"),
        ("warning", "active"),
        ("warning", "resolved"),
    ]


def test_a_full_queue_drops_the_oldest_notification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_queue, "CAPACITY", 2)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    for number in range(4):
        queue.notify(str(number), make(name=str(number)))
        assert notifier.called.wait(5)
    assert (queue.status().queued, queue.status().dropped) == (3, 1)  # one is being sent
    notifier.hold.set()
    assert drain(queue)
    assert [alert.name for alert in notifier.received] == ["0", "2", "3"]


def test_retries_end_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_queue, "MAX_RETRY_SECONDS", 0.0)
    assert send(queue_of(ScriptedNotifier(BUSY)), make()) == NotifierStatus(
        "n", dropped=1, last_error="the server is busy", fix="Wait"
    )


def test_a_drain_tries_each_notification_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 60.0)
    notifier = ScriptedNotifier(BUSY, BUSY)
    queue = queue_of(notifier)
    for name in ("a", "b"):
        queue.notify(name, make(name=name))
    assert eventually(lambda: queue.status().last_error)
    began = time.monotonic()
    assert not drain(queue)  # still busy: the notifications stay queued
    assert len(notifier.received) == 2
    assert drain(queue)
    assert time.monotonic() - began < 5
    assert [alert.name for alert in notifier.received] == ["a", "a", "a", "b"]


def test_a_drain_ends_at_its_deadline_and_limits_the_call() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    queue.begin_drain(time.monotonic() + 0.05)
    queue.notify("f", make())
    assert not drain(queue, 0.05)
    assert notifier.seconds[0] <= 0.05
    notifier.hold.set()
    assert drain(queue)


def test_a_retry_after_of_the_notifier_is_respected() -> None:
    class Asking(ScriptedNotifier):
        retry_after_seconds = 0.2

    notifier = Asking(BUSY)
    queue = queue_of(notifier)
    began = time.monotonic()
    queue.notify("f", make())
    assert eventually(lambda: queue.status().delivered)
    assert 0.2 <= time.monotonic() - began < 2


def test_hung_calls_are_abandoned(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(notification_queue, "CALL_TIMEOUT_SECONDS", 0.02)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = NotificationQueue("hanging", notifier, (), nothing)
    for number in range(notification_queue.MAX_HUNG + 2):
        notifier.called.clear()
        queue.notify(str(number), make(name=str(number)))
        if number <= notification_queue.MAX_HUNG:
            assert eventually(partial(has_received, notifier, number + 1))
        time.sleep(0.03)
        queue.check_hung()
    assert threads_of("hanging") == notification_queue.MAX_HUNG + 1  # and no more
    assert (queue.status().failed, queue.status().queued) == (notification_queue.MAX_HUNG, 2)
    assert len(caplog.messages) == 1
    assert "it has not returned for 0 s. Make it return within 10 s." in caplog.messages[0]
    notifier.hold.set()
    assert drain(queue)
    assert (queue.status().delivered, queue.status().queued) == (2, 0)
    assert eventually(lambda: threads_of("hanging") <= 1)


def has_received(notifier: ScriptedNotifier, count: int) -> bool:
    return len(notifier.received) == count


def threads_of(notifier: str) -> int:
    return sum(thread.name == f"flext-notifier {notifier}" for thread in threading.enumerate())


def test_a_new_notification_checks_for_a_hung_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_queue, "CALL_TIMEOUT_SECONDS", 0.0)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    queue.notify("a", make(name="a"))
    assert notifier.called.wait(5)
    queue.notify("b", make(name="b"))  # this checks too
    assert queue.status().failed == 1
    notifier.hold.set()
    assert drain(queue)


def test_the_next_notification_is_sent_when_a_hung_call_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    for name in ("a", "b"):
        queue.notify(name, make(name=name))
    assert eventually(lambda: len(notifier.received) == 1)
    monkeypatch.setattr(notification_queue, "CALL_TIMEOUT_SECONDS", 0.0)
    queue.check_hung()
    monkeypatch.undo()
    assert eventually(lambda: len(notifier.received) == 2)
    notifier.hold.set()
    assert drain(queue)
    assert (queue.status().failed, queue.status().delivered) == (1, 1)


def test_dropped_notifications_are_counted_and_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 60.0)
    queue = queue_of(ScriptedNotifier(BUSY))
    for name in ("a", "b"):
        queue.notify(name, make(name=name))
    assert eventually(lambda: "the server is busy" in caplog.text)  # logged at the end of the attempt
    queue.drop_all()
    assert (queue.status().dropped, queue.status().queued) == (2, 0)
    assert caplog.messages[-1] == "Notifier n: 2 notifications dropped (the server is busy)"
    queue.drop_all()
    assert len(caplog.messages) == 2


def test_a_notification_in_flight_is_dropped_too(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    queue.notify("f", make())
    assert notifier.called.wait(5)
    queue.drop_all()
    assert queue.status() == NotifierStatus("n", dropped=1)
    assert caplog.messages == ["Notifier n: 1 notification dropped"]
    notifier.hold.set()
    assert send(queue, make(name="b")).delivered == 1


def test_ended_workers_are_not_kept() -> None:
    queue = queue_of(ScriptedNotifier())
    before = count_workers()
    for _ in range(10):  # one for each shutdown
        queue.drop_all()
    assert count_workers() <= before


def count_workers() -> int:
    gc.collect()
    return sum(type(item) is ExportWorker for item in gc.get_objects())


def test_notifiers_run_with_instrumentation_suppressed() -> None:
    seen: list[tuple[bool, bool]] = []

    class Inspecting:
        def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
            seen.append((is_suppressed(), inside_a_notifier()))
            return FlextResult[None].ok(None)

    send(queue_of(Inspecting()), make())
    assert seen == [(True, True)]
    assert not inside_a_notifier()


def test_an_alert_raised_by_a_notifier_is_active_and_not_sent() -> None:
    class Raising:
        def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
            return service.process_alert(make(name=f"about {alert.name}")).map(lambda _: None)

    service = service_with(Raising())
    service.process_alert(make())
    assert service.flush(time.monotonic() + 5)
    assert [alert.name for alert in service.active_alerts().unwrap()] == ["disk", "about disk"]
    assert service.notifiers().unwrap()[0].delivered == 1


def test_resending_sends_all_active_alerts() -> None:
    notifier = ResendingNotifier()
    active: list[FlextAlert] = []
    queue = queue_of(notifier, lambda: active)
    queue.resend_all()
    assert drain(queue)
    assert notifier.rounds == []  # nothing is active
    active.append(make())
    queue.resend_all()
    assert drain(queue)
    assert (notifier.rounds, queue.status().delivered) == ([["disk"]], 0)


@pytest.mark.parametrize("answer", [BUSY, REJECTED])
def test_a_failed_resend_is_not_retried(answer: FlextResult[None], caplog: pytest.LogCaptureFixture) -> None:
    queue = queue_of(ResendingNotifier(answer), lambda: [make()])
    queue.resend_all()
    assert eventually(lambda: queue.status().last_error)
    assert queue.status().queued == queue.status().failed == queue.status().dropped == 0
    assert len(caplog.messages) == 1


def test_a_forked_child_has_an_empty_queue() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    queue = queue_of(notifier)
    queue.notify("f", make())
    assert notifier.called.wait(5)
    queue.reinit_after_fork()  # what a child calls
    assert queue.status() == NotifierStatus("n")
    notifier.hold.set()
    assert send(queue, make(name="b")).delivered == 1


def test_notifications_stay_queued_while_the_host_has_no_threads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    caplog.set_level(logging.WARNING)
    queue = queue_of(ScriptedNotifier())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        queue.notify("f", make())
    assert queue.status().queued == 1
    assert send(queue, make(name="b")).delivered == 2
