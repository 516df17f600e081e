"""Each item is handled once, in order, on one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from flext_observability.runtime import work_queue as module
from flext_observability.runtime.work_queue import WorkQueue
from tests.ending import ending
from tests.programs import run
from tests.waiting import eventually


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


class Hold:
    """A handler that waits until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.seen: list[int] = []

    def __call__(self, item: int) -> None:
        self.begun.release()
        self.go.wait(10)
        self.seen.append(item)


@pytest.fixture
def hold() -> Iterator[Hold]:
    made = Hold()
    yield made
    made.go.set()


def test_items_are_handled_in_order_on_one_thread() -> None:
    seen: list[tuple[int, str]] = []
    queue = WorkQueue[int]("Box", lambda item: seen.append((item, threading.current_thread().name)))
    assert all(queue.put(item) for item in range(100))
    assert queue.flush(soon())
    assert seen == [(item, "flext-Box") for item in range(100)]
    assert queue.waiting == 0


def test_an_empty_queue_starts_no_thread_and_is_flushed() -> None:
    queue = WorkQueue[int]("Idle", lambda _: None)
    assert queue.flush(soon(0))
    assert not any(thread.name == "flext-Idle" for thread in threading.enumerate())


def test_a_full_queue_rejects_items(hold: Hold) -> None:
    queue = WorkQueue[int]("Full", hold, capacity=2)
    assert queue.put(0)
    hold.begun.acquire(timeout=5)
    assert [queue.put(item) for item in (1, 2, 3)] == [True, True, False]
    hold.go.set()
    assert queue.flush(soon())
    assert hold.seen == [0, 1, 2]


def test_a_flush_ends_at_its_deadline(hold: Hold) -> None:
    queue = WorkQueue[int]("Slow", hold)
    queue.put(0)
    assert not queue.flush(soon(0.02))


def test_a_handler_that_raises_is_logged_once_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def fail(item: int) -> None:
        seen.append(item)
        raise SystemExit(item)

    queue = WorkQueue[int]("Handing over", fail)
    with caplog.at_level(logging.WARNING, "flext_observability"):
        for item in range(3):
            queue.put(item)
        assert queue.flush(soon())
    assert seen == [0, 1, 2]
    assert len(caplog.records) == 1


def test_a_hung_worker_can_be_abandoned(hold: Hold) -> None:
    queue = WorkQueue[int]("Hung", hold)
    queue.put(0)
    queue.put(1)
    hold.begun.acquire(timeout=5)
    queue.replace_worker()
    assert hold.begun.acquire(timeout=5)  # the next item is in hand, though the first one never ended
    hold.go.set()
    assert queue.flush(soon())
    assert queue.waiting == 0


def test_replacing_an_idle_worker_changes_nothing(hold: Hold) -> None:
    queue = WorkQueue[int]("Fine", hold)
    queue.replace_worker()
    queue.put(0)
    hold.begun.acquire(timeout=5)
    queue.replace_worker()  # nothing waits: no thread is needed until the next item
    hold.go.set()
    assert queue.put(1)
    assert queue.flush(soon())
    assert 1 in hold.seen


def test_an_idle_worker_ends_and_a_later_item_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    threads: list[threading.Thread] = []
    queue = WorkQueue[int]("Resting", lambda _: threads.append(threading.current_thread()))
    queue.put(0)
    assert queue.flush(soon())
    threads[0].join(5)
    assert not threads[0].is_alive()
    queue.put(1)
    assert queue.flush(soon())
    assert threads[0] is not threads[1]


def test_without_a_thread_items_are_rejected(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    queue = WorkQueue[int]("Threadless", lambda _: None)
    with caplog.at_level(logging.WARNING, "flext_observability"):
        assert not queue.put(0)
    assert "The thread of Threadless cannot be started" in caplog.text


def test_eight_threads_put_and_each_item_arrives_once() -> None:
    seen: list[int] = []
    queue = WorkQueue[int]("Many", seen.append, capacity=8000)
    threads = [
        threading.Thread(target=lambda first=first: [queue.put(first + item) for item in range(1000)])
        for first in range(0, 8000, 1000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.flush(soon())
    assert sorted(seen) == list(range(8000))


def test_a_forked_child_starts_with_an_empty_queue() -> None:
    program = run("""
        import os, threading, time
        from flext_observability.runtime.work_queue import WorkQueue

        go = threading.Event()
        seen = []
        def handle(item):
            go.wait(5)
            seen.append(item)
        queue = WorkQueue("Box", handle)
        queue.put(1)
        queue.put(2)
        child = os.fork()
        if child == 0:
            go.set()
            queue.put(3)
            print(queue.flush(time.monotonic() + 5), seen, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        go.set()
        print(queue.flush(time.monotonic() + 5), seen)
    """)
    assert program.out.split("\n")[:2] == ["True [3]", "True [1, 2]"]


def test_a_call_that_forks_ends_in_the_child_though_the_lock_was_held() -> None:
    program = run(
        """
        import os, threading, time
        from flext_observability.runtime.work_queue import WorkQueue

        held, forked = threading.Event(), threading.Event()

        def handle(item):
            held.wait(5)
            child = os.fork()
            if child:
                forked.set()
                print(os.waitpid(child, 0)[1], flush=True)

        def hold():
            with queue._changed:
                held.set()
                forked.wait(5)

        queue = WorkQueue("Box", handle)
        queue.put(1)
        threading.Thread(target=hold).start()
        forked.wait(5)
        queue.flush(time.monotonic() + 10)
        """,
        20,
    )
    assert program.lines == ["0"], program.err


def test_a_worker_ends_after_a_call_during_which_the_queue_was_reinitialised() -> None:
    threads: list[threading.Thread] = []

    def handle(_: int) -> None:
        threads.append(threading.current_thread())
        queue.reinit_after_fork()  # what a forked child calls

    queue = WorkQueue[int]("Forking", handle)
    queue.put(1)
    assert eventually(lambda: threads)
    threads[0].join(5)
    assert not threads[0].is_alive()


def test_items_after_the_one_that_ended_the_thread_are_handled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kind = ending(monkeypatch)
    seen: list[int] = []

    def handle(item: int) -> None:
        seen.append(item)
        if item == 0:
            raise kind

    queue = WorkQueue[int]("Ended", handle)
    assert [queue.put(item) for item in range(3)] == [True] * 3
    assert queue.flush(soon())
    assert seen == [0, 1, 2]
    assert queue.put(3)
    assert queue.flush(soon())
    assert "The thread of Ended failed: GreenletExit" in caplog.text
