from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any, NoReturn

import pytest
from hypothesis import given, strategies as st

from flext_observability.domain.result import FlextObservabilityError, FlextResult

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


def test_results_load_without_pydantic() -> None:
    program = (
        "import sys; from flext_observability.domain import container, report, result;"
        "print([name for name in ('pydantic', 'opentelemetry', 'asyncio') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert run.stdout.strip() == "[]"
