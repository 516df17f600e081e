"""A fork waits for sections, up to a limit; no section starts during a fork; a child waits for none."""

from __future__ import annotations

import threading
import time

from flext_observability.runtime.fork_barrier import MAX_WAIT_SECONDS, ForkBarrier


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


def test_a_fork_does_not_wait_longer_than_the_limit() -> None:
    barrier = ForkBarrier()
    with barrier.section():
        began = time.monotonic()
        barrier.hold_for_fork()
        assert time.monotonic() - began <= MAX_WAIT_SECONDS + 0.1
        barrier.release_after_fork()


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
    with barrier.section():
        barrier.reinit_after_fork()
        began = time.monotonic()
        barrier.hold_for_fork()
        assert time.monotonic() - began <= MAX_WAIT_SECONDS / 2
        barrier.release_after_fork()
