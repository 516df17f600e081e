"""flext_monitor_function: span, duration, calls by outcome, one error record."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from flext_observability import flext_monitor_function, traced
from flext_observability.values.exceptions import MAX_STACK_BYTES
from tests.recorded import Recorded

CALLS = "flext.function.calls"
DURATION = "flext.function.duration"


def calls(recorded: Recorded) -> dict[tuple[str, str], int]:
    return {
        (dict(attributes)["flext.operation"], dict(attributes)["flext.outcome"]): value
        for attributes, value in recorded.values(CALLS).items()
    }


@flext_monitor_function
def divide(a: int, b: int) -> float:
    """Divide."""
    return a / b


@flext_monitor_function("outer operation")
def outer(b: int) -> float:
    return divide(1, b)


class Shop:
    @flext_monitor_function("method")
    def method(self) -> int:
        return 1

    @flext_monitor_function
    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @staticmethod
    @flext_monitor_function()
    def static() -> int:
        return 3


def test_a_call_has_span_duration_and_count(recorded: Recorded) -> None:
    assert divide(6, 3) == 2
    span = recorded.span("divide")
    assert span.status.status_code is StatusCode.UNSET
    assert calls(recorded) == {("divide", "ok"): 1}
    duration = recorded.metric(DURATION)
    (point,) = duration.data.data_points
    assert (duration.unit, recorded.metric(CALLS).unit, point.count) == ("s", "{call}", 1)
    assert 0 < point.sum < 1
    assert recorded.logs() == []


def test_duration_has_an_exemplar_that_points_to_the_span(recorded: Recorded) -> None:
    divide(6, 3)
    (point,) = recorded.metric(DURATION).data.data_points
    context = recorded.span("divide").context
    assert context is not None
    assert [exemplar.span_id for exemplar in point.exemplars] == [context.span_id]


def test_an_exception_is_logged_once_in_nested_calls(recorded: Recorded) -> None:
    with pytest.raises(ZeroDivisionError):
        outer(0)
    (record,) = recorded.logs()
    inner = recorded.span("divide")
    assert inner.context is not None
    assert (record.trace_id, record.span_id) == (inner.context.trace_id, inner.context.span_id)
    assert record.severity_text == "ERROR"
    assert record.body == "divide failed: ZeroDivisionError: division by zero"
    assert record.attributes["exception.type"] == "ZeroDivisionError"
    assert "a / b" in record.attributes["exception.stacktrace"]
    assert calls(recorded) == {("divide", "error"): 1, ("outer operation", "error"): 1}
    assert recorded.span("outer operation").status.status_code is StatusCode.ERROR


def test_an_exception_recorded_by_a_traced_block_is_logged(recorded: Recorded) -> None:
    @flext_monitor_function("work")
    def work() -> None:
        with traced("inner"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert len(recorded.logs()) == 1


def test_each_new_exception_is_logged(recorded: Recorded) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            divide(1, 0)
    assert len(recorded.logs()) == 2


def test_unreadable_message_and_huge_message(recorded: Recorded) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @flext_monitor_function("fail")
    def fail(error: Exception) -> None:
        raise error

    for error in (MuteError(), ValueError("x" * 1_000_000)):
        with pytest.raises(type(error)):
            fail(error)
    first, second = recorded.logs()
    assert first.body == "fail failed: MuteError: <no readable message>"
    assert len(second.body) < 10_000
    assert first.attributes["exception.type"].endswith("<locals>.MuteError")
    assert len(second.attributes["exception.stacktrace"]) <= MAX_STACK_BYTES


def test_cancellation_and_exit_count_as_cancelled(recorded: Recorded) -> None:
    @flext_monitor_function("waiting")
    async def waiting() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    @flext_monitor_function("leaving")
    def leaving() -> None:
        raise SystemExit(0)

    asyncio.run(main())
    with pytest.raises(SystemExit):
        leaving()
    assert calls(recorded) == {("waiting", "cancelled"): 1, ("leaving", "cancelled"): 1}
    assert recorded.logs() == []


def test_stop_iteration_is_not_an_error(recorded: Recorded) -> None:
    class Empty:
        def __iter__(self) -> Empty:
            return self

        @flext_monitor_function("next")
        def __next__(self) -> int:
            raise StopIteration

    assert list(Empty()) == []
    assert calls(recorded) == {("next", "ok"): 1}
    assert recorded.logs() == []


def test_a_coroutine_function_is_kept(recorded: Recorded) -> None:
    @flext_monitor_function("async work")
    async def work() -> int:
        await asyncio.sleep(0)
        return 5

    assert inspect.iscoroutinefunction(work)
    assert asyncio.run(work()) == 5
    assert calls(recorded) == {("async work", "ok"): 1}


def test_generators_count_one_call_for_each_run(recorded: Recorded) -> None:
    @flext_monitor_function("numbers")
    def numbers() -> Iterator[int]:
        yield from (1, 2, 3)

    @flext_monitor_function("async numbers")
    async def async_numbers() -> AsyncIterator[int]:
        yield 1
        raise ValueError("broken")

    async def main() -> None:
        with pytest.raises(ValueError, match="broken"):
            async for _ in async_numbers():
                pass

    assert list(numbers()) == [1, 2, 3]
    for _ in numbers():
        break
    asyncio.run(main())
    assert calls(recorded) == {("numbers", "ok"): 2, ("async numbers", "error"): 1}
    assert len(recorded.logs()) == 1


def test_methods_of_each_kind(recorded: Recorded) -> None:
    assert (Shop().method(), Shop.of_class(), Shop.static(), Shop().of_class()) == (1, "Shop", 3, "Shop")
    assert calls(recorded) == {("method", "ok"): 1, ("Shop.of_class", "ok"): 2, ("Shop.static", "ok"): 1}


def test_name_docstring_and_signature_are_kept() -> None:
    assert (divide.__name__, divide.__doc__) == ("divide", "Divide.")
    assert list(inspect.signature(divide).parameters) == ["a", "b"]


@pytest.mark.parametrize("operation", [5, b"x", "\ud800"])
def test_any_operation_name_works(recorded: Recorded, operation: Any) -> None:
    decorate: Any = flext_monitor_function(operation)
    assert decorate(len)("four") == 4
    assert sum(calls(recorded).values()) == 1


def test_totals_of_many_threads_are_exact(recorded: Recorded) -> None:
    @flext_monitor_function("threads")
    def work() -> None: ...

    threads = [threading.Thread(target=lambda: [work() for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls(recorded) == {("threads", "ok"): 8000}


def test_before_the_start_the_function_works() -> None:
    assert divide(4, 2) == 2
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


def test_a_name_conflict_drops_the_measurement_only() -> None:
    """In a new process, because instruments live as long as the process."""
    program = """
from flext_observability import FlextMetricsService, flext_monitor_function
FlextMetricsService().gauge("flext.function.calls", "s")
@flext_monitor_function("work")
def work():
    return 7
assert [work(), work()] == [7, 7]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("conflicts with gauge") == 1
