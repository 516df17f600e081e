"""Programs that generate names: cost per call and memory stay bounded, and the status names what was refused."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable
from functools import partial, wraps
from itertools import pairwise
from multiprocessing import get_context

import pytest

from flext_observability import FlextMetricsService, flext_create_metric, flext_create_trace
from flext_observability.services.instruments import Counter
from tests.recorded import recording

_SAMPLE = 50


def count_calls(operation: Callable[[int], object], first: int) -> int:
    """Return the number of Python and C calls that some operations make."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    sys.setprofile(count)
    try:
        for number in range(first, first + _SAMPLE):
            operation(number)
    finally:
        sys.setprofile(None)
    return calls


def assert_bounded(operation: Callable[[int], object], names: int, settled: int) -> None:
    """Call an operation with many names. Its last calls do no more work and keep no more memory than earlier ones.

    Args:
        operation: Called with a number that gives a new name.
        names: Number of names.
        settled: Number of calls after which everything that is bounded is full.
    """
    early = count_calls(operation, 0)
    blocks = [_blocks_after(operation, range(first, last)) for first, last in pairwise((_SAMPLE, settled, names))]
    assert count_calls(operation, names) <= 2 * early
    assert blocks[1] - blocks[0] < 0.1 * (names - settled)


def _blocks_after(operation: Callable[[int], object], numbers: Iterable[int]) -> int:
    """Call the operation, and return the number of memory blocks in use then."""
    for number in numbers:
        operation(number)
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize(("engine", "names"), [("lean", 5_000), ("sdk", 5_000), ("lean", 50_000)])
def test_traces_of_many_service_names(engine: str, names: int) -> None:
    with recording(
        engine=engine,
        exporters={"traces": "memory", "metrics": [], "logs": []},
        sample_ratio=0.0,
        trace_registry_size=100,
    ) as recorded:
        tracing = recorded.handle.tracing

        def trace(number: int) -> None:
            tracing.complete_trace(flext_create_trace("load", f"tenant-{number}").unwrap())

        assert_bounded(trace, names, settled=1_000)
        notices = [notice.message for notice in recorded.handle.status()["traces"].notices]
    assert any("service names" in message and "'tenant-64'" in message for message in notices)


def in_a_child(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test in a child process: OpenTelemetry's instruments are never removed, and their number is limited."""

    @wraps(test)
    def in_child(**arguments: object) -> None:
        child = get_context("fork").Process(target=test, kwargs=arguments)
        child.start()
        child.join(100)
        assert child.exitcode == 0

    return in_child


@pytest.mark.parametrize(("engine", "names"), [("lean", 5_000), ("sdk", 5_000), ("lean", 50_000)])
@in_a_child
def test_metrics_of_many_names(engine: str, names: int) -> None:
    with recording(engine=engine, exporters={"metrics": "memory", "traces": [], "logs": []}) as recorded:
        metrics = recorded.handle.metrics

        def measure(number: int) -> None:
            flext_create_metric(f"tenant.{number}", number)
            metrics.counter(f"tenant.{number}.calls").add(1)

        assert_bounded(measure, names, settled=2_000)
        result = flext_create_metric("another", 1)
        status = recorded.handle.status()["metrics"]
    assert result.code == "instrument_limit"
    (message,) = (notice.message for notice in status.notices if "names" in notice.message)
    assert '"tenant.1000"' in message
    assert status.counts is not None
    assert status.counts.dropped == {"instrument_limit": 2 * (names + 50) - 2_000 + 1}


def _add_bad_value(counter: Counter, _number: int) -> None:
    counter.add(-1)


@in_a_child
def test_a_bad_value_costs_the_same_with_many_instruments() -> None:
    metrics = FlextMetricsService()
    counters = [metrics.counter(f"bad.{number}") for number in range(1_500)]
    first, last = (count_calls(partial(_add_bad_value, counter), 0) for counter in (counters[0], counters[-1]))
    assert last <= first + 10


@pytest.mark.lean_engine  # the limit of series is that of the engine
@pytest.mark.parametrize("kind", ["handle", "function"])
def test_measurements_with_many_attributes(kind: str) -> None:
    sets = 20_000
    with recording(exporters={"metrics": "memory", "traces": [], "logs": []}) as recorded:
        counter = recorded.handle.metrics.counter("visits")

        def measure(number: int) -> None:
            if kind == "handle":
                counter.add(1, {"visitor": number})
            else:
                flext_create_metric("visits", 1, tags={"visitor": str(number)}, metric_type="counter")

        assert_bounded(measure, sets, settled=6_000)
        values = recorded.values("visits")
        notices = [notice.message for notice in recorded.handle.status()["metrics"].notices]
    assert (len(values), sum(values.values())) == (2_001, sets + 50)
    assert any("visits" in message and "visitor" in message for message in notices)
