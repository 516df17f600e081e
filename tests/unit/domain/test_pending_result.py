"""PendingResult: work that starts on the first await, and a warning when it never does."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.domain.pending_result import PendingResult, settle, settle_blocking
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.daemon import THREAD_FIX

NOT_AWAITED = (
    "flush() did nothing: inside an event loop, its result must be awaited. Await it, or pass blocking=True where "
    "nothing can be awaited."
)


def half(number: int) -> FlextResult[int]:
    return FlextResult.ok(number // 2) if number % 2 == 0 else FlextResult[int].fail("not even", code="not_even")


def counting(calls: list[int], outcome: FlextResult[int]) -> PendingResult[int]:
    async def work() -> FlextResult[int]:
        calls.append(1)
        await asyncio.sleep(0)
        return outcome

    return PendingResult(work)


def test_pending_result_is_a_failure_before_the_await() -> None:
    calls: list[int] = []
    pending = counting(calls, FlextResult.ok(1))

    assert not pending.success
    assert pending.code == "not_awaited"
    assert "await it" in str(pending.error)
    assert calls == []
    with pytest.warns(RuntimeWarning, match="was not done"):
        del pending


def test_pending_work_runs_once_and_the_result_becomes_the_outcome() -> None:
    calls: list[int] = []
    pending = counting(calls, FlextResult.ok(1))

    async def wait() -> list[FlextResult[int]]:
        async def one() -> FlextResult[int]:
            return await pending

        return [*await asyncio.gather(one(), one()), await pending]

    assert asyncio.run(wait()) == [FlextResult.ok(1)] * 3
    assert pending.unwrap() == 1
    assert calls == [1]


def test_cancelling_one_waiter_does_not_cancel_the_work() -> None:
    async def wait() -> FlextResult[int]:
        release = asyncio.Event()

        async def work() -> FlextResult[int]:
            await release.wait()
            return FlextResult.ok(1)

        pending = PendingResult(work)

        async def one() -> FlextResult[int]:
            return await pending

        first, second = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        release.set()
        return await second

    assert asyncio.run(wait()) == FlextResult.ok(1)


def test_pending_work_that_raises_becomes_a_failure() -> None:
    async def work() -> FlextResult[int]:
        raise ValueError("broken")

    async def wait() -> FlextResult[int]:
        return await PendingResult(work)

    result = asyncio.run(wait())
    assert (result.error, result.code) == ("ValueError: broken", "internal")


def test_composed_pending_results_are_pending_until_awaited() -> None:
    seen: list[int] = []

    async def wait() -> list[FlextResult[int]]:
        good, bad = counting([], FlextResult.ok(2)), counting([], FlextResult[int].fail("no"))
        composed = [
            good.map(lambda value: value + 1),
            good.flat_map(half),
            good.tap(seen.append),
            bad.map_error(str.upper),
            bad.or_else(lambda _: FlextResult.ok(0)),
        ]
        assert {result.code for result in composed} == {"not_awaited"}
        return [await result for result in composed]

    assert asyncio.run(wait()) == [
        FlextResult.ok(3),
        FlextResult.ok(1),
        FlextResult.ok(2),
        FlextResult[int].fail("NO"),
        FlextResult.ok(0),
    ]
    assert seen == [2]


def test_pending_result_composes_immediately_after_the_work() -> None:
    async def wait() -> FlextResult[str]:
        pending = counting([], FlextResult.ok(2))
        await pending
        return pending.map(str)

    assert asyncio.run(wait()) == FlextResult.ok("2")


async def answer() -> FlextResult[int]:
    await asyncio.sleep(0)
    return FlextResult.ok(42)


def test_work_runs_immediately_without_an_event_loop() -> None:
    assert settle(answer, "answer()") == FlextResult.ok(42)


def test_the_event_loop_of_the_program_is_kept() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert settle(answer, "answer()").success
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_work_is_pending_inside_an_event_loop() -> None:
    async def wait() -> tuple[str | None, FlextResult[int]]:
        pending = settle(answer, "answer()")
        return pending.code, await pending

    assert asyncio.run(wait()) == ("not_awaited", FlextResult.ok(42))


def test_work_blocks_inside_an_event_loop_on_request() -> None:
    name = contextvars.ContextVar("name", default="")

    async def work() -> FlextResult[tuple[str, bool]]:
        await asyncio.sleep(0)
        return FlextResult.ok((name.get(), threading.current_thread() is threading.main_thread()))

    async def main() -> FlextResult[tuple[str, bool]]:
        name.set("of the caller")
        return settle(work, "work()", blocking=True)

    assert asyncio.run(main()) == FlextResult.ok(("of the caller", False))


def test_blocking_work_runs_in_the_calling_thread_on_request() -> None:
    async def main() -> FlextResult[int]:
        return settle_blocking(threading.get_ident, "work()", blocking=True)

    assert asyncio.run(main()) == FlextResult.ok(threading.get_ident())


def warned(main: Callable[[], object], operation: str = "flush()") -> list[str]:
    """Run the function in an event loop, with a pending result of its operation, and return the warnings."""

    async def run() -> None:
        main()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(run())
    assert {each.category for each in caught} <= {RuntimeWarning}
    assert {each.filename for each in caught} <= {__file__}
    return [str(each.message) for each in caught]


def test_a_result_that_is_never_awaited_warns_where_it_is_dropped() -> None:
    assert warned(lambda: settle(answer, "flush()")) == [NOT_AWAITED]
    assert warned(lambda: settle_blocking(dict, "flush()")) == [NOT_AWAITED]


def test_a_result_that_was_read_and_not_awaited_warns() -> None:
    assert warned(lambda: settle(answer, "flush()").unwrap_or(1)) == [NOT_AWAITED]


def test_without_an_operation_the_warning_names_the_result() -> None:
    assert warned(lambda: PendingResult(answer)) == [
        "The work of a PendingResult was not done: inside an event loop, its result must be awaited. Await it."
    ]


@pytest.mark.parametrize(
    "compose",
    [
        lambda result: result.map(str),
        lambda result: result.flat_map(half),
        lambda result: result.map_error(str.upper),
        lambda result: result.or_else(FlextResult.ok),
        lambda result: result.tap(print).map(str).tap(print),
    ],
    ids=["map", "flat_map", "map_error", "or_else", "chain"],
)
def test_a_composed_result_warns_once_in_place_of_its_source(
    compose: Callable[[FlextResult[int]], FlextResult[object]],
) -> None:
    assert warned(lambda: compose(settle(answer, "flush()"))) == [NOT_AWAITED]


def test_an_awaited_result_does_not_warn() -> None:
    async def main() -> int:
        composed = settle(answer, "flush()").map(lambda value: value + 1)
        await asyncio.wait_for(settle(answer, "flush()"), 10)
        return (await composed).unwrap()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert asyncio.run(main()) == 43
    assert caught == []


def test_a_call_with_missing_arguments_does_not_warn() -> None:
    create: Any = PendingResult
    with pytest.raises(TypeError):
        create()


KEPT_UNTIL_EXIT = """
import asyncio
from flext_observability.domain.pending_result import settle

