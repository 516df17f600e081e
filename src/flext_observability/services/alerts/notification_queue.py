"""Alerts for one notifier → calls of it on its own thread: the newest state of each, tried again with growing pauses, never for ever."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Condition, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, cast, final, runtime_checkable

from flext_observability.domain.result import FlextResult
from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.pipeline.retry import Backoff
from flext_observability.runtime.fork_barrier import fork_barrier
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.work_queue import WorkQueue
from flext_observability.services.alerts.active_alerts import MAX_ACTIVE
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import FlextNotifier

CALL_SECONDS: Final = 10.0
"""Time that a notifier is given for one alert."""
CALL_TIMEOUT_SECONDS: Final = 30.0
"""Time after which a call that has not returned is left to itself."""
GIVE_UP_SECONDS: Final = 3600.0
"""Time for which an alert is tried again."""
QUIET_SECONDS: Final = 60.0
MAX_HUNG: Final = 3
CAPACITY: Final = MAX_ACTIVE
RETRIED: Final = frozenset({"unreachable", "timeout", "unavailable"})
_logger: Final = logging.getLogger("flext_observability.alerts")
_telling: Final[ContextVar[bool]] = ContextVar("flext_alert_telling", default=False)


def inside_a_notifier() -> bool:
    """Whether a notifier is running here: what it raises is told to nobody, or telling would never end."""
    return _telling.get()


@runtime_checkable
class Resending(Protocol):
    """A notifier whose receiver forgets alerts that are not repeated."""

    refresh_seconds: float

    def notify_all(self, alerts: Sequence[FlextAlert], timeout_seconds: float) -> FlextResult[None]:
        """Tell of all alerts that are still active."""
        ...


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """What became of the alerts for one notifier, since it was added.

    Attributes:
        name: As it was added.
        delivered: Times of telling that succeeded.
        failed: Alerts that it refused, or whose call raised or hung.
        dropped: Alerts given up: too many waited, or nobody could be reached until the end.
        queued: Alerts that wait.
        last_error: Last failure; empty when there was none.
        fix: What to do about it; empty when that is not known.
    """

    name: str
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    queued: int = 0
    last_error: str = ""
    fix: str = ""


@dataclass(slots=True)
class _Notification:
    """The newest state of one alert, and since when it waits; no alert: all that are active, again."""

    fingerprint: str
    alert: FlextAlert | None
    since: float


@final
class Delivery:
    """The way of alerts to one notifier; safe from threads.

    Args:
        name: Name of the notifier.
        notifier: Called on one thread, within ``CALL_SECONDS``.
        severities: Those that are told; empty: all.
        active: Returns the alerts that were told and are active.
    """

    def __init__(
        self,
        name: str,
        notifier: FlextNotifier,
        severities: Collection[str],
        active: Callable[[], Sequence[FlextAlert]],
    ) -> None:
        self.name = name
        self._notifier = notifier
        self._severities = severities
        self._active = active
        self._mailbox = WorkQueue[None](f"notifier {name}", self._work)
        self._turn = 0
        self._warm = False
        self.reinit_after_fork()

    def reinit_after_fork(self) -> None:
        """Begin without alerts and with counts at zero, as a forked child does."""
        self._mailbox.reinit_after_fork()
        self._changed = Condition()
        self._pending: dict[str, _Notification] = {}
        self._told: dict[str, None] = {}
        self._refresh = self._running = self._spoken = False
        self._turn += 1
        self._in_flight: tuple[_Notification, float, int] | None = None
        self._hung: set[int] = set()
        self._resume_at = 0.0
        self._hurry: float | None = None
        self._backoff = Backoff()
        self._delivered = self._failed = self._dropped = 0
        self._trouble = self._last_error = self._fix = ""
        self._reported_at = float("-inf")

    @property
    def refresh_seconds(self) -> float:
        """Time after which ``refresh`` is to be called; 0: never."""
        return self._notifier.refresh_seconds if isinstance(self._notifier, Resending) else 0.0

    def use(self, notifier: FlextNotifier, severities: Collection[str]) -> None:
        """Go on with another notifier; what waits is for it."""
        with self._changed:
            self._notifier, self._severities = notifier, severities

    def tell(self, fingerprint: str, alert: FlextAlert) -> None:
        """Hand an alert over without waiting; it takes the place of an earlier state that has not been told yet."""
        self.look_after()
        with self._changed:
            # Whoever was told of an alert learns its end, whatever its severity is by then.
            if self._severities and alert.severity not in self._severities and fingerprint not in self._told:
                return
            self._told[fingerprint] = None
            if alert.status == "resolved":
                del self._told[fingerprint]
            elif len(self._told) > CAPACITY:
                del self._told[next(iter(self._told))]
            before = self._pending.get(fingerprint)
            if before is None and len(self._pending) >= CAPACITY:
                del self._pending[next(iter(self._pending))]
                self._dropped += 1
            since = monotonic() if before is None else before.since
            self._pending[fingerprint] = _Notification(fingerprint, alert, since)
            self._start()

    def refresh(self) -> None:
        """Have the notifier told of all active alerts again, after what waits."""
        with self._changed:
            self._refresh = True
            self._start()

    def look_after(self) -> None:
        """Leave a call that hangs to itself and go on with the next alert; at most ``MAX_HUNG`` threads are left so."""
        with self._changed:
            if (
                self._in_flight is None
                or monotonic() - self._in_flight[1] < CALL_TIMEOUT_SECONDS
                or len(self._hung) >= MAX_HUNG
            ):
                return
            letter, since, _ = self._in_flight
            self._abandon_call()
            error = f"it has not returned for {monotonic() - since:.0f} s; make it return within {CALL_SECONDS:g} s"
            line = self._settle(letter, FlextResult[None].fail(error, code="hung"))
            self._start()
        if line:
            log_warning(_logger, line)

    def hurry(self, deadline: float) -> None:
        """Wait for nothing any more until ``deadline`` (monotonic seconds), and try each alert once."""
        with self._changed:
            self._hurry = deadline
            self._start()
            self._changed.notify_all()

    def finish(self, deadline: float) -> bool:
        """Wait until all alerts were told, after ``hurry``; whether that was so before the deadline."""
        done = self._mailbox.flush(deadline)
        with self._changed:
            self._hurry = None
            self._start()
            return done and not self._pending

    def drop(self) -> None:
        """Give up what waits, count it, and say so."""
        with self._changed:
            lost = len(self._pending)
            self._dropped += lost
            self._pending.clear()
            self._told.clear()
            self._refresh = False
            self._abandon_call()
            because = f" ({self._last_error})" if self._trouble else ""
        if lost:
            log_warning(
                _logger, f"Notifier {self.name}: {lost} {'alerts were' if lost > 1 else 'alert was'} not told{because}"
            )

    def status(self) -> NotifierStatus:
        """Return the counts of this moment."""
        with self._changed:
            counts = self._delivered, self._failed, self._dropped, len(self._pending)
            return NotifierStatus(self.name, *counts, self._last_error, self._fix)

    def _start(self) -> None:
        """Have the worker work, unless it does."""
        if not self._running and (self._pending or self._refresh):
            self._running = self._mailbox.put(None)

    def _abandon_call(self) -> None:
        """Take no notice of a call that goes on; its thread ends when it returns."""
        if self._in_flight is not None:
            self._hung.add(self._in_flight[2])
            self._mailbox.replace_worker()
        self._turn += 1
        self._in_flight = None
        self._running = False

    def _work(self, _: None) -> None:
        changed, turn = self._changed, self._turn
        token = _telling.set(True)
        try:
            with suppress_instrumentation():
                while (letter := self._next(turn)) is not None:
                    # The first call may import; a fork that is made meanwhile waits for that.
                    with nullcontext() if self._warm else fork_barrier().section():
                        result = self._call(letter)
                    self._warm = True
                    with changed:
                        line = self._settle(letter, result) if turn == self._turn else ""
                    if line:
                        log_warning(_logger, line)
        finally:
            _telling.reset(token)
            with changed:
                self._hung.discard(get_ident())

    def _next(self, turn: int) -> _Notification | None:
        """Wait for the time of the next attempt and return what to tell; None when there is nothing left to do."""
        with self._changed:
            while turn == self._turn:
                wait = self._resume_at - monotonic()
                if not self._pending and not self._refresh:
                    self._running = False
                    return None
                if wait <= 0 or self._hurry is not None:
                    letter = next(iter(self._pending.values()), None)
                    if letter is None:
                        self._refresh = False
                        letter = _Notification("", None, monotonic())
                    self._in_flight = letter, monotonic(), get_ident()
                    return letter
                self._changed.wait(wait)
            return None

    def _call(self, letter: _Notification) -> FlextResult[None]:
        seconds = CALL_SECONDS
        if self._hurry is not None:
            seconds = max(min(seconds, self._hurry - monotonic()), 0.001)
        try:
            if letter.alert is not None:
                return _checked(self._notifier.notify(letter.alert, seconds))
            alerts = self._active()
            if not alerts:
                return FlextResult[None].ok(None)
            return _checked(cast("Resending", self._notifier).notify_all(alerts, seconds))
        except BaseException as error:  # noqa: BLE001 - SystemExit too: no notifier may end the program or the worker
            code = "timeout" if isinstance(error, TimeoutError) else "unreachable"
            code = code if isinstance(error, TimeoutError | ConnectionError) else "raised"
            return FlextResult[None].fail(f"it raised {describe_error(error)}", code=code)

    def _settle(self, letter: _Notification, result: FlextResult[None]) -> str:
        """Keep, count or give up an alert after an attempt, and return the line to say; empty for none."""
        self._in_flight = None
        now = monotonic()
        waiting = self._pending.get(letter.fingerprint) is letter
        again = result.code in RETRIED and now - letter.since < GIVE_UP_SECONDS
        if waiting and not again:
            del self._pending[letter.fingerprint]
        if result.success:
            self._delivered += letter.alert is not None
            self._resume_at = 0.0
            self._backoff.reset()
        elif result.code in RETRIED:
            self._dropped += waiting and not again
            self._resume_at = now + self._backoff.next_seconds(_retry_after(self._notifier))
            if self._hurry is not None:  # everything else would fare alike
                self._turn += 1
                self._running = False
        else:
            self._failed += letter.alert is not None
        return self._news(result, now)

    def _news(self, result: FlextResult[None], now: float) -> str:
        """Return the line about a change of state; one that was told a short while ago is not told again."""
        code, before = result.code or "", self._trouble
        self._trouble = code
        if result.success:
            told, self._spoken = self._spoken, False
            return f"Notifier {self.name} delivers again" if told else ""
        error = result.error or ""
        said, _, fix = error.rpartition("; ")
        self._last_error, self._fix = (said, fix) if said else (result.message or "", result.fix)
        if code == before or now - self._reported_at < QUIET_SECONDS:
            return ""
        self._reported_at, self._spoken = now, True
        what = "does not deliver, waiting to send again" if code in RETRIED else "did not take an alert"
        return f"Notifier {self.name} {what}: {error}"


def _checked(answer: object) -> FlextResult[None]:
    """Return the answer of a notifier; None counts as success, anything but a result as a failure."""
    if isinstance(answer, FlextResult):
        return cast("FlextResult[None]", answer)
    if answer is None:
        return FlextResult[None].ok(None)
    message = f"it returned {type(answer).__name__}; return a FlextResult from notify()"
    return FlextResult[None].fail(message, code="nonsense")


def _retry_after(notifier: object) -> float | None:
    wait = getattr(notifier, "retry_after_seconds", None)
    return wait if isinstance(wait, float) else None
