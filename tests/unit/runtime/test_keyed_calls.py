from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flext_observability.runtime.keyed_calls import KeyedCall, KeyedCalls
from tests.programs import run


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def waiting(event: threading.Event, answer: str = "done") -> Callable[[], str]:
    def wait() -> str:
        event.wait(10)
        return answer

    return wait


def started(calls: KeyedCalls[str], key: tuple[object, ...], work: Callable[[], str]) -> KeyedCall[str]:
    call = calls.join(key, work, 5.0)
    assert call is not None
    return call


def test_result_is_returned() -> None:
    call = started(KeyedCalls("t", 2, 2), ("a",), lambda: "done")
    assert call.ended_within(5)
    assert call.future.result() == "done"


def test_callers_of_a_key_share_the_call(hang: threading.Event) -> None:
    calls = KeyedCalls[str]("t", 2, 2)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: started(calls, ("a",), waiting(hang)), range(50)))
    assert len(set(map(id, found))) == 1


def test_next_call_after_the_end_runs_again() -> None:
    calls = KeyedCalls[str]("t", 2, 2)
    answers = iter("ab")
    results = [started(calls, ("a",), lambda: next(answers)).future.result(5) for _ in range(2)]
    assert results == ["a", "b"]


def test_wait_ends_at_the_limit_after_the_start(hang: threading.Event) -> None:
    call = started(KeyedCalls("t", 2, 2), ("a",), waiting(hang))
    assert not call.ended_within(0.1)
    began = time.monotonic()
    assert not call.ended_within(0.1)
    assert time.monotonic() - began < 0.05


def test_late_call_stands_for_all_of_its_group(hang: threading.Event) -> None:
    calls = KeyedCalls[str]("t", 9, 9)
    late = started(calls, ("a", 1), waiting(hang))
    assert not late.ended_within(0.05)
    assert calls.join(("a", 2), lambda: "other", 0.05) is late
    other = calls.join(("b", 2), lambda: "other", 0.05)
    assert other is not None
    assert other.future.result(5) == "other"


@pytest.mark.parametrize(("limit", "group_limit"), [(2, 9), (9, 2)])
def test_calls_are_limited(hang: threading.Event, limit: int, group_limit: int) -> None:
    calls = KeyedCalls[str]("t", limit, group_limit)
    first, second = (started(calls, ("a", number), waiting(hang)) for number in range(2))
    assert calls.join(("a", 3), lambda: "", 5.0) is None
    hang.set()
    assert first.ended_within(5)
    assert second.ended_within(5)
    assert started(calls, ("a", 3), lambda: "free").future.result(5) == "free"


def test_no_free_thread_starts_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls = KeyedCalls[str]("t", 2, 2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        assert calls.join(("a",), lambda: "", 5.0) is None
    assert started(calls, ("a",), lambda: "free").future.result(5) == "free"


def test_exception_of_any_type_is_passed_on() -> None:
    def leave() -> str:
        raise SystemExit(3)

    call = started(KeyedCalls("t", 2, 2), ("a",), leave)
    assert call.ended_within(5)
    assert isinstance(call.future.exception(), SystemExit)


def test_place_is_the_function_of_the_program(hang: threading.Event) -> None:
    call = started(KeyedCalls("t", 2, 2), ("a",), waiting(hang))
    assert not call.ended_within(0.1)
    assert call.place().startswith(f"{__name__}.waiting.<locals>.wait, line ")


def test_place_is_empty_without_code_of_the_program(hang: threading.Event) -> None:
    unnamed: dict[str, object] = {"__name__": 5, "hang": hang}
    exec("def wait():\n    return str(hang.wait(10))", unnamed)  # noqa: S102 - a module with an invalid name
    for work in (unnamed["wait"], lambda: "done"):
        call = started(KeyedCalls("t", 2, 2), (work,), work)  # type: ignore[arg-type]  # from exec
        call.ended_within(0.1)
        assert call.place() == ""


def test_forked_child_starts_its_own_call() -> None:
    printed = run("""
        import os, threading
        from flext_observability.runtime.keyed_calls import KeyedCalls

        calls, hang = KeyedCalls("t", 1, 1), threading.Event()
        calls.join(("a",), hang.wait, 5.0)
        if os.fork() == 0:
            print(calls.join(("a",), lambda: "child", 5.0).future.result(5), flush=True)
            os._exit(0)
        os.wait()
        hang.set()
    """)
    assert printed.lines == ["child"]
