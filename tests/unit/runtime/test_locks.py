"""Locks around a fork: free in the child, held where they should be."""

from __future__ import annotations

import threading

from flext_observability.runtime.locks import ForkSafeLock
from tests.programs import run


def test_one_thread_at_a_time_and_again_in_the_same() -> None:
    lock, entered = ForkSafeLock(), threading.Event()

    def enter() -> None:
        with lock:
            entered.set()

    with lock, lock:
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.05)
    thread.join(5)
    assert entered.is_set()


def test_a_child_can_acquire_a_lock_that_another_thread_held() -> None:
    done = run("""
        import os, threading
        from flext_observability.runtime.locks import ForkSafeLock

        held, free, own = ForkSafeLock(), ForkSafeLock(), ForkSafeLock()
        taken, over = threading.Event(), threading.Event()

        def hold():
            with held:
                taken.set()
                over.wait()

        threading.Thread(target=hold).start()
        taken.wait()
        with own:
            child = os.fork()
        if child == 0:
            with held, free, own:
                print("in", flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1], flush=True)
        over.set()
    """)
    assert done.lines == ["in", "0"]
