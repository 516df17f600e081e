from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any, NoReturn

import pytest
from hypothesis import given, strategies as st

from flext_observability.domain.result import FlextObservabilityError, FlextResult, PendingResult, settle

VALUES = st.integers() | st.none() | st.text()


def refuse(_: object) -> NoReturn:
    pytest.fail("must not be called")


def half(number: int) -> FlextResult[int]:
    return FlextResult.ok(number // 2) if number % 2 == 0 else FlextResult[int].fail("not even", code="not_even")


@given(VALUES)
def test_success_reads_as_its_value(value: object) -> None:
    result = FlextResult.ok(value)

    assert result.success
    assert result.is_success
    assert not result.is_failure
    assert bool(result)
    assert (result.data, result.error, result.code) == (value, None, None)
    assert result.unwrap() == value
    assert result.unwrap_or("other") == value


@given(st.text(), st.text())
def test_failure_reads_as_message_and_code(message: str, code: str) -> None:
    result = FlextResult[int].fail(message, code=code)

    assert not result.success
    assert not result.is_success
    assert result.is_failure
    assert not bool(result)
    assert (result.data, result.error, result.code) == (None, message, code)
    assert result.unwrap_or(7) == 7


def test_unwrapped_failure_raises_with_message_and_code() -> None:
    with pytest.raises(FlextObservabilityError, match="no disk") as caught:
        FlextResult[int].fail("no disk", code="disk").unwrap()

    assert caught.value.code == "disk"


def test_failure_without_a_code_is_an_error() -> None:
    assert FlextResult[int].fail("no").code == "error"


def test_failure_without_a_message_is_a_failure() -> None:
    nothing: Any = FlextResult.ok(1).error

    result = FlextResult[int].fail(nothing, code="late")

    assert (result.is_failure, result.data, result.error, result.code) == (True, None, "No reason was given", "late")


def test_failure_passes_through_untouched_and_functions_are_not_called() -> None:
    failure = FlextResult[int].fail("no", code="nope")

    assert failure.map(refuse) is failure
    assert failure.flat_map(refuse) is failure
    assert failure.tap(refuse) is failure


def test_success_passes_through_the_error_path_untouched() -> None:
    success = FlextResult.ok(1)

    assert success.map_error(refuse) is success
    assert success.or_else(refuse) is success


@given(st.integers())
def test_map_obeys_identity_and_composition(number: int) -> None:
    result = FlextResult.ok(number)

    assert result.map(lambda value: value) == result
    assert result.map(lambda value: value + 1).map(str) == result.map(lambda value: str(value + 1))


@given(st.integers())
def test_flat_map_obeys_the_monad_laws(number: int) -> None:
    result = FlextResult.ok(number)

    assert result.flat_map(half) == half(number)
    assert result.flat_map(FlextResult.ok) == result
    assert result.flat_map(half).flat_map(half) == result.flat_map(lambda value: half(value).flat_map(half))


def test_map_error_keeps_the_code() -> None:
    result = FlextResult[int].fail("no", code="nope").map_error(str.upper)

    assert (result.error, result.code) == ("NO", "nope")


def test_or_else_recovers() -> None:
    assert FlextResult[int].fail("abc").or_else(lambda message: FlextResult.ok(len(message))) == FlextResult.ok(3)


def test_tap_passes_the_value_and_returns_the_same_result() -> None:
    seen: list[int] = []
    result = FlextResult.ok(3)

    assert result.tap(seen.append) is result
    assert seen == [3]


def test_results_match_by_position_and_by_name() -> None:
    match FlextResult.ok(3):
        case FlextResult(True, value):
            assert value == 3
        case _:
            pytest.fail("a success is FlextResult(True, value)")
    match FlextResult[int].fail("no", code="nope"):
        case FlextResult(False, _, message, code="nope"):
            assert message == "no"
        case _:
            pytest.fail("a failure is FlextResult(False, _, message)")


def test_equal_outcomes_are_equal_and_hash_alike() -> None:
    assert FlextResult.ok(1) == FlextResult.ok(1) != FlextResult.ok(2)
    assert hash(FlextResult.ok(1)) == hash(FlextResult.ok(1))
    assert FlextResult[int].fail("a") != FlextResult[int].fail("b")
    assert FlextResult.ok(1) != 1


def test_repr_is_the_call_that_creates_the_result() -> None:
    assert repr(FlextResult.ok("x")) == "FlextResult.ok('x')"
    assert repr(FlextResult[int].fail("no", code="nope")) == "FlextResult.fail('no', code='nope')"


def test_results_are_immutable() -> None:
    with pytest.raises(AttributeError):
        setattr(FlextResult.ok(1), "data", 2)  # noqa: B010 - the assignment is invalid


def test_awaiting_returns_the_result_itself() -> None:
    result = FlextResult.ok(1)

    async def wait() -> FlextResult[int]:
        return await result

    assert asyncio.run(wait()) is result


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
    assert settle(answer) == FlextResult.ok(42)


def test_the_event_loop_of_the_program_is_kept() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert settle(answer).success
        assert asyncio.get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_work_is_pending_inside_an_event_loop() -> None:
    async def wait() -> tuple[str | None, FlextResult[int]]:
        pending = settle(answer)
        return pending.code, await pending

    assert asyncio.run(wait()) == ("not_awaited", FlextResult.ok(42))


def test_results_load_without_pydantic() -> None:
    program = (
        "import sys; from flext_observability.domain import container, report, result;"
        "print([name for name in ('pydantic', 'opentelemetry', 'asyncio') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert run.stdout.strip() == "[]"
