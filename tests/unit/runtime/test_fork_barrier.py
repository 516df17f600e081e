"""Warm-up: a fork waits for it, for a while; nothing begins during a fork; a child has nothing to wait for."""

from __future__ import annotations

import threading
import time

from flext_observability.runtime.fork_barrier import LONGEST_SECONDS, ForkBarrier


def test_a_fork_waits_for_the_end_of_what_is_under_way() -> None:
    warm_up, begun, over = ForkBarrier(), threading.Event(), threading.Event()

    def work() -> None:
        with warm_up.under_way():
            begun.set()
            over.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(5)
    threading.Timer(0.05, over.set).start()
    warm_up.hold()
    assert over.is_set()
    warm_up.let_go()
    thread.join(5)


def test_a_fork_does_not_wait_longer_than_the_limit() -> None:
    warm_up = ForkBarrier()
    with warm_up.under_way():
        began = time.monotonic()
        warm_up.hold()
        assert time.monotonic() - began <= LONGEST_SECONDS + 0.1
        warm_up.let_go()


def test_nothing_begins_while_a_fork_is_made() -> None:
    warm_up, inside = ForkBarrier(), threading.Event()

    def work() -> None:
        with warm_up.under_way():
            inside.set()

    warm_up.hold()
    thread = threading.Thread(target=work)
    thread.start()
    assert not inside.wait(0.05)
    warm_up.let_go()
    assert inside.wait(5)
    thread.join(5)


def test_a_child_forgets_what_was_under_way_in_the_parent() -> None:
    warm_up = ForkBarrier()
    with warm_up.under_way():
        warm_up.reinit_after_fork()
        began = time.monotonic()
        warm_up.hold()
        assert time.monotonic() - began <= LONGEST_SECONDS / 2
        warm_up.let_go()