async def work(): ...
async def main(): kept.append(settle(work, "flush()"))

kept = []
asyncio.run(main())
"""


def test_a_result_that_is_kept_until_the_exit_does_not_warn() -> None:
    program = f"import builtins\n{KEPT_UNTIL_EXIT}\nbuiltins.kept = kept\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stderr == ""


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse new threads."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.usefixtures("no_threads")
def test_without_threads_an_awaited_operation_runs_in_the_thread_of_the_loop() -> None:
    async def main() -> FlextResult[int]:
        return await settle_blocking(threading.get_ident, "flush()")

    assert asyncio.run(main()) == FlextResult.ok(threading.get_ident())


@pytest.mark.usefixtures("no_threads")
def test_without_threads_blocking_on_async_work_inside_a_loop_is_a_failure() -> None:
    async def main() -> FlextResult[int]:
        return settle(answer, "overall()", blocking=True)

    result = asyncio.run(main())
    assert (result.code, result.fix) == ("shortage", THREAD_FIX)


def test_pending_blocking_work_that_raises_becomes_a_failure() -> None:
    def fail() -> int:
        raise KeyError("missing")

    async def main() -> FlextResult[int]:
        return await settle_blocking(fail, "flush()")

    assert asyncio.run(main()).code == "internal"


def test_pending_blocking_work_does_not_block_the_loop() -> None:
    released = threading.Event()

    async def main() -> FlextResult[bool]:
        asyncio.get_running_loop().call_later(0.01, released.set)
        return await settle_blocking(lambda: released.wait(5), "flush()")

    assert asyncio.run(main()) == FlextResult.ok(True)
