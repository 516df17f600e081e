"""Outcomes of exports → one log line per change of state, and the state itself for the status."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.runtime.internal_log import log_warning

UNEXPECTED_RESPONSE = "unexpected_response"
LOG_INTERVAL_SECONDS = 60.0
_logger = logging.getLogger("flext_observability.export")


@dataclass(frozen=True, slots=True)
class ExportFailure:
    """Why an exporter does not deliver now.

    Attributes:
        reason: The ledger's word for it.
        message: One sentence.
        fix: The next action.
        since: When it began, seconds on the monotonic clock.
    """

    reason: str
    message: str
    fix: str
    since: float


class ExporterState:
    """The state of all exporters of one process; signals that fail for one cause share one line."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._failures: dict[tuple[str, Signal], ExportFailure] = {}
        self._logged: set[str] = set()
        self._rejections_logged_at: dict[str, float] = {}
        self._overflow: dict[tuple[str, Signal], int] = {}
        self._overflow_logged_at: dict[tuple[str, Signal], float] = {}

    def record(self, exporter: str, signal: Signal, outcome: ExportOutcome) -> None:
        """Take the outcome of one export and log when the state changes."""
        key = (exporter, signal)
        reason = outcome.reason or (UNEXPECTED_RESPONSE if outcome.message else "")
        with self._lock:
            before = self._failures.get(key)
            if not reason:
                change = self._recovered(key)
            elif before is None or before.reason != reason:
                change = self._failed(key, outcome, reason)
            else:
                return
        if change:
            log_warning(_logger, change)

    def record_overflow(self, exporter: str, signal: Signal, dropped: int) -> None:
        """Take how many items a full queue has cost so far; log when that begins, and again after a minute if it goes on."""
        key: tuple[str, Signal] = (exporter, signal)
        now = time.monotonic()
        with self._lock:
            rises = dropped > self._overflow.get(key, 0)
            self._overflow[key] = dropped
            if not rises or now - self._overflow_logged_at.get(key, -LOG_INTERVAL_SECONDS) < LOG_INTERVAL_SECONDS:
                return
            self._overflow_logged_at[key] = now
        less = (
            "Raise metric_export_interval_seconds"
            if signal == "metrics"
            else f"Raise {signal}_max_queue_size, record less"
        )
        fix = f"{less}, or give it a receiver that keeps up"
        log_warning(
            _logger, f"{exporter} ({signal}) gets more than it can send: {dropped} items were dropped so far. {fix}"
        )

    def failure(self, signal: Signal) -> ExportFailure | None:
        """Return what keeps this signal from being delivered, or None."""
        with self._lock:
            return next((failure for (_, name), failure in self._failures.items() if name == signal), None)

    def _failed(self, key: tuple[str, Signal], outcome: ExportOutcome, reason: str) -> str:
        exporter, signal = key
        now = time.monotonic()
        silent = self._is_known(exporter, reason) or (outcome.rejected > 0 and self._logged_recently(exporter, now))
        self._failures[key] = ExportFailure(reason, outcome.message, outcome.fix, now)
        if silent:
            return ""
        self._logged.add(exporter)
        fix = outcome.fix[:1].upper() + outcome.fix[1:]
        return f"{exporter} ({signal}) {_state(outcome, reason)}: {outcome.message}. {fix}".rstrip()

    def _is_known(self, exporter: str, reason: str) -> bool:
        return any(name == exporter and failure.reason == reason for (name, _), failure in self._failures.items())

    def _logged_recently(self, exporter: str, now: float) -> bool:
        """Whether refused items were told of a short while ago: a back end may refuse one in every other batch."""
        last = self._rejections_logged_at.get(exporter)
        if last is not None and now - last < LOG_INTERVAL_SECONDS:
            return True
        self._rejections_logged_at[exporter] = now
        return False

    def _recovered(self, key: tuple[str, Signal]) -> str:
        exporter, _ = key
        failure = self._failures.pop(key, None)
        if failure is None or any(name == exporter for name, _ in self._failures) or exporter not in self._logged:
            return ""
        self._logged.discard(exporter)
        return f"{exporter} has recovered after {time.monotonic() - failure.since:.1f} s"


def _state(outcome: ExportOutcome, reason: str) -> str:
    if reason == UNEXPECTED_RESPONSE:
        return "is answered oddly, items count as accepted"
    if outcome.rejected:
        return "has items refused, they are dropped"
    return "is down, waiting to send again" if outcome.retry else "is down, items are dropped"
