from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from flext_observability import FlextHealthCheck, FlextResult
from flext_observability.services.health.check import RegisteredCheck
from tests.programs import run as run_program
from tests.waiting import eventually


def run(call: Callable[[], object], timeout_seconds: float = 5.0, *, own_loop: bool = False) -> tuple[str, str]:
    check = RegisteredCheck("db", call, timeout_seconds=timeout_seconds)
    result = asyncio.run(check.run(own_loop=own_loop))
    assert result.name == "db"
    assert result.duration_seconds >= 0
    return result.status, result.message


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
def test_a_return_value_gives_a_status(outcome: object, expected: tuple[str, str]) -> None:
    assert run(lambda: outcome) == expected
    assert run(lambda: answer(outcome)) == expected
    assert run(lambda: answer(outcome), own_loop=True) == expected


@pytest.mark.parametrize("outcome", [5, "fine", [], object])
def test_an_invalid_return_value_is_unknown(outcome: object) -> None:
    status, message = run(lambda: outcome)
    assert (status, message[:21]) == ("unknown", "invalid return value:")


def test_an_invalid_entity_is_unhealthy_with_the_reason() -> None:
    status, message = run(lambda: FlextHealthCheck(name="x", status="fine"))
    assert (status, "Invalid health check status" in message) == ("unhealthy", True)


@pytest.mark.parametrize("make", [failing, failing_later])
@pytest.mark.parametrize("own_loop", [False, True])
@pytest.mark.parametrize(
    "error",
    [ValueError("gone"), TimeoutError("socket"), SystemExit(3), StopIteration(1), asyncio.CancelledError("self")],
)
def test_a_check_that_raises_is_unhealthy(
    make: Callable[[BaseException], Any], error: BaseException, own_loop: bool
) -> None:
    assert run(make(error), own_loop=own_loop)[0] == "unhealthy"


def test_an_interrupt_in_the_thread_of_a_check_does_not_reach_the_program() -> None:
    assert run(failing(KeyboardInterrupt())) == ("unhealthy", "KeyboardInterrupt: ")


def test_a_cancelled_caller_is_cancelled() -> None:
    async def main() -> bool:
        task = asyncio.ensure_future(RegisteredCheck("db", lambda: asyncio.sleep(60)).run())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_a_callable_object_with_async_call() -> None:
    assert run(AsyncCallable()) == ("unhealthy", "")


def test_an_async_check_that_hangs_is_unknown() -> None:
    assert run(lambda: asyncio.sleep(60), 0.01) == ("unknown", "no result within 0.01 s")

    async def hang() -> None:
        await asyncio.sleep(60)

    assert run(hang, 0.01) == ("unknown", "no result within 0.01 s")
    assert run(hang, 0.01, own_loop=True) == ("unknown", "no result within 0.01 s")


def test_a_coroutine_created_after_the_timeout_is_closed() -> None:
    created: list[Coroutine[object, object, None]] = []
    late = threading.Event()

    def make() -> Coroutine[object, object, None]:
        late.wait(5)
        created.append(asyncio.sleep(60))
        return created[0]

    assert run(make, 0.01) == ("unknown", "no result within 0.01 s")
    late.set()
    deadline = time.monotonic() + 5
    while not (created and inspect.getcoroutinestate(created[0]) == inspect.CORO_CLOSED):
        assert time.monotonic() < deadline
        time.sleep(0.001)


class TestHangingSyncCheck:
    @pytest.fixture
    def released(self) -> Iterator[threading.Event]:
        event = threading.Event()
        yield event
        event.set()

    def test_a_hanging_check_has_one_thread_and_is_not_started_again_before_it_ends(
        self, released: threading.Event
    ) -> None:
        started: list[str] = []
        ended = threading.Event()

        def hang() -> None:
            started.append(threading.current_thread().name)
            released.wait(30)
            ended.set()

        check = RegisteredCheck("slow", hang, timeout_seconds=0.01)
        messages = [asyncio.run(check.run()).message for _ in range(2)]
        assert messages == ["no result within 0.01 s", "the previous run has not ended"]
        assert started == ["flext-check-slow"]
        released.set()
        assert ended.wait(5)
        while check._started_call is not None and not check._started_call.done():
            ended.wait(0.001)
        check.timeout_seconds = 5
        assert asyncio.run(check.run()).status == "healthy"
        assert len(started) == 2


def test_a_check_whose_thread_cannot_start_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_to_start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    check = RegisteredCheck("crowded", lambda: True)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail_to_start)
        result = asyncio.run(check.run())
    assert (result.status, result.message) == ("unhealthy", "RuntimeError: can't start new thread")
    assert asyncio.run(check.run()).status == "healthy"


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
    assert done.lines == ["no result within 0.05 s", "healthy"], done.err


def test_a_sync_check_does_not_block_the_loop() -> None:
    release = threading.Event()
    check = RegisteredCheck("waiting", lambda: release.wait(10))

    async def main() -> str:
        task = asyncio.create_task(check.run())
        await asyncio.sleep(0)
        release.set()
        return (await task).status

    assert asyncio.run(main()) == "healthy"


def test_a_first_run_that_hangs_is_unknown_by_its_age() -> None:
    hang = threading.Event()
    check = RegisteredCheck("slow", lambda: hang.wait(10), timeout_seconds=0.3)
    run = threading.Thread(target=lambda: asyncio.run(check.evaluate(own_loop=True)))
    run.start()
    known = eventually(lambda: check.known() if check.is_running() else None)
    run.join(5)
    hang.set()
    assert known is not None
    assert (known.status, known.message) == ("unknown", "no result after 0.0 s")


def test_a_clock_that_fails_after_a_run_leaves_the_check_usable() -> None:
    ticks = iter([1.0, 2.0, 3.0])

    class Clock:
        def monotonic(self) -> float:
            return next(ticks)

        def time_ns(self) -> int:
            return 0

    check = RegisteredCheck("db", lambda: True, clock=Clock())
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(check.evaluate(own_loop=True))
    assert not check.is_running()
    assert check.known().status == "healthy"
