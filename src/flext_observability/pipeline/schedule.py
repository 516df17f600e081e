"""Times and sizes of batches, and the time of the next attempt after each outcome."""

from __future__ import annotations

import time
from math import inf
from typing import final

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.retry import Backoff
from flext_observability.values.named_tuple import NamedTuple

FIRST_BATCH_DELAY_SECONDS = 0.02


class Schedule(NamedTuple):
    """Times and sizes of batches.

    Attributes:
        interval_seconds: Time between two batches; a full batch is sent at once.
        request_timeout_seconds: Limit of one attempt.
        max_batch: Maximum number of items in a batch.
        periodic: Whether to collect and send at each interval (metrics), rather than when items are queued.
        idle_seconds: Time without items after which the thread ends; the next item starts another one.
    """

    interval_seconds: float
    request_timeout_seconds: float
    max_batch: int
    periodic: bool = False
    idle_seconds: float = inf


@final
class Pace:
    """Times of the next attempt, monotonic seconds.

    Attributes:
        due: Next attempt at the interval.
        not_before: End of the wait after a failure.
        retry_after_until: End of the wait that the back end asked for.
    """

    __slots__ = ("_backoff", "_interval_seconds", "due", "not_before", "retry_after_until")

    def __init__(self, schedule: Schedule) -> None:
        self.due = self.not_before = self.retry_after_until = 0.0
        self._interval_seconds = schedule.interval_seconds
        self._backoff = Backoff()

    def start_interval(self) -> None:
        """Make the next attempt due one interval from now."""
        self.due = time.monotonic() + self._interval_seconds

    def expect_first_item(self) -> None:
        """Make the next attempt due soon, but not before the interval is over."""
        self.due = max(self.due, time.monotonic() + FIRST_BATCH_DELAY_SECONDS)

    def skip_wait(self) -> None:
        """Allow an attempt now."""
        self.not_before = self.retry_after_until = 0.0

    def end_back_off(self) -> None:
        """Allow an attempt now, unless the back end asked for a wait."""
        self.due = self.not_before = self.retry_after_until
        self._backoff.reset()

    def settle(self, outcome: ExportOutcome, until: float = inf) -> None:
        """Plan the attempt after an outcome.

        Args:
            outcome: The outcome.
            until: End of the wait of all that send to the address, which ends an own one that is longer.
        """
        self.retry_after_until = 0.0
        if not outcome.retry:
            self.start_interval()
            self.not_before = 0.0
            self._backoff.reset()
            return
        wait_until = time.monotonic() + self._backoff.next_seconds(outcome.retry_after_seconds)
        self.due = self.not_before = min(wait_until, until)
        if outcome.retry_after_seconds is not None:
            self.retry_after_until = self.not_before

    def settle_replay(self, outcome: ExportOutcome, until: float = inf) -> None:
        """Plan the attempt after the outcome of a stored request: the interval of the others goes on."""
        if outcome.retry:
            self.settle(outcome, until)
        else:
            self.not_before = self.retry_after_until = 0.0
            self._backoff.reset()

    def next_due(self, queued: int, schedule: Schedule) -> float:
        """Return the time of the next attempt for a number of queued items; infinity for none."""
        if queued == 0 and not schedule.periodic:
            return inf
        full = queued >= schedule.max_batch and not schedule.periodic
        return self.not_before if full else max(self.due, self.not_before)
