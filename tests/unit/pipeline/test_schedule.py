"""Time of the next attempt after each outcome."""

from __future__ import annotations

import time
from math import inf

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.schedule import Pace, Schedule

SPANS = Schedule(60, 10, max_batch=2)
METRICS = Schedule(60, 10, max_batch=2, periodic=True)


def left(pace: Pace, queued: int, schedule: Schedule = SPANS) -> float:
    return pace.next_due(queued, schedule) - time.monotonic()


def test_without_items_no_attempt_is_due() -> None:
    assert left(Pace(SPANS), 0) == inf


def test_metrics_are_due_at_the_interval() -> None:
    pace = Pace(METRICS)
    pace.start_interval()
    assert 59 < left(pace, 0, METRICS) <= 60


def test_a_full_batch_does_not_wait_for_the_interval() -> None:
    pace = Pace(SPANS)
    pace.settle(ExportOutcome(accepted=1))
    assert left(pace, 1) > 59
    assert left(pace, 2) <= 0


def test_a_failure_delays_also_a_full_batch() -> None:
    pace = Pace(SPANS)
    pace.settle(ExportOutcome(retry=True, retry_after_seconds=30))
    assert 29 < left(pace, 2) <= 30
    assert pace.retry_after_until == pace.not_before
    pace.skip_wait()
    assert left(pace, 2) <= 0
