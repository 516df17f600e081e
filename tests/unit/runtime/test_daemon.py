"""A daemon thread starts, or it is said why not: but for the end of the program, where none starts."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from flext_observability.runtime.daemon import FIRST_WAIT_SECONDS, THREAD_FIX, DaemonThread, retry_threads, start_daemon
from tests.programs import run
from tests.waiting import eventually


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_it_works_and_does_not_keep_the_program_alive() -> None:
    done = threading.Event()
    thread = start_daemon("worker", done.set, what="the thread of work")
    assert done.wait(5)
    assert thread is not None
    assert (thread.name, thread.daemon) == ("worker", True)


def test_a_thread_that_cannot_start_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert start_daemon("worker", print, what="the test thread") is None
    assert caplog.messages == [
        "Starting the test thread failed: RuntimeError: can't start new thread; the program continues without it"
    ]


def test_at_exit_nothing_is_logged() -> None:
    done = run("""
        import atexit, threading

        @atexit.register
        def late():
            def refuse(_):
                raise RuntimeError("can't create new thread at interpreter shutdown")  # as newer versions of Python do
            threading.Thread.start = refuse
            print(start_daemon("worker", print, what="the thread of work"))

        from flext_observability.runtime.daemon import start_daemon
    """)
    assert (done.out, done.err) == ("None\n", "")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Refuse new threads, until the value of the fixture is called."""
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        yield patched.undo


@pytest.fixture
def lines() -> list[str]:
    """Reports of the thread under test."""
    return []


def worker(work: Callable[[], object], lines: list[str]) -> DaemonThread:
    return DaemonThread("worker", work, what="the test thread", report=lines.append)


def test_the_work_runs_on_one_thread(lines: list[str]) -> None:
    over, names = threading.Event(), list[str]()

    def work() -> None:
        names.append(threading.current_thread().name)
        over.wait(5)

    thread = worker(work, lines)
    assert [thread.start(), thread.start(), thread.is_active] == [True] * 3
    assert not thread.borrow()
    thread.release()
    assert thread.is_active, "only the thread itself releases it"
    over.set()
    eventually(lambda: not thread.is_active)
    assert (names, thread.problem, lines) == (["worker"], "", [])


def test_a_start_that_failed_is_tried_again_after_a_wait(refused: Callable[[], None], lines: list[str]) -> None:
    done = threading.Event()
    thread = worker(done.set, lines)
    assert not thread.start()
    thread.report()
    refused()
    assert not thread.start(), "it waits"
    time.sleep(FIRST_WAIT_SECONDS)
    assert thread.start()
    assert done.wait(5)
    eventually(lambda: len(lines) == 2)
    assert lines == ["the test thread cannot be started: can't start new thread", ""]


def test_a_problem_is_reported_once(refused: Callable[[], None], lines: list[str]) -> None:
    thread = worker(print, lines)
    for _ in range(3):
        thread.start()
        thread.report()
        time.sleep(FIRST_WAIT_SECONDS)
    assert len(lines) == 1


def test_other_workers_start_a_thread_that_could_not_start(refused: Callable[[], None], lines: list[str]) -> None:
    done = threading.Event()
    thread = worker(done.set, lines)
    thread.start()
    retry_threads()
    refused()
    time.sleep(FIRST_WAIT_SECONDS)
    retry_threads()
    assert done.wait(5)
    retry_threads()
    assert lines[0].startswith("the test thread cannot be started")


def test_work_that_raises_is_called_again_on_its_thread(lines: list[str]) -> None:
    errors = [SystemExit(1), KeyError("missing")]
    done, threads = threading.Event(), set[threading.Thread]()

    def work() -> None:
        threads.add(threading.current_thread())
        if errors:
            raise errors.pop(0)
        done.set()

    assert worker(work, lines).start()
    assert done.wait(5)
    assert len(threads) == 1
    eventually(lambda: len(lines) == 4)
    assert lines == ["the test thread failed: SystemExit: 1", "", "the test thread failed: KeyError: 'missing'", ""]


def test_work_that_raises_after_its_release_has_no_problem(lines: list[str]) -> None:
    released = threading.Event()

    def work() -> None:
        if not released.is_set():
            thread.release()
            released.set()
            raise ValueError("broken")

    thread = worker(work, lines)
    thread.start()
    assert released.wait(5)
    time.sleep(FIRST_WAIT_SECONDS)
    assert (thread.is_active, thread.problem, lines) == (False, "", [])


def test_work_that_ran_for_long_is_called_again_soon(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.setattr("flext_observability.runtime.daemon._STEADY_SECONDS", -1.0)
    calls, done = list[float](), threading.Event()

    def work() -> None:
        calls.append(time.monotonic())
        if len(calls) < 5:
            raise ValueError("broken")
        done.set()

    worker(work, lines).start()
    assert done.wait(5)
    assert calls[-1] - calls[0] < 1.2, "without it the waits grow to 1.5 s together"


def test_another_thread_may_do_the_work_of_one_that_died(lines: list[str]) -> None:
    died, calls = threading.Event(), list[str]()

    def work() -> None:
        calls.append(threading.current_thread().name)
        died.set()
        raise ValueError("broken")

    thread = worker(work, lines)
    thread.start()
    died.wait(5)
    eventually(lambda: not thread.is_active)
    assert thread.borrow()
    time.sleep(3 * FIRST_WAIT_SECONDS)
    assert calls == ["worker"], "the thread that died ends"
    thread.release()
    assert not thread.is_active


def test_a_thread_that_was_interrupted_is_replaced(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """As when the program kills the greenlet."""

    class GreenletExit(BaseException):
        pass

    monkeypatch.setitem(sys.modules, "greenlet", SimpleNamespace(GreenletExit=GreenletExit))
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    done = threading.Event()

    def work() -> None:
        if not lines:
            raise GreenletExit
        done.set()

    thread = worker(work, lines)
    thread.start()
    eventually(lambda: not thread.is_active)
    thread.report()
    time.sleep(FIRST_WAIT_SECONDS)
    retry_threads()
    assert done.wait(5)
    assert lines[0] == "the test thread failed: GreenletExit: "


def test_by_default_problems_are_logged(refused: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    thread = DaemonThread("worker", done.set, what="the test thread")
    thread.start()
    thread.report()
    refused()
    time.sleep(FIRST_WAIT_SECONDS)
    thread.start()
    thread.report()
    assert done.wait(5)
    assert caplog.messages == [
        f"The test thread cannot be started: can't start new thread. {THREAD_FIX}.",
        "The test thread runs again",
    ]


def test_a_forked_child_has_no_thread_yet() -> None:
    done = run("""
        import os, threading, time
        from flext_observability.runtime.daemon import DaemonThread, retry_threads

        work = DaemonThread("worker", lambda: time.sleep(60), what="the thread")
        refused = DaemonThread("refused", lambda: print("started", flush=True), what="the other thread")
        start, threading.Thread.start = threading.Thread.start, lambda _: (_ for _ in ()).throw(RuntimeError("refused"))
        refused.start()
        threading.Thread.start = start
        work.start()
        time.sleep(0.1)
        child = os.fork()
        if child == 0:
            work.reinit_after_fork()
            print(work.is_active, work.start(), flush=True)
            retry_threads()
            os._exit(0)
        os.waitpid(child, 0)
        os._exit(0)
    """)
    assert done.lines == ["False True"], done.err
