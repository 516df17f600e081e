"""Alerts for one notifier → calls, attempts anew, counts and lines in the log."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextResult
from flext_observability.engine.compat import is_suppressed
from flext_observability.services.alerts import notification_queue as delivery
from flext_observability.services.alerts.notification_queue import Delivery, NotifierStatus, inside_a_notifier
from tests.unit.services.alerts.parts import BUSY, REFUSED, ScriptedNotifier, make, service_with
from tests.waiting import eventually


def nothing() -> Sequence[FlextAlert]:
    return []


def delivering(notifier: Any, active: Callable[[], Sequence[FlextAlert]] = nothing, *severities: str) -> Delivery:
    return Delivery("n", notifier, severities, active)


def told(to: Delivery, *alerts: FlextAlert, seconds: float = 5.0) -> NotifierStatus:
    for alert in alerts:
        to.tell(alert.fingerprint, alert)
    done(to, seconds)
    return to.status()


def done(to: Delivery, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    to.hurry(deadline)
    return to.finish(deadline)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 0.01)


def test_an_alert_is_told_once_within_a_time() -> None:
    notifier = ScriptedNotifier()
    assert told(delivering(notifier), make()) == NotifierStatus("n", delivered=1)
    assert 4 < notifier.seconds[0] <= delivery.CALL_SECONDS


def test_what_cannot_be_told_now_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier(BUSY, BUSY)
    to = delivering(notifier)
    to.tell("f", make())
    assert eventually(lambda: to.status().delivered)
    status = to.status()
    assert (status.failed, status.dropped, status.queued, len(notifier.told)) == (0, 0, 0, 3)
    assert (status.last_error, status.fix) == ("the server is busy", "wait")
    assert caplog.messages == [
        "Notifier n does not deliver, waiting to send again: the server is busy; wait",
        "Notifier n delivers again",
    ]


def test_what_is_refused_is_not(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier(REFUSED, REFUSED)
    to = delivering(notifier)
    assert told(to, make()).failed == 1
    assert told(to, make(name="b")).failed == 2
    assert told(to, make(name="c")).delivered == 1
    assert caplog.messages == [
        "Notifier n did not take an alert: no such room; correct the room",
        "Notifier n delivers again",
    ]
    assert to.status().queued == 0


def test_a_state_that_comes_and_goes_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = delivering(ScriptedNotifier(REFUSED, FlextResult.ok(None), REFUSED, FlextResult.ok(None), REFUSED))
    for _ in range(4):
        told(to, make())
    assert len(caplog.messages) == 2
    monkeypatch.setattr(delivery, "QUIET_SECONDS", 0.0)
    told(to, make())
    assert len(caplog.messages) == 3


@pytest.mark.parametrize(
    ("raised", "failed"),
    [(ValueError("no"), 1), (SystemExit(1), 1), (KeyboardInterrupt(), 1), (TimeoutError(), 0), (ConnectionError(), 0)],
)
def test_what_it_raises_costs_its_own_alert_alone(raised: BaseException, failed: int) -> None:
    to = delivering(ScriptedNotifier(raised))
    to.tell("f", make())
    assert eventually(lambda: to.status().queued == 0)
    assert (to.status().failed, to.status().delivered) == (failed, 1 - failed)
    assert type(raised).__name__ in to.status().last_error
    assert told(to, make(name="b")).delivered == 2 - failed


@pytest.mark.parametrize(("answer", "failed"), [(None, 0), ("yes", 1), (0, 1), (object(), 1)])
def test_an_answer_that_is_no_result(answer: object, failed: int) -> None:
    status = told(delivering(ScriptedNotifier(answer)), make())
    assert (status.failed, status.delivered) == (failed, 1 - failed)
    assert ("return a FlextResult from notify()" in status.fix) == bool(failed)


def test_the_newest_state_is_told() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    first = make(name="first")
    to.tell("first", first)
    assert notifier.began.wait(5)
    for status in ("active", "escalated", "resolved"):
        to.tell("f", make(status=status))
    to.tell("first", make(name="first", status="resolved"))  # while it is being told
    assert to.status().queued == 2
    notifier.hold.set()
    assert done(to)
    assert notifier.heard() == [
        ("first", "error", "active"),
        ("first", "error", "resolved"),
        ("disk", "error", "resolved"),
    ]


def test_a_notifier_may_be_told_of_some_severities_alone_but_learns_the_end() -> None:
    notifier = ScriptedNotifier()
    to = delivering(notifier, nothing, "critical")
    told(to, make())
    told(to, make(severity="critical"))
    told(to, make(severity="warning"))
    told(to, make(severity="warning", status="resolved"))
    told(to, make(severity="warning"))
    assert [(severity, status) for _, severity, status in notifier.heard()] == [
        ("critical", "active"),
        ("warning", "active"),
        ("warning", "resolved"),
    ]


def test_too_many_that_wait_push_the_oldest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CAPACITY", 2)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    for number in range(3):
        to.tell(str(number), make(name=str(number)))
        assert notifier.began.wait(5)
    assert (to.status().queued, to.status().dropped) == (2, 1)
    notifier.hold.set()
    assert done(to)
    assert [alert.name for alert in notifier.told] == ["0", "1", "2"]


def test_nobody_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "GIVE_UP_SECONDS", 0.0)
    assert told(delivering(ScriptedNotifier(BUSY)), make()) == NotifierStatus(
        "n", dropped=1, last_error="the server is busy", fix="wait"
    )


def test_a_flush_tries_at_once_and_each_alert_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 60.0)
    notifier = ScriptedNotifier(BUSY, BUSY)
    to = delivering(notifier)
    for name in ("a", "b"):
        to.tell(name, make(name=name))
    assert eventually(lambda: to.status().last_error)
    began = time.monotonic()
    assert not done(to)  # still busy: what is left waits again
    assert len(notifier.told) == 2
    assert done(to)
    assert time.monotonic() - began < 5
    assert [alert.name for alert in notifier.told] == ["a", "a", "a", "b"]


def test_a_flush_ends_at_its_deadline_and_gives_a_call_no_more_time() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    to.hurry(time.monotonic() + 0.05)
    to.tell("f", make())
    assert not done(to, 0.05)
    assert notifier.seconds[0] <= 0.05
    notifier.hold.set()
    assert done(to)


def test_what_a_server_asks_to_wait_is_kept() -> None:
    class Asking(ScriptedNotifier):
        retry_after_seconds = 0.2

    notifier = Asking(BUSY)
    to = delivering(notifier)
    began = time.monotonic()
    to.tell("f", make())
    assert eventually(lambda: to.status().delivered)
    assert 0.2 <= time.monotonic() - began < 2


def test_a_call_that_hangs_is_left_to_itself(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(delivery, "CALL_TIMEOUT_SECONDS", 0.02)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = Delivery("hanging", notifier, (), nothing)
    for number in range(delivery.MAX_HUNG + 2):
        notifier.began.clear()
        to.tell(str(number), make(name=str(number)))
        if number <= delivery.MAX_HUNG:
            assert eventually(lambda number=number: len(notifier.told) == number + 1)  # type: ignore[misc] # the default is the number
        time.sleep(0.03)
        to.look_after()
    assert threads_of("hanging") == delivery.MAX_HUNG + 1  # and no more
    assert (to.status().failed, to.status().queued) == (delivery.MAX_HUNG, 2)
    assert len(caplog.messages) == 1
    assert "it has not returned for 0 s; make it return within 10 s" in caplog.messages[0]
    notifier.hold.set()
    assert done(to)
    assert (to.status().delivered, to.status().queued) == (2, 0)
    assert eventually(lambda: threads_of("hanging") <= 1)


def threads_of(notifier: str) -> int:
    return sum(thread.name == f"flext-notifier {notifier}" for thread in threading.enumerate())


def test_a_hang_of_the_same_kind_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CALL_TIMEOUT_SECONDS", 0.0)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    to.tell("a", make(name="a"))
    assert notifier.began.wait(5)
    to.tell("b", make(name="b"))  # this looks too
    assert to.status().failed == 1
    notifier.hold.set()
    assert done(to)


def test_what_is_dropped_is_counted_and_said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flext_observability.pipeline.retry.FIRST_SECONDS", 60.0)
    to = delivering(ScriptedNotifier(BUSY))
    for name in ("a", "b"):
        to.tell(name, make(name=name))
    assert eventually(lambda: "the server is busy" in caplog.text)  # said once the attempt is over
    to.drop()
    assert (to.status().dropped, to.status().queued) == (2, 0)
    assert caplog.messages[-1] == "Notifier n: 2 alerts were not told (the server is busy)"
    to.drop()
    assert len(caplog.messages) == 2


def test_a_call_under_way_at_the_end_is_dropped_too(caplog: pytest.LogCaptureFixture) -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    to.tell("f", make())
    assert notifier.began.wait(5)
    to.drop()
    assert to.status() == NotifierStatus("n", dropped=1)
    assert caplog.messages == ["Notifier n: 1 alert was not told"]
    notifier.hold.set()
    assert told(to, make(name="b")).delivered == 1


def test_telling_is_not_recorded_itself() -> None:
    seen: list[tuple[bool, bool]] = []

    class Looking:
        def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
            seen.append((is_suppressed(), inside_a_notifier()))
            return FlextResult[None].ok(None)

    told(delivering(Looking()), make())
    assert seen == [(True, True)]
    assert not inside_a_notifier()


def test_an_alert_that_a_notifier_raises_is_active_and_told_to_nobody() -> None:
    class Raising:
        def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
            return service.process_alert(make(name=f"about {alert.name}")).map(lambda _: None)

    service = service_with(Raising())
    service.process_alert(make())
    assert service.flush(time.monotonic() + 5)
    assert [alert.name for alert in service.active_alerts().unwrap()] == ["disk", "about disk"]
    assert service.notifiers().unwrap()[0].delivered == 1


class Forgetful(ScriptedNotifier):
    """A notifier whose receiver wants to be reminded."""

    refresh_seconds = 60.0

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.rounds: list[list[str]] = []

    def notify_all(self, alerts: Sequence[FlextAlert], timeout_seconds: float) -> FlextResult[None]:
        self.rounds.append([alert.name for alert in alerts])
        step = self.script.pop(0) if self.script else FlextResult[None].ok(None)
        answer: FlextResult[None] = step
        return answer


def test_a_refresh_tells_all_that_are_active_after_what_waits() -> None:
    notifier = Forgetful()
    active: list[FlextAlert] = []
    to = delivering(notifier, lambda: active)
    assert (to.refresh_seconds, delivering(ScriptedNotifier()).refresh_seconds) == (60.0, 0.0)
    to.refresh()
    assert done(to)
    assert notifier.rounds == []  # nothing is active
    active.append(make())
    to.refresh()
    assert done(to)
    assert (notifier.rounds, to.status().delivered) == ([["disk"]], 0)


@pytest.mark.parametrize("answer", [BUSY, REFUSED])
def test_a_refresh_that_fails_is_left_to_the_next_one(
    answer: FlextResult[None], caplog: pytest.LogCaptureFixture
) -> None:
    to = delivering(Forgetful(answer), lambda: [make()])
    to.refresh()
    assert eventually(lambda: to.status().last_error)
    assert to.status().queued == to.status().failed == to.status().dropped == 0
    assert len(caplog.messages) == 1


def test_in_a_forked_child_nothing_waits() -> None:
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    to = delivering(notifier)
    to.tell("f", make())
    assert notifier.began.wait(5)
    to.reinit_after_fork()  # what a child calls
    assert to.status() == NotifierStatus("n")
    notifier.hold.set()
    assert told(to, make(name="b")).delivered == 1


def test_no_thread_is_no_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    caplog.set_level(logging.WARNING)
    to = delivering(ScriptedNotifier())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        to.tell("f", make())
    assert to.status().queued == 1
    assert told(to, make(name="b")).delivered == 2
