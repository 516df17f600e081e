"""QueueBytes: a queue of large items is within its limit of bytes, and small items are not weighed."""

from __future__ import annotations

from collections import deque

import pytest

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.export_queue import ExportQueue, LatestByKey
from flext_observability.pipeline.item_bytes import item_bytes
from flext_observability.pipeline.queue_bytes import QueueBytes
from tests.fakes import BUSY

LIMIT = 1_000_000


class Item:
    """A span of one attribute."""

    def __init__(self, size: int) -> None:
        self.attributes = {"a": "x" * size}


def make(max_bytes: int = LIMIT, size: int = 2048) -> ExportQueue[Item]:
    return ExportQueue(size, None, None, max_bytes)


def append(queue: ExportQueue[Item], item: Item) -> None:
    """Append an item as the program's threads do."""
    queue.items.append(item)
    if len(queue) >= queue.evict_from:
        queue.evict()


def held(queue: ExportQueue[Item]) -> int:
    return sum(map(item_bytes, queue.items))


def test_large_items_drop_the_oldest_by_bytes() -> None:
    queue = make()
    items = [Item(100_000) for _ in range(50)]
    for item in items:
        append(queue, item)
    assert held(queue) <= LIMIT
    assert list(queue.items) == items[-len(queue) :]
    counts = queue.counts()
    assert counts.dropped == {"queue_bytes": 50 - len(queue)}
    assert counts.finished == 50
    assert queue.overflow == 50 - len(queue)


def test_an_item_above_the_limit_is_kept_until_the_next_one() -> None:
    queue = make()
    append(queue, Item(2 * LIMIT))
    assert queue.counts().dropped == {}
    append(queue, Item(2 * LIMIT))
    assert (len(queue), queue.counts().dropped) == (1, {"queue_bytes": 1})


def test_large_items_between_small_ones_are_found() -> None:
    queue = make()
    for number in range(2000):
        append(queue, Item(50_000 if number % 8 == 0 else 10))
    queue.evict()
    assert held(queue) <= LIMIT + 32 * 60_000


def test_small_items_are_sampled() -> None:
    weighed: list[int] = []

    def weigh(item: int) -> int:
        weighed.append(item)
        return 1

    items = deque[int]()
    queue = QueueBytes(items, 10_000, 1000, weigh)
    for number in range(1000):
        items.append(number)
        if len(items) >= queue.next_check:
            queue.check()
    assert 3 < len(weighed) < 60
    assert queue.total == 0


def test_a_queue_of_large_items_is_sent_early_in_small_batches() -> None:
    queue = make()
    for _ in range(8):
        append(queue, Item(80_000))
    assert queue.pending == 2048
    assert len(queue.pop_batch(512)) == 1
    queue.complete(ExportOutcome(accepted=1))
    assert len(queue.pop_batch(512)) == 1
    queue.complete(BUSY)
    assert len(queue) == 7
    assert len(queue.pop_to_store(512)) == 1
    queue.return_in_flight()
    queue.drop_all("error")
    assert (queue.pending, queue.evict_from) == (0, 1)


def test_small_items_that_return_are_not_weighed() -> None:
    queue = make()
    append(queue, Item(1))
    assert len(queue.pop_batch(5)) == 1
    queue.complete(BUSY)
    assert (len(queue), queue.pending) == (1, 1)


def test_small_items_behind_large_ones_fill_the_batch() -> None:
    queue = make()
    for size in (20_000, 10, 10, 10):
        append(queue, Item(size))
    assert len(queue.pop_batch(2)) == 2
    assert len(make().pop_batch(2)) == 0


def test_a_late_item_is_removed_with_its_bytes() -> None:
    queue, late = make(), Item(400_000)
    for item in (Item(300_000), late):
        append(queue, item)
    assert queue.pending == 2048
    queue.drop_late(late, "after_shutdown")
    assert queue.pending == 1


def test_items_without_a_limit_and_items_by_key_are_not_weighed() -> None:
    by_key = ExportQueue[Item](3, None, LatestByKey(id), 10)
    for queue in (by_key, ExportQueue[Item](3)):
        queue.put(Item(1000))
        queue.put(Item(1000))
        assert (len(queue), queue.pending) == (2, 2)


@pytest.mark.parametrize("appended", [1, 5])
def test_evicted_items_leave_with_their_bytes(appended: int) -> None:
    queue = make(max_bytes=1000, size=2)
    for _ in range(appended):
        queue.items.append(Item(1))
    queue.evict()
    assert len(queue) == 1
