"""Ledger → the health check `telemetry`: degraded signals, full queues, lost items."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.report import ExporterCounts, Signal, SignalStatus
    from flext_observability.extensions.ports import StatusSource

TELEMETRY: Final = "telemetry"
QUEUE_WARN_RATIO: Final = 0.8
"""Fill ratio from which a queue is reported."""
LOSS_WINDOW_SECONDS: Final = 60.0
"""How long lost items are reported. Every probe in this window reports them."""

_Loss = tuple[float, str, str, int]  # time seen, signal and exporter, reason, number of items


@final
class TelemetryCheck:
    """Check of the ledger. It compares each status with the previous one.

    Args:
        ledger: Function that returns the status of each signal.
        capacities: Queue size by signal, in items. A signal without an entry is not bounded.
    """

    def __init__(self, ledger: StatusSource, capacities: Mapping[Signal, int]) -> None:
        self._ledger = ledger
        self._capacities = capacities
        self._dropped: dict[tuple[str, str], int] = {}
        self._losses: deque[_Loss] = deque()
        self._successes: dict[str, tuple[int, float]] = {}

    def __call__(self) -> FlextHealthCheck:
        """Return ``healthy``, or ``degraded`` with the reasons and the next actions."""
        from flext_observability.domain.health_check import FlextHealthCheck

        now = monotonic()
        statuses = self._ledger()
        details: dict[str, object] = {signal: status.state for signal, status in statuses.items()}
        problems = [
            f"{signal} degraded: {_reason(status)}" for signal, status in statuses.items() if status.state == "degraded"
        ]
        for row in (row for status in statuses.values() for row in status.deliveries):
            details |= {f"{row.signal}.{row.exporter}.{stat}": value for stat, value in self._stats(row, now).items()}
            problems += self._queue_warnings(row)
        problems += self._loss_warnings()
        status = "degraded" if problems else "healthy"
        return FlextHealthCheck(name=TELEMETRY, status=status, message="; ".join(problems), details=details)

    def reinit_after_fork(self) -> None:
        """Drop the previous status: a forked child counts from zero."""
        self._dropped.clear()
        self._losses.clear()
        self._successes.clear()

    def _stats(self, row: ExporterCounts, now: float) -> dict[str, object]:
        key = f"{row.signal}/{row.exporter}"
        exported, _ = self._successes.get(key, (0, now))
        if row.exported != exported:
            self._successes[key] = (row.exported, now)
        self._record_losses(key, row, now)
        stats: dict[str, object] = {
            "queued": row.queued + row.in_flight,
            "exported": row.exported,
            "dropped": sum(row.dropped.values()),
        }
        if row.exported:
            stats["last_success_seconds"] = round(now - self._successes[key][1], 3)
        return stats

    def _record_losses(self, key: str, row: ExporterCounts, now: float) -> None:
        for reason, total in row.dropped.items():
            lost = total - self._dropped.get((key, reason), 0)
            if lost > 0:
                self._losses.append((now, key, reason, lost))
            self._dropped[key, reason] = total
        while self._losses and now - self._losses[0][0] > LOSS_WINDOW_SECONDS:
            self._losses.popleft()

    def _queue_warnings(self, row: ExporterCounts) -> Iterator[str]:
        capacity = self._capacities.get(row.signal, 0)
        if capacity and row.queued >= QUEUE_WARN_RATIO * capacity:
            yield (
                f"{row.signal}/{row.exporter}: queue holds {row.queued} of {capacity} items. "
                f"Check the receiver, or raise {row.signal}_max_queue_size"
            )

    def _loss_warnings(self) -> Iterator[str]:
        sums: dict[tuple[str, str], int] = {}
        for _, key, reason, items in self._losses:
            sums[key, reason] = sums.get((key, reason), 0) + items
        for (key, reason), items in sums.items():
            yield f"{key}: {items} items lost in the last minute ({reason})"


def _reason(status: SignalStatus) -> str:
    return f"{status.reason}. {status.fix}" if status.fix else status.reason
