"""Work of one thread, whose result others wait for, each until its own deadline."""

from __future__ import annotations

import threading
import time

import pytest

from flext_observability.runtime.shared_work import SharedWork
from tests.threads import in_threads


def soon() -> float:
    return time.monotonic() + 5


def test_the_work_is_done_once_for_all_threads() -> None:
    shared, done, results = SharedWork[str](), list[int](), list[str | None]()

    def work() -> str:
        done.append(1)
        time.sleep(0.05)
        return "result"

    in_threads(lambda _: results.append(shared.do(work, soon())))
    assert (done, set(results)) == ([1], {"result"})


def test_a_waiting_thread_returns_at_its_own_deadline() -> None:
    shared, begun, release = SharedWork[str](), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        release.wait(10)
        return "result"

    thread = threading.Thread(target=shared.do, args=(work, soon()), daemon=True)
    thread.start()
    assert begun.wait(5)
    began = time.monotonic()
    assert shared.do(work, began + 0.05) is None
    shared.wait(began + 0.1)
    assert time.monotonic() - began < 2
    release.set()
    shared.wait(soon())
    assert shared.do(work, began) == "result"


def test_another_thread_continues_after_an_interrupt() -> None:
    shared = SharedWork[str]()

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.do(interrupted, soon())
    assert shared.result is None
    assert shared.do(lambda: "result", soon()) == "result"


def test_a_nested_call_of_the_same_thread_does_the_work() -> None:
    shared = SharedWork[str]()
    assert shared.do(lambda: str(shared.do(lambda: "inner", soon())) + " and outer", soon()) == "inner"


def test_only_the_first_result_counts() -> None:
    shared = SharedWork[str]()
    assert (shared.settle("first"), shared.settle("second"), shared.result) == (True, False, "first")


def test_a_forked_child_does_not_wait_for_the_thread_of_its_parent() -> None:
    shared, begun, release = SharedWork[str](), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        release.wait(10)
        return "parent"

    thread = threading.Thread(target=shared.do, args=(work, soon()), daemon=True)
    thread.start()
    assert begun.wait(5)
    shared.reinit_after_fork()
    assert shared.do(lambda: "child", soon()) == "child"
    release.set()
    thread.join(5)
