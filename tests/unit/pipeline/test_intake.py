"""Intake: an item that is added while the thread begins to wait is seen."""

from __future__ import annotations

from collections import deque
from typing import Any

from flext_observability.pipeline.intake import Intake
from flext_observability.pipeline.schedule import Schedule
from flext_observability.runtime.daemon import DaemonThread


class RacingQueue:
    """Gets an item from another thread between two looks at its length."""

    is_plain = True
    evict_from = 11

    def __init__(self) -> None:
        self.items = deque[int]()
        self._lengths = [0, 1]

    def __len__(self) -> int:
        return self._lengths.pop(0)

    @property
    def pending(self) -> int:
        return len(self)


def test_an_item_that_is_added_while_the_thread_begins_to_wait_is_expected() -> None:
    queue: Any = RacingQueue()
    intake = Intake[int](queue, Schedule(60, 1, 5), DaemonThread("flext-fake", list, what="the thread"))
    intake._await_item()
    assert intake._awaited == 5
    assert intake._pace.due > 0
