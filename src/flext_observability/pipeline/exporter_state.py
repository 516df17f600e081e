"""Outcomes of exports → one log line per change of state, and the current failure of each signal."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Final, final

from flext_observability.domain.report import Signal
from flext_observability.domain.result import compose_message
from flext_observability.extensions.ports import ExportOutcome
from flext_observability.runtime.internal_log import LogInterval, log_warning
from flext_observability.values.named_tuple import NamedTuple

FLAPPING_SECONDS: Final = 60.0
"""Time in which ``FLAPPING_FAILURES`` make an exporter flap, and after which without a failure it is stable."""
FLAPPING_FAILURES: Final = 3
UNEXPECTED_RESPONSE: Final = "unexpected_response"
_logger: Final = logging.getLogger("flext_observability.export")


class ExportFailure(NamedTuple):
    """Current failure of an exporter.

    Attributes:
        reason: Reason in the ledger.
        message: What is wrong and why, without a full stop.
        fix: The next action, without a full stop.
        since: Start of the failure, monotonic seconds.
    """

    reason: str
    message: str
    fix: str
    since: float


@final
class ExporterState:
    """State of all exporters. Thread-safe. Signals of one exporter that fail for one reason share a log line."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._failures: dict[tuple[str, Signal], ExportFailure] = {}
        self._logged: set[str] = set()
        self._interval = LogInterval()
        self._overflow: dict[tuple[str, Signal], int] = {}
        self._failed_at: dict[str, deque[float]] = {}
        self._flapping: dict[str, int] = {}  # number of failures by exporter

    def record(self, exporter: str, signal: Signal, outcome: ExportOutcome, overflow: int = 0) -> None:
        """Record the outcome of an export, and log a change of state.

        Args:
            exporter: Name of the exporter.
            signal: Signal of the items.
            outcome: Outcome of the export.
            overflow: Number of items that the full queue has dropped so far.
        """
        key = (exporter, signal)
        reason = outcome.reason or (UNEXPECTED_RESPONSE if outcome.message else "")
        with self._lock:
            change = self._failed(key, outcome, reason) if reason else self._recovered(key)
            lines = [change, self._overflow_line(key, overflow)]
        for line in filter(None, lines):
            log_warning(_logger, line)

    def failure(self, signal: Signal) -> ExportFailure | None:
        """Return the current failure of an exporter of this signal; None if there is none."""
        with self._lock:
            return next((failure for (_, name), failure in self._failures.items() if name == signal), None)

    def _overflow_line(self, key: tuple[str, Signal], overflow: int) -> str:
        """Return the line about new overflow; empty for none."""
        exporter, signal = key
        before, self._overflow[key] = self._overflow.get(key, 0), overflow
        if overflow <= before or not self._interval.permits(key):
            return ""
        sizes = f"{signal}_max_queue_size or _bytes, record less"
        setting = "metric_export_interval_seconds" if signal == "metrics" else sizes
        fix = f"Raise {setting}, or use a receiver that keeps up"
        return compose_message(f"{exporter} ({signal}) queue full: {overflow} items dropped so far", fix)

    def _failed(self, key: tuple[str, Signal], outcome: ExportOutcome, reason: str) -> str:
        exporter, signal = key
        before = self._failures.get(key)
        if before is not None and before.reason == reason:
            return ""
        known = any(name == exporter and failure.reason == reason for (name, _), failure in self._failures.items())
        self._failures[key] = ExportFailure(reason, outcome.message, outcome.fix, time.monotonic())
        # A back end may reject an item in every other batch.
        if known or (outcome.rejected > 0 and not self._interval.permits(exporter)):
            return ""
        if self._flaps(exporter):
            return self._flapping_line(exporter, outcome)
        self._logged.add(exporter)
        fix = outcome.fix[:1].upper() + outcome.fix[1:]
        return compose_message(f"{exporter} ({signal}) {_state(outcome, reason)}: {outcome.message}", fix)

    def _flaps(self, exporter: str) -> bool:
        """Note a failure, and return whether the exporter fails again and again."""
        now, failed_at = time.monotonic(), self._failed_at.setdefault(exporter, deque(maxlen=FLAPPING_FAILURES))
        failed_at.append(now)
        if exporter in self._flapping:
            self._flapping[exporter] += 1
        elif len(failed_at) == FLAPPING_FAILURES and now - failed_at[0] < FLAPPING_SECONDS:
            self._flapping[exporter] = FLAPPING_FAILURES
            self._logged.discard(exporter)
        return exporter in self._flapping

    def _flapping_line(self, exporter: str, outcome: ExportOutcome) -> str:
        if not self._interval.permits(("flapping", exporter)):
            return ""
        fix = outcome.fix[:1].upper() + outcome.fix[1:]
        count = self._flapping[exporter]
        return compose_message(f"{exporter} flaps: {count} failures with successes between: {outcome.message}", fix)

    def _stable_line(self, exporter: str) -> str:
        """Return the line about an exporter that has not failed for a while; empty before."""
        if any(name == exporter for name, _ in self._failures):
            return ""
        if time.monotonic() - self._failed_at[exporter][-1] < FLAPPING_SECONDS:
            return ""
        return f"{exporter} is stable after {self._flapping.pop(exporter)} failures"

    def _recovered(self, key: tuple[str, Signal]) -> str:
        exporter, _ = key
        failure = self._failures.pop(key, None)
        if exporter in self._flapping:
            return self._stable_line(exporter)
        if failure is None or any(name == exporter for name, _ in self._failures) or exporter not in self._logged:
            return ""
        self._logged.discard(exporter)
        return f"{exporter} has recovered after {time.monotonic() - failure.since:.1f} s"


def _state(outcome: ExportOutcome, reason: str) -> str:
    if reason == UNEXPECTED_RESPONSE:
        return "got an unexpected response, items count as accepted"
    if outcome.rejected:
        return "had items rejected, they are dropped"
    return "is down, waiting to send again" if outcome.retry else "is down, items are dropped"
