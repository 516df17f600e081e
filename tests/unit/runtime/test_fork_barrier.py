"""A fork waits for sections, up to a limit; no section starts during a fork; a child waits for none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flext_observability.runtime.fork_barrier import MAX_NETWORK_SECONDS, ForkBarrier


def test_a_fork_waits_for_the_end_of_a_section() -> None:
    barrier, begun, over = ForkBarrier(), threading.Event(), threading.Event()

    def work() -> None:
        with barrier.section():
            begun.set()
            over.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(5)
    threading.Timer(0.05, over.set).start()
    barrier.hold_for_fork()
    assert over.is_set()
    barrier.release_after_fork()
    thread.join(5)


@contextmanager
def running_section(barrier: ForkBarrier, *limit: float) -> Iterator[None]:
    """Run a section in another thread until the end of the block."""
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        with barrier.section(*limit):
            begun.set()
            over.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(5)
    yield
    over.set()
    thread.join(5)


def held(barrier: ForkBarrier) -> float:
    """Return the seconds that a fork waits."""
    began = time.monotonic()
    barrier.hold_for_fork()
    barrier.release_after_fork()
    return time.monotonic() - began


def test_a_fork_does_not_wait_longer_than_the_limit() -> None:
    barrier = ForkBarrier()
    with running_section(barrier):
        assert held(barrier) <= MAX_NETWORK_SECONDS + 0.3


def test_each_section_has_its_own_limit() -> None:
    barrier = ForkBarrier()
    with running_section(barrier, 0.1), running_section(barrier, 1.0):
        assert 0.7 <= held(barrier) <= 1.5


def test_a_fork_in_a_section_does_not_wait_for_that_section() -> None:
    barrier = ForkBarrier()
    with barrier.section():
        assert held(barrier) <= MAX_NETWORK_SECONDS / 2


def test_no_section_starts_during_a_fork() -> None:
    barrier, inside = ForkBarrier(), threading.Event()

    def work() -> None:
        with barrier.section():
            inside.set()

    barrier.hold_for_fork()
    thread = threading.Thread(target=work)
    thread.start()
    assert not inside.wait(0.05)
    barrier.release_after_fork()
    assert inside.wait(5)
    thread.join(5)


def test_a_child_drops_the_sections_of_the_parent() -> None:
    barrier = ForkBarrier()
    with running_section(barrier):
        barrier.reinit_after_fork()
        assert held(barrier) <= MAX_NETWORK_SECONDS / 2
