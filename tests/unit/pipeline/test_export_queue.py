"""ExportQueue: every item has one fate, and the counts add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import ExportQueue, LatestByKey, QueueCounts, StoredBatch
from tests.fakes import BUSY, REJECTED


def make(size: int = 10) -> ExportQueue[int]:
    return ExportQueue(size)


def test_accepted_items_are_exported() -> None:
    queue = make()
    queue.put(1)
    queue.put(2)
    assert queue.pop_batch(5) == [1, 2]
    assert queue.counts().in_flight == 2
    queue.complete(ExportOutcome(accepted=2))
    assert (queue.counts().exported, queue.counts().dropped, queue.settled_total) == (2, {}, 2)
    assert queue.empty


def test_retryable_items_return_to_the_head_in_order() -> None:
    queue = make()
    for item in (1, 2, 3):
        queue.put(item)
    queue.pop_batch(2)
    queue.complete(BUSY)
    assert queue.pop_batch(3) == [1, 2, 3]


def test_rejected_items_are_dropped_with_the_reason() -> None:
    queue = make()
    queue.put(1)
    queue.pop_batch(1)
    queue.complete(REJECTED)
    assert queue.counts().dropped == {"rejected": 1}


def test_an_outcome_without_a_reason_drops_as_error() -> None:
    queue = make()
    queue.put(1)
    queue.pop_batch(1)
    queue.complete(ExportOutcome())
    assert queue.counts().dropped == {"error": 1}


def test_partial_success_counts_both_parts() -> None:
    queue = make()
    for item in range(5):
        queue.put(item)
    queue.pop_batch(5)
    queue.complete(ExportOutcome(accepted=3, rejected=2))
    assert (queue.counts().exported, queue.counts().dropped) == (3, {"rejected": 2})


def test_impossible_numbers_count_as_zero() -> None:
    queue = make()
    queue.put(1)
    queue.pop_batch(1)
    queue.complete(ExportOutcome(accepted=-5, rejected=-1))
    assert (queue.counts().exported, queue.counts().dropped) == (0, {"error": 1})


def test_a_retryable_part_stays() -> None:
    queue = make()
    for item in range(5):
        queue.put(item)
    queue.pop_batch(5)
    queue.complete(ExportOutcome(accepted=3, retry=True, reason="unavailable"))
    assert queue.pop_batch(5) == [3, 4]


def test_a_full_queue_drops_its_oldest_item() -> None:
    queue = make(2)
    for item in (1, 2, 3):
        queue.put(item)
    assert queue.counts().dropped == {"queue_full": 1}
    assert queue.pop_batch(2) == [2, 3]


@pytest.mark.parametrize("read", [ExportQueue[int].counts, lambda queue: queue.pop_batch(1)])
def test_appended_items_beyond_the_maximum_are_never_read(read: Callable[[ExportQueue[int]], object]) -> None:
    queue = ExportQueue[int](128)
    assert queue.evict_from == 131
    for number in range(queue.evict_from - 1):
        queue.items.append(number)
    read(queue)
    counts = queue.counts()
    assert (counts.finished, counts.queued + counts.in_flight, counts.dropped) == (130, 128, {"queue_full": 2})
    assert [*queue.pop_batch(1)] == [2 + counts.in_flight]


def test_items_that_are_appended_while_the_queue_is_counted_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = ExportQueue[int](128)
    monkeypatch.setattr(ExportQueue, "evict", lambda _: None)  # other threads append after it
    queue.items.extend(range(131))  # type: ignore[attr-defined]  # a deque
    counts = queue.counts()
    assert (counts.finished, counts.queued, counts.dropped) == (131, 128, {"queue_full": 3})


def test_items_beyond_the_maximum_at_the_end_were_dropped_because_the_queue_was_full() -> None:
    queue = ExportQueue[int](128)
    for number in range(queue.evict_from - 1):
        queue.items.append(number)
    assert queue.drop_all("shutdown_deadline") == 128
    assert queue.counts().dropped == {"queue_full": 2, "shutdown_deadline": 128}


def test_items_that_return_to_a_full_queue_are_evicted_oldest_first() -> None:
    queue = make(2)
    queue.put(1)
    queue.put(2)
    queue.pop_batch(2)
    queue.put(3)
    queue.complete(BUSY)
    assert queue.counts().dropped == {"queue_full": 1}
    assert queue.pop_batch(2) == [2, 3]


def latest(size: int = 10) -> ExportQueue[str]:
    """Return a queue that keeps the latest item of each first character."""
    return ExportQueue(size, None, LatestByKey(lambda item: item[0]))


def test_a_later_item_of_a_key_replaces_the_earlier_one_at_its_position() -> None:
    queue = latest()
    for item in ("a1", "b1", "a2"):
        queue.put(item)
    counts = queue.counts()
    assert (counts.finished, counts.queued, counts.dropped, queue.settled_total) == (2, 2, {}, 1)
    assert queue.pop_batch(5) == ["a2", "b1"]


def test_the_size_of_a_replaced_item_is_discounted() -> None:
    queue = ExportQueue[int](1, lambda points: points, LatestByKey(lambda _: "totals"))
    queue.put(7)
    queue.put(9)
    counts = queue.counts()
    assert (counts.finished, counts.queued, counts.dropped) == (9, 9, {})


def test_an_item_that_returns_gives_way_to_a_later_one_of_its_key() -> None:
    queue = latest()
    queue.put("a1")
    queue.pop_batch(1)
    queue.put("b1")
    queue.put("a2")
    queue.complete(BUSY)
    assert (queue.counts().finished, queue.counts().dropped) == (2, {})
    assert queue.pop_batch(5) == ["a2", "b1"]


def test_an_item_of_another_key_is_dropped_when_the_queue_is_full() -> None:
    queue = latest(2)
    for item in ("a1", "b1", "b2", "c1"):
        queue.put(item)
    assert queue.counts().dropped == {"queue_full": 1}
    assert queue.pop_batch(5) == ["b2", "c1"]


def test_the_policy_gives_the_item_of_a_key() -> None:
    policy = LatestByKey[str](lambda item: item[0])
    policy.append("a1")
    assert (policy.get("a"), policy.get("b")) == ("a1", None)


def test_items_are_counted_by_size() -> None:
    queue = ExportQueue[int](1, lambda points: points)
    queue.put(7)
    queue.pop_batch(1)
    queue.complete(ExportOutcome(accepted=5, rejected=2))
    assert (queue.counts().exported, queue.counts().dropped) == (5, {"rejected": 2})


def test_open_points_of_a_partly_accepted_item_are_dropped() -> None:
    queue = ExportQueue[int](1, lambda points: points)
    queue.put(7)
    queue.pop_batch(1)
    queue.complete(ExportOutcome(accepted=5, retry=True))
    assert (queue.counts().exported, queue.counts().dropped, queue.empty) == (5, {"rejected": 2}, True)


def test_items_after_the_accepted_ones_are_kept() -> None:
    queue = ExportQueue[int](3, lambda points: points)
    for points in (2, 3, 4):
        queue.put(points)
    queue.pop_batch(3)
    queue.complete(ExportOutcome(accepted=3, retry=True))
    assert (queue.counts().exported, queue.counts().dropped, queue.counts().queued) == (3, {"rejected": 2}, 4)


def test_a_batch_with_sizes_that_failed_is_kept() -> None:
    queue = ExportQueue[int](1, lambda points: points)
    queue.put(7)
    queue.pop_batch(1)
    queue.complete(BUSY)
    assert queue.counts().queued == 7


def test_dropped_items_are_counted_once() -> None:
    queue = make()
    queue.put(1)
    queue.put(2)
    queue.pop_batch(1)
    assert queue.drop_all("shutdown_deadline") == 2
    queue.complete(ExportOutcome(accepted=1))
    assert (queue.counts().exported, queue.counts().dropped) == (0, {"shutdown_deadline": 2})


def test_a_late_item_is_counted_and_dropped() -> None:
    queue = make()
    for item in (1, 2, 3):
        queue.put(item)
    for item in (2, 5):  # the second one is not queued
        queue.drop_late(item, "after_shutdown")
    assert (queue.counts().finished, queue.counts().dropped) == (3, {"after_shutdown": 1})
    assert queue.pop_batch(3) == [1, 3]


outcomes = st.builds(
    ExportOutcome,
    accepted=st.integers(0, 6),
    rejected=st.integers(0, 6),
    retry=st.booleans(),
    reason=st.sampled_from(["", "rejected", "unavailable"]),
)
steps = st.lists(
    st.one_of(st.just("put"), st.just("late"), st.just("drop_all"), st.integers(1, 5), outcomes), max_size=60
)
SIZERS: list[Callable[[int], int] | None] = [None, lambda item: item + 1]


@given(steps=steps, sizer=st.sampled_from(SIZERS), by_key=st.booleans())
def test_the_counts_add_up_after_any_sequence(
    steps: list[object], sizer: Callable[[int], int] | None, by_key: bool
) -> None:
    queue = ExportQueue[int](4, sizer, LatestByKey(lambda item: item % 3) if by_key else None)
    put = 0
    for number, step in enumerate(steps):
        match step:
            case "put" | "late":
                queue.put(number)
                put += 1 if sizer is None else sizer(number)
                if step == "late" and not by_key:
                    queue.drop_late(number, "after_shutdown")
            case "drop_all":
                queue.drop_all("shutdown_deadline")
            case int():
                if not queue.counts().in_flight:
                    queue.pop_batch(step)
            case ExportOutcome():
                queue.complete(step)
            case _:
                raise AssertionError(step)
        counts = queue.counts()
        assert counts.finished == put or by_key  # an item of a key replaces the earlier one
        assert counts.finished == counts.queued + counts.in_flight + counts.exported + sum(counts.dropped.values())
        assert min(counts.finished, counts.exported, *counts.dropped.values(), 0) == 0
        assert len(queue) <= 4


def queue_with(*items: int, size: int = 10) -> ExportQueue[int]:
    queue = ExportQueue[int](size)
    for item in items:
        queue.put(item)
    return queue


def test_items_to_store_count_as_in_flight_until_they_are_stored() -> None:
    queue = queue_with(1, 2, 3)
    assert queue.pop_to_store(2) == [1, 2]
    assert (queue.is_being_stored, queue.empty) == (True, False)
    assert queue.counts() == QueueCounts(finished=3, queued=1, in_flight=2)
    queue.settle_storing(StoredBatch(stored=2))
    assert [queue.is_being_stored] == [False]
    assert queue.counts() == QueueCounts(finished=3, queued=1, spooled=2)
    assert (queue.settled_total, queue.put_total) == (2, 3)


def test_items_to_store_that_are_not_stored_return_to_the_head() -> None:
    queue = queue_with(1, 2, 3, 4)
    queue.pop_to_store(3)
    queue.settle_storing(StoredBatch(stored=1, rejected=1, reason="encoding"))
    assert list(queue.items) == [3, 4]
    assert queue.counts() == QueueCounts(finished=4, queued=2, spooled=1, dropped={"encoding": 1})


def test_rejected_items_without_a_reason_are_dropped_as_rejected() -> None:
    queue = queue_with(1)
    queue.pop_to_store(1)
    queue.settle_storing(StoredBatch(rejected=1))
    assert queue.counts().dropped == {"rejected": 1}


def test_more_stored_items_than_expected_are_not_counted() -> None:
    queue = queue_with(1)
    queue.pop_to_store(1)
    queue.settle_storing(StoredBatch(stored=5, rejected=5))
    assert queue.counts() == QueueCounts(finished=1, spooled=1)


def test_items_in_flight_return_to_the_head() -> None:
    queue = queue_with(1, 2, 3)
    queue.pop_batch(2)
    queue.return_in_flight()
    assert list(queue.items) == [1, 2, 3]
    assert queue.complete(ExportOutcome(accepted=2)) == []


def test_all_items_to_store_are_dropped_at_the_end() -> None:
    queue = queue_with(1, 2, 3)
    queue.pop_batch(1)
    queue.pop_to_store(1)
    assert queue.drop_all("shutdown_deadline") == 3
    assert queue.counts() == QueueCounts(finished=3, dropped={"shutdown_deadline": 3})


@pytest.mark.parametrize(
    ("outcome", "refused"),
    [
        (ExportOutcome(accepted=3), []),
        (ExportOutcome(retry=True, reason="unavailable"), []),
        (ExportOutcome(reason="unauthorized"), [1, 2, 3]),
        (ExportOutcome(accepted=1, reason="error"), [2, 3]),
        (ExportOutcome(rejected=3, reason="too_large"), [1, 2, 3]),
        (ExportOutcome(accepted=2, rejected=1, reason="rejected"), []),  # nothing shows which one
    ],
)
def test_refused_items_are_returned(outcome: ExportOutcome, refused: list[int]) -> None:
    queue = queue_with(1, 2, 3)
    queue.pop_batch(3)
    assert queue.complete(outcome) == refused
