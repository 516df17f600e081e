"""Notifications of one notifier: the latest state of each alert, sent by an ``ExportWorker`` of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, cast, final, runtime_checkable

from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import ExportQueue, LatestByKey
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.schedule import Schedule
from flext_observability.runtime.internal_log import LogInterval, log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts.active_alerts import MAX_ACTIVE
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.masking import mask_secrets

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import FlextNotifier

CALL_SECONDS: Final = 10.0
"""Time limit that a notifier gets for one call."""
CALL_TIMEOUT_SECONDS: Final = 30.0
"""Time after which a call counts as hung, and its thread is abandoned."""
MAX_RETRY_SECONDS: Final = 3600.0
"""Time for which one notification is retried."""
MAX_HUNG: Final = 3
CAPACITY: Final = MAX_ACTIVE
RETRYABLE: Final = frozenset({"unreachable", "timeout", "unavailable", "invalid_response", "tls"})
_DROP_REASONS: Final = RETRYABLE | {"queue_full", "shutdown_deadline"}
_logger: Final = logging.getLogger("flext_observability.alerts")
_inside: Final[ContextVar[bool]] = ContextVar("flext_inside_a_notifier", default=False)


def inside_a_notifier() -> bool:
    """Return whether the caller runs inside a notifier."""
    return _inside.get()


@runtime_checkable
class Resending(Protocol):
    """A notifier whose receiver resolves alerts that are not sent again.

    Attributes:
        refresh_seconds: Time between two calls of ``notify_all``.
    """

    refresh_seconds: float

    def notify_all(self, alerts: Sequence[FlextAlert], timeout_seconds: float) -> FlextResult[None]:
        """Send all active alerts again."""
        ...


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """Notifications of one notifier since it was added.

    Attributes:
        name: Name of the notifier.
        delivered: Notifications sent.
        failed: Notifications that the notifier rejected, or whose call raised or hung.
        dropped: Notifications dropped: the queue was full, or no attempt succeeded in time.
        queued: Notifications queued or being sent.
        last_error: Last failure; empty without one.
        fix: The next action; empty when unknown.
    """

    name: str
    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    queued: int = 0
    last_error: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class _Notification:
    """The latest state of one alert, or (no alert) a request to send all active alerts again.

    Attributes:
        fingerprint: Key of the alert; empty without an alert.
        alert: State to send.
        since: Time when the alert was queued first, monotonic seconds.
    """

    fingerprint: str
    alert: FlextAlert | None
    since: float


@final
class NotificationQueue:
    """Queue and worker of one notifier. Thread-safe; ``notify`` never blocks.

    Args:
        name: Name of the notifier.
        notifier: Called on one thread.
        severities: Severities to send; empty for all.
        notified_alerts: Returns the active alerts that notifiers have received.
    """

    _abandoned: list[ExportWorker[_Notification]]
    _worker: ExportWorker[_Notification]

    def __init__(
        self,
        name: str,
        notifier: FlextNotifier,
        severities: Collection[str],
        notified_alerts: Callable[[], Sequence[FlextAlert]],
    ) -> None:
        self.name = name
        self._severities = severities
        self._exporter = _NotifierExporter(notifier, notified_alerts)
        self._lock = ForkSafeLock()
        self._reset()

    def set_notifier(self, notifier: FlextNotifier, severities: Collection[str]) -> None:
        """Replace the notifier. It gets the queued notifications too."""
        with self._lock:
            self._exporter.notifier, self._severities = notifier, severities

    def notify(self, fingerprint: str, alert: FlextAlert) -> None:
        """Queue the state of an alert. It replaces an earlier state that has not been sent."""
        self.check_hung()
        with self._lock:
            if self._accepts(fingerprint, alert):
                queued = self._waiting.get(fingerprint)
                since = monotonic() if queued is None else queued.since
                self._worker.enqueue(_Notification(fingerprint, alert, since))

    def schedule_resend(self, *, on: bool) -> None:
        """Start or stop the periodic ``resend_all``, if the notifier needs it."""
        job, notifier = f"flext-alerts-{self.name}-{id(self)}", self._exporter.notifier
        if on and isinstance(notifier, Resending):
            scheduler().schedule(job, notifier.refresh_seconds, self.resend_all)
        else:
            scheduler().cancel(job)

    def resend_all(self) -> None:
        """Send all active alerts again, after the queued notifications."""
        with self._lock:
            self._worker.enqueue(_Notification("", None, monotonic()))

    def check_hung(self) -> None:
        """Abandon a hung call and continue on another thread; at most ``MAX_HUNG`` threads are abandoned."""
        with self._lock:
            may_abandon = sum(worker.is_running for worker in self._abandoned) < MAX_HUNG
            seconds = self._worker.stop_if_hung(CALL_TIMEOUT_SECONDS) if may_abandon else None
            if seconds is None:
                return
            message, fix = f"it has not returned for {seconds:.0f} s", f"Make it return within {CALL_SECONDS:g} s"
            outcome = ExportOutcome(rejected=1, reason="hung", message=message, fix=fix)
            self._queue.complete(outcome)
            self._renew_worker()
        self._state.record(outcome)

    def begin_drain(self, deadline: float) -> None:
        """Skip back-off and send pending notifications immediately, before ``deadline`` (monotonic seconds)."""
        with self._lock:
            self._worker.begin_drain(deadline)

    def wait_drained(self, deadline: float) -> bool:
        """Wait for the end of the drain, and return whether the queue is empty."""
        return self._worker.wait_drained(deadline)

    def drop_all(self) -> None:
        """Drop pending notifications, count them and log their number."""
        with self._lock:
            self._worker.stop()
            dropped = self._queue.drop_all("shutdown_deadline")
            self._accepted.clear()
            self._renew_worker()
        if dropped:
            cause = f" ({self._state.failure.message})" if self._state.failing else ""
            log_warning(_logger, f"Notifier {self.name}: {dropped} notification{'s' * (dropped > 1)} dropped{cause}")

    def status(self) -> NotifierStatus:
        """Return the current counts."""
        with self._lock:
            counts = self._worker.counts()
        dropped = sum(count for reason, count in counts.dropped.items() if reason in _DROP_REASONS)
        return NotifierStatus(
            self.name,
            delivered=counts.exported,
            failed=sum(counts.dropped.values()) - dropped,
            dropped=dropped,
            queued=counts.queued + counts.in_flight,
            last_error=self._state.failure.message,
            fix=self._state.failure.fix,
        )

    def reinit_after_fork(self) -> None:
        """Start with an empty queue and zero counts in a forked child."""
        self._worker.abandon()
        self._reset()

    def _reset(self) -> None:
        self._waiting = LatestByKey[_Notification](lambda notification: notification.fingerprint)
        self._queue = ExportQueue(CAPACITY, _size, self._waiting)
        self._state = _NotifierState(self.name)
        self._accepted: dict[str, None] = {}
        self._abandoned = []
        self._worker = self._create_worker()

    def _accepts(self, fingerprint: str, alert: FlextAlert) -> bool:
        """Return whether to send this state. The end of an accepted alert is sent with any severity."""
        if self._severities and alert.severity not in self._severities and fingerprint not in self._accepted:
            return False
        self._accepted[fingerprint] = None
        if alert.status == "resolved":
            del self._accepted[fingerprint]
        elif len(self._accepted) > CAPACITY:
            del self._accepted[next(iter(self._accepted))]
        return True

    def _create_worker(self) -> ExportWorker[_Notification]:
        return ExportWorker(
            name=f"flext-notifier {self.name}",
            exporter=self._exporter,
            queue=self._queue,
            schedule=Schedule(0.0, CALL_SECONDS, max_batch=1, idle_seconds=5.0),
            report=self._state.record,
        )

    def _renew_worker(self) -> None:
        self._abandoned = [worker for worker in (*self._abandoned, self._worker) if worker.is_running]
        self._worker = self._create_worker()
        if not self._queue.empty:
            self._worker.start()


@final
class _NotifierExporter:
    """A notifier as the exporter of an ``ExportWorker``."""

    def __init__(self, notifier: FlextNotifier, notified_alerts: Callable[[], Sequence[FlextAlert]]) -> None:
        self.notifier = notifier
        self._notified_alerts = notified_alerts

    def export(self, batch: Sequence[_Notification], timeout_seconds: float) -> ExportOutcome:
        """Send one notification and return the outcome; never raises."""
        (notification,) = batch
        token = _inside.set(True)
        try:
            result = _validate(self._call(notification.alert, timeout_seconds))
        except BaseException as error:  # noqa: BLE001 - SystemExit too: no notifier may end the program or the worker
            reraise_interrupt(error)
            code = "timeout" if isinstance(error, TimeoutError) else "unreachable"
            code = code if isinstance(error, TimeoutError | ConnectionError) else "raised"
            result = FlextResult[None].fail(f"it raised {describe_error(error)}", code=code)
        finally:
            _inside.reset(token)
        return self._outcome(result, retryable=monotonic() - notification.since < MAX_RETRY_SECONDS)

    def close(self) -> None:
        """Do nothing. The notifier outlives its workers."""

    def _call(self, alert: FlextAlert | None, timeout_seconds: float) -> object:
        notifier = self.notifier
        if alert is not None:
            return notifier.notify(alert, timeout_seconds)
        alerts = self._notified_alerts()
        return notifier.notify_all(alerts, timeout_seconds) if alerts and isinstance(notifier, Resending) else None

    def _outcome(self, result: FlextResult[None], *, retryable: bool) -> ExportOutcome:
        if result.success:
            return ExportOutcome(accepted=1)
        message, fix = mask_secrets(result.message or ""), mask_secrets(result.fix)
        failure = ExportOutcome(reason=result.code or "error", message=message, fix=fix)
        if failure.reason not in RETRYABLE:
            return replace(failure, rejected=1)
        wait = getattr(self.notifier, "retry_after_seconds", None)
        return replace(failure, retry=retryable, retry_after_seconds=wait if isinstance(wait, float) else None)


@final
class _NotifierState:
    """State of one notifier: its last failure, and one log line per change.

    Attributes:
        failing: Whether the last call failed.
        failure: Outcome of the last call that failed; empty without one.
    """

    def __init__(self, name: str) -> None:
        self.failing = False
        self.failure: ExportOutcome = ExportOutcome()
        self._name = name
        self._interval = LogInterval()
        self._failure_logged = False

    def record(self, outcome: ExportOutcome, _overflow: int = 0) -> None:
        """Record the outcome of a call."""
        repeated = self.failing and outcome.reason == self.failure.reason
        self.failing = bool(outcome.reason)
        if not self.failing:
            logged, self._failure_logged = self._failure_logged, False
            if logged:
                log_warning(_logger, f"Notifier {self._name} has recovered")
            return
        self.failure = outcome
        if repeated or not self._interval.permits(self._name):
            return
        self._failure_logged = True
        retried = outcome.reason in RETRYABLE
        what = "is down, waiting to send again" if retried else "did not accept an alert"
        log_warning(_logger, f"Notifier {self._name} {what}: {compose_message(outcome.message, outcome.fix)}")


def _size(notification: _Notification) -> int:
    """Return the size in the counts: resending is not counted."""
    return 0 if notification.alert is None else 1


def _validate(answer: object) -> FlextResult[None]:
    """Return the result of a notifier. None counts as success, any other value that is not a result as a failure."""
    if isinstance(answer, FlextResult):
        return cast("FlextResult[None]", answer)
    if answer is None:
        return FlextResult[None].ok(None)
    message, fix = f"it returned {type(answer).__name__}", "Return a FlextResult from notify()"
    return FlextResult[None].fail(message, code="invalid_result", fix=fix)
