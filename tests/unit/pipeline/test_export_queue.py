"""ExportQueue: every item has one fate, and the counts add up."""

from __future__ import annotations

from hypothesis import given, strategies as st

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import ExportQueue
from tests.fakes import BUSY, REJECTED


def make(size: int = 10) -> ExportQueue[int]:
    return ExportQueue("traces", "fake", size)


def test_accepted_items_are_exported() -> None:
    box = make()
    box.put(1)
    box.put(2)
    assert box.pop_batch(5) == [1, 2]
    assert box.counts().in_flight == 2
    box.complete(ExportOutcome(accepted=2))
    assert (box.counts().exported, box.counts().dropped, box.settled_total) == (2, {}, 2)
    assert box.empty


def test_retryable_items_return_to_the_head_in_order() -> None:
    box = make()
    for item in (1, 2, 3):
        box.put(item)
    box.pop_batch(2)
    box.complete(BUSY)
    assert box.pop_batch(3) == [1, 2, 3]


def test_items_refused_for_good_are_dropped_with_the_reason() -> None:
    box = make()
    box.put(1)
    box.pop_batch(1)
    box.complete(REJECTED)
    assert box.counts().dropped == {"rejected": 1}


def test_an_outcome_without_a_word_drops_as_error() -> None:
    box = make()
    box.put(1)
    box.pop_batch(1)
    box.complete(ExportOutcome())
    assert box.counts().dropped == {"error": 1}


def test_partial_success_counts_both_parts() -> None:
    box = make()
    for item in range(5):
        box.put(item)
    box.pop_batch(5)
    box.complete(ExportOutcome(accepted=3, rejected=2))
    assert (box.counts().exported, box.counts().dropped) == (3, {"rejected": 2})


def test_numbers_that_cannot_be_count_as_none() -> None:
    box = make()
    box.put(1)
    box.pop_batch(1)
    box.complete(ExportOutcome(accepted=-5, rejected=-1))
    assert (box.counts().exported, box.counts().dropped) == (0, {"error": 1})


def test_a_part_that_may_be_sent_again_stays() -> None:
    box = make()
    for item in range(5):
        box.put(item)
    box.pop_batch(5)
    box.complete(ExportOutcome(accepted=3, retry=True, reason="unavailable"))
    assert box.pop_batch(5) == [3, 4]


def test_the_oldest_gives_way_when_full() -> None:
    box = make(2)
    for item in (1, 2, 3):
        box.put(item)
    assert box.counts().dropped == {"queue_full": 1}
    assert box.pop_batch(2) == [2, 3]


def test_what_returns_to_a_full_queue_is_evicted_oldest_first() -> None:
    box = make(2)
    box.put(1)
    box.put(2)
    box.pop_batch(2)
    box.put(3)
    box.complete(BUSY)
    assert box.counts().dropped == {"queue_full": 1}
    assert box.pop_batch(2) == [2, 3]


def test_a_replaced_item_is_carried_by_its_successor() -> None:
    box = ExportQueue[int]("metrics", "fake", 1, lambda points: points)
    box.put(7)
    box.replace(9)
    counts = box.counts()
    assert (counts.finished, counts.queued, counts.dropped) == (9, 9, {})


def test_weighed_items_are_counted_by_size() -> None:
    box = ExportQueue[int]("metrics", "fake", 1, lambda points: points)
    box.put(7)
    box.pop_batch(1)
    box.complete(ExportOutcome(accepted=5, rejected=2))
    assert (box.counts().exported, box.counts().dropped) == (5, {"rejected": 2})


def test_open_points_of_a_batch_taken_in_part_are_given_up() -> None:
    box = ExportQueue[int]("metrics", "fake", 1, lambda points: points)
    box.put(7)
    box.pop_batch(1)
    box.complete(ExportOutcome(accepted=5, retry=True))
    assert (box.counts().exported, box.counts().dropped, box.empty) == (5, {"rejected": 2}, True)


def test_weighed_items_that_follow_those_taken_are_kept() -> None:
    box = ExportQueue[int]("metrics", "fake", 3, lambda points: points)
    for points in (2, 3, 4):
        box.put(points)
    box.pop_batch(3)
    box.complete(ExportOutcome(accepted=3, retry=True))
    assert (box.counts().exported, box.counts().dropped, box.counts().queued) == (3, {"rejected": 2}, 4)


def test_a_weighed_batch_that_failed_whole_is_kept() -> None:
    box = ExportQueue[int]("metrics", "fake", 1, lambda points: points)
    box.put(7)
    box.pop_batch(1)
    box.complete(BUSY)
    assert box.counts().queued == 7


def test_given_up_items_are_dropped_once() -> None:
    box = make()
    box.put(1)
    box.put(2)
    box.pop_batch(1)
    assert box.drop_all("shutdown_deadline") == 2
    box.complete(ExportOutcome(accepted=1))
    assert (box.counts().exported, box.counts().dropped) == (0, {"shutdown_deadline": 2})


def test_a_late_item_is_counted_and_dropped() -> None:
    box = make()
    box.reject(1, "after_shutdown")
    assert (box.counts().finished, box.counts().dropped) == (1, {"after_shutdown": 1})


outcomes = st.builds(
    ExportOutcome,
    accepted=st.integers(0, 6),
    rejected=st.integers(0, 6),
    retry=st.booleans(),
    reason=st.sampled_from(["", "rejected", "unavailable"]),
)
steps = st.lists(
    st.one_of(st.just("put"), st.just("late"), st.just("drop_all"), st.integers(1, 5), outcomes, st.just("replace")),
    max_size=60,
)


@given(steps=steps, sizer=st.sampled_from([None, lambda item: item + 1]))
def test_the_counts_add_up_after_any_sequence(steps: list[object], sizer: object) -> None:
    box = ExportQueue[int]("traces", "fake", 4, sizer)  # type: ignore[arg-type]  # the strategy is untyped
    for number, step in enumerate(steps):
        match step:
            case "put":
                box.put(number)
            case "late":
                box.reject(number, "after_shutdown")
            case "replace":
                box.replace(number)
            case "drop_all":
                box.drop_all("shutdown_deadline")
            case int():
                if not box.counts().in_flight:
                    box.pop_batch(step)
            case ExportOutcome():
                box.complete(step)
            case _:
                raise AssertionError(step)
        counts = box.counts()
        assert counts.finished == counts.queued + counts.in_flight + counts.exported + sum(counts.dropped.values())
        assert min(counts.finished, counts.exported, *counts.dropped.values(), 0) == 0
        assert len(box) <= 4
