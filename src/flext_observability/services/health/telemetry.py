"""What the ledger counts → the health check `telemetry`: signals that are degraded, queues that fill up, items lost."""

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
"""Share of a queue from which on it is said to fill up."""
LOSS_WINDOW_SECONDS: Final = 60.0
"""How long items lost are told of: a probe between two others must not take the news from them."""

_Loss = tuple[float, str, str, int]  # when it was seen, which exporter, reason, items


@final
class TelemetryCheck:
    """A check that looks at the ledger; remembers what it saw before.

    Args:
        ledger: Gives the status of each signal.
        capacities: Items that a queue of the signal holds; a signal that is not in it has no such bound.
    """

    def __init__(self, ledger: StatusSource, capacities: Mapping[Signal, int]) -> None:
        self._ledger = ledger
        self._capacities = capacities
        self._dropped: dict[tuple[str, str], int] = {}
        self._losses: deque[_Loss] = deque()
        self._successes: dict[str, tuple[int, float]] = {}

    def __call__(self) -> FlextHealthCheck:
        """Return ``healthy``, or ``degraded`` with what is wrong and what to do."""
        from flext_observability.domain.health_check import FlextHealthCheck

        now = monotonic()
        statuses = self._ledger()
        details: dict[str, object] = {signal: status.state for signal, status in statuses.items()}
        troubles = [
            f"{signal} degraded: {_advice(status)}" for signal, status in statuses.items() if status.state == "degraded"
        ]
        for row in (row for status in statuses.values() for row in status.deliveries):
            details |= {f"{row.signal}.{row.exporter}.{fact}": value for fact, value in self._facts(row, now).items()}
            troubles += self._fills_up(row)
        troubles += self._lost()
        status = "degraded" if troubles else "healthy"
        return FlextHealthCheck(name=TELEMETRY, status=status, message="; ".join(troubles), details=details)

    def reinit_after_fork(self) -> None:
        """Forget what was seen: a forked child counts from zero."""
        self._dropped.clear()
        self._losses.clear()
        self._successes.clear()

    def _facts(self, row: ExporterCounts, now: float) -> dict[str, object]:
        key = f"{row.signal}/{row.exporter}"
        exported, since = self._successes.get(key, (0, now))
        if row.exported != exported:
            self._successes[key] = (row.exported, now)
            since = now
        self._note_losses(key, row, now)
        facts: dict[str, object] = {
            "queued": row.queued + row.in_flight,
            "exported": row.exported,
            "dropped": sum(row.dropped.values()),
        }
        if row.exported:
            facts["last_success_seconds"] = round(now - since, 3)
        return facts

    def _note_losses(self, key: str, row: ExporterCounts, now: float) -> None:
        for reason, total in row.dropped.items():
            lost = total - self._dropped.get((key, reason), 0)
            if lost > 0:
                self._losses.append((now, key, reason, lost))
            self._dropped[key, reason] = total
        while self._losses and now - self._losses[0][0] > LOSS_WINDOW_SECONDS:
            self._losses.popleft()

    def _fills_up(self, row: ExporterCounts) -> Iterator[str]:
        room = self._capacities.get(row.signal, 0)
        if room and row.queued >= QUEUE_WARN_RATIO * room:
            yield (
                f"{row.signal}/{row.exporter}: {row.queued} items wait in a queue of {room}. "
                f"Look at the receiver, or raise {row.signal}_max_queue_size"
            )

    def _lost(self) -> Iterator[str]:
        sums: dict[tuple[str, str], int] = {}
        for _, key, reason, items in self._losses:
            sums[key, reason] = sums.get((key, reason), 0) + items
        for (key, reason), items in sums.items():
            yield f"{key}: {items} items lost lately ({reason})"


def _advice(status: SignalStatus) -> str:
    return f"{status.reason}. {status.fix}" if status.fix else status.reason
