"""SharedCall: one call at a time for all threads that wait, with a time limit."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flext_observability.runtime import shared_call as module
from flext_observability.runtime.shared_call import SharedCall, SharedCallTimeout
from tests.ending import ending
from tests.threads import in_threads
from tests.waiting import eventually


class Gate:
    """A function that waits until it is opened, and returns the number of its call."""

    def __init__(self) -> None:
        self.calls = 0
        self.opened = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        self.opened.wait(30)
        return number


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


def test_each_request_gets_the_result_of_a_call_that_began_after_it(gate: Gate) -> None:
    call = SharedCall("shared", gate, 10)
    found: list[int] = []
    first = threading.Thread(target=lambda: found.append(call.result()))
    first.start()
    eventually(lambda: gate.calls)
    later = [threading.Thread(target=lambda: found.append(call.result())) for _ in range(5)]
    for thread in later:
        thread.start()
    time.sleep(0.1)
    gate.opened.set()
    for thread in (first, *later):
        thread.join(10)
    assert sorted(found)[1:] == [2, 2, 2, 2, 2]
    assert gate.calls == 2


def test_no_thread_is_left() -> None:
    assert SharedCall("shared-end", lambda: 5, 10).result() == 5
    eventually(lambda: not any(thread.name == "shared-end" for thread in threading.enumerate()))


def test_a_request_fails_at_the_limit_and_later_ones_immediately(gate: Gate) -> None:
    call = SharedCall("shared", gate, 0.2)
    in_threads(lambda _: _expect_timeout(call))
    started = time.monotonic()
    with pytest.raises(SharedCallTimeout) as caught:
        call.result()
    assert time.monotonic() - started < 0.15
    assert caught.value.seconds >= 0.2
    gate.opened.set()
    eventually(lambda: gate.calls == 2)  # for the requests that have failed
    assert call.result() >= 2


def _expect_timeout(call: SharedCall[int]) -> None:
    with pytest.raises(SharedCallTimeout):
        call.result()


def test_an_exception_reaches_every_request() -> None:
    def fail() -> int:
        raise ValueError("wrong")

    call = SharedCall("shared", fail, 10)
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            call.result()


def test_an_exception_that_would_end_a_thread_is_an_error() -> None:
    def fail() -> int:
        raise KeyboardInterrupt

    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        SharedCall("shared", fail, 10).result()


def test_without_threads_the_caller_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "start_daemon", lambda *_, **__: None)
    assert SharedCall("shared", threading.get_ident, 10).result() == threading.get_ident()


def test_a_thread_that_is_ended_fails_its_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = ending(monkeypatch)
    answers = iter([kind(), None])

    def work() -> int:
        if (error := next(answers)) is not None:
            raise error
        return 5

    call = SharedCall("shared", work, 10)
    with pytest.raises(RuntimeError, match="shared was ended"):
        call.result()
    assert call.result() == 5


def test_a_forked_child_does_not_wait_for_a_call_of_the_parent(gate: Gate) -> None:
    call = SharedCall("shared", gate, 10)
    thread = threading.Thread(target=call.result)
    thread.start()
    eventually(lambda: gate.calls)
    child = os.fork()
    if child == 0:
        gate.opened.set()
        os._exit(call.result())
    gate.opened.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_a_call_that_forks_does_not_continue_in_the_child() -> None:
    parent, children = os.getpid(), []

    def fork() -> int:
        if os.getpid() != parent:
            return 7
        if (child := os.fork()) == 0:
            threading.Timer(0.2, lambda: os._exit(call.result())).start()
        children.append(child)
        return 5

    call = SharedCall("shared", fork, 10)
    assert call.result() == 5
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 7


def test_a_thread_ends_after_a_call_during_which_the_call_was_reinitialised() -> None:
    threads: list[threading.Thread] = []

    def fork() -> int:
        if not threads:
            threads.append(threading.current_thread())
            call.reinit_after_fork()  # what a forked child calls
        return 5

    call = SharedCall("shared", fork, 0.2)
    with pytest.raises(TimeoutError):
        ThreadPoolExecutor().submit(call.result).result(0.1)
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert call.result() == 5
