from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from flext_observability import FlextHealthCheck, FlextResult
from flext_observability.services.dependencies import SystemClock
from flext_observability.services.health.check import RegisteredCheck
from tests.programs import run as run_program


def run(call: Callable[[], object], timeout_seconds: float = 5.0, *, apart: bool = False) -> tuple[str, str]:
    check = RegisteredCheck("db", call, timeout_seconds=timeout_seconds)
    found = asyncio.run(check.run(SystemClock(), apart=apart))
    assert found.name == "db"
    assert found.duration_seconds >= 0
    return found.status, found.message


class AsyncCallable:
    async def __call__(self) -> bool:
        await asyncio.sleep(0)
        return False


async def answer(value: object) -> object:
    await asyncio.sleep(0)
    return value


def failing(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def failing_later(error: BaseException) -> Callable[[], object]:
    async def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, ("healthy", "")),
        (True, ("healthy", "")),
        (False, ("unhealthy", "")),
        ("degraded", ("degraded", "")),
        (FlextHealthCheck(name="other", status="degraded", message="slow"), ("degraded", "slow")),
        (FlextResult[bool].ok(True), ("healthy", "")),
        (FlextResult[bool].fail("gone"), ("unhealthy", "gone")),
    ],
)
def test_what_a_check_may_return(outcome: object, expected: tuple[str, str]) -> None:
    assert run(lambda: outcome) == expected
    assert run(lambda: answer(outcome)) == expected
    assert run(lambda: answer(outcome), apart=True) == expected


@pytest.mark.parametrize("outcome", [5, "nonsense", [], object])
def test_nonsense_is_unknown(outcome: object) -> None:
    status, message = run(lambda: outcome)
    assert (status, message[:18]) == ("unknown", "the check returned")


def test_an_entity_that_breaks_a_rule_is_unhealthy_and_says_so() -> None:
    status, message = run(lambda: FlextHealthCheck(name="x", status="nonsense"))
    assert (status, "Invalid health check status" in message) == ("unhealthy", True)


@pytest.mark.parametrize("make", [failing, failing_later])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "error",
    [ValueError("gone"), TimeoutError("socket"), SystemExit(3), StopIteration(1), asyncio.CancelledError("self")],
)
def test_a_check_that_raises_is_unhealthy(
    make: Callable[[BaseException], Any], error: BaseException, apart: bool
) -> None:
    assert run(make(error), apart=apart)[0] == "unhealthy"


def test_an_interrupt_in_a_checks_thread_is_not_taken_for_the_programs_own() -> None:
    assert run(failing(KeyboardInterrupt())) == ("unhealthy", "KeyboardInterrupt: ")


def test_who_is_cancelled_is_cancelled() -> None:
    async def main() -> bool:
        task = asyncio.ensure_future(RegisteredCheck("db", lambda: asyncio.sleep(60)).run(SystemClock()))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_a_callable_object_with_async_call() -> None:
    assert run(AsyncCallable()) == ("unhealthy", "")


def test_an_async_check_that_hangs_is_unknown() -> None:
    assert run(lambda: asyncio.sleep(60), 0.01) == ("unknown", "no answer within 0.01 s")

    async def hang() -> None:
        await asyncio.sleep(60)

    assert run(hang, 0.01) == ("unknown", "no answer within 0.01 s")
    assert run(hang, 0.01, apart=True) == ("unknown", "no answer within 0.01 s")


def test_a_coroutine_that_is_made_too_late_is_closed_quietly() -> None:
    made: list[Coroutine[object, object, None]] = []
    late = threading.Event()

    def make() -> Coroutine[object, object, None]:
        late.wait(5)
        made.append(asyncio.sleep(60))
        return made[0]

    assert run(make, 0.01) == ("unknown", "no answer within 0.01 s")
    late.set()
    deadline = time.monotonic() + 5
    while not (made and inspect.getcoroutinestate(made[0]) == inspect.CORO_CLOSED):
        assert time.monotonic() < deadline
        time.sleep(0.001)


class TestHangingSyncCheck:
    @pytest.fixture
    def released(self) -> Iterator[threading.Event]:
        event = threading.Event()
        yield event
        event.set()

    def test_it_keeps_one_thread_and_is_not_started_again_before_it_ends(self, released: threading.Event) -> None:
        started: list[str] = []
        ended = threading.Event()

        def hang() -> None:
            started.append(threading.current_thread().name)
            released.wait(30)
            ended.set()

        check, clock = RegisteredCheck("slow", hang, timeout_seconds=0.01), SystemClock()
        messages = [asyncio.run(check.run(clock)).message for _ in range(2)]
        assert messages == ["no answer within 0.01 s", "the run before has not ended"]
        assert started == ["flext-check-slow"]
        released.set()
        assert ended.wait(5)
        while check._running is not None and not check._running[1].done():
            ended.wait(0.001)
        check.timeout_seconds = 5
        assert asyncio.run(check.run(clock)).status == "healthy"
        assert len(started) == 2


def test_a_check_whose_thread_cannot_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    check = RegisteredCheck("crowded", lambda: True)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        found = asyncio.run(check.run(SystemClock()))
    assert (found.status, found.message) == ("unhealthy", "RuntimeError: can't start new thread")
    assert asyncio.run(check.run(SystemClock())).status == "healthy"


def test_a_forked_child_runs_a_check_that_hangs_in_the_parent() -> None:
    done = run_program("""
        import os, threading
        from flext_observability import FlextHealthService

        health, hang, parent = FlextHealthService(), threading.Event(), os.getpid()
        health.register_check("slow", lambda: hang.wait() if os.getpid() == parent else True, timeout_seconds=0.05)
        print(health.execute_health_check("slow").unwrap().message, flush=True)
        child = os.fork()
        if child == 0:
            print(health.execute_health_check("slow").unwrap().status, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        hang.set()
    """)
    assert done.lines == ["no answer within 0.05 s", "healthy"], done.err


def test_a_sync_check_does_not_block_the_loop() -> None:
    release = threading.Event()
    check = RegisteredCheck("waiting", lambda: release.wait(10))

    async def main() -> str:
        task = asyncio.create_task(check.run(SystemClock()))
        await asyncio.sleep(0)
        release.set()
        return (await task).status

    assert asyncio.run(main()) == "healthy"
