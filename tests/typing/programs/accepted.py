"""Correct programs with their expected types. Type checkers read them; they are never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Literal, Unpack, assert_type

from flext_observability import (
    Counter,
    FlextContainer,
    FlextMetric,
    FlextMetricsService,
    FlextObservabilityConfig,
    FlextObservabilityConstants,
    FlextObservabilityPlugin,
    FlextObservabilityProtocols,
    FlextObservabilityServices,
    FlextObservabilityTypes,
    FlextResult,
    FlextTrace,
    FlushReport,
    Observability,
    SignalStatus,
    flext_create_metric,
    flext_create_trace,
    flext_get_correlation_id,
    flext_monitor_function,
    init_observability,
    shutdown_observability,
    traced,
)


def start() -> None:
    started = init_observability(service_name="shop", sample_ratio=0.5, exporters={"traces": ["otlp"], "logs": "none"})
    assert_type(started, FlextResult[Observability])
    assert_type(init_observability(FlextObservabilityConfig(service_name="shop")), FlextResult[Observability])
    with started.unwrap() as active:
        assert_type(active, Observability)
        assert_type(active.flush(1.0).unwrap(), FlushReport)
        assert_type(active.flush(blocking=True).unwrap(), FlushReport)
        assert_type(active.status()["traces"], SignalStatus)
        assert_type(active.metrics.counter("jobs", "{job}"), Counter)
        assert_type(active.metrics.counter("jobs").bind(kind="late"), Counter)
    _ = shutdown_observability(timeout_seconds=1)


def results(result: FlextResult[int]) -> str:
    assert_type(result.map(str), FlextResult[str])
    assert_type(result.flat_map(lambda value: FlextResult[bytes].ok(bytes(value))), FlextResult[bytes])
    assert_type(result.unwrap(), int)
    assert_type(result.unwrap_or(None), int | None)
    assert_type(result.data, int | None)
    assert_type(FlextResult.ok("x"), FlextResult[str])
    return result.map(str).unwrap_or("")


class OneClock(FlextObservabilityProtocols.Clock):
    def time_ns(self) -> int:
        return 1

    def monotonic(self) -> float:
        return 1.0


def first(signals: Sequence[FlextObservabilityTypes.Signal]) -> FlextObservabilityTypes.AttributeValue:
    assert_type(signals[0], Literal["traces", "metrics", "logs"])
    return signals[0]


def begin(**arguments: Unpack[FlextObservabilityTypes.InitArguments]) -> FlextObservabilityTypes.Entity:
    init_observability(**arguments).unwrap()
    return FlextMetric(name="jobs", value=OneClock().monotonic())


def new_id() -> str:
    return "1"


def names(exporter: FlextObservabilityProtocols.SignalExporter) -> None:
    ids: FlextObservabilityProtocols.IdGenerator = new_id
    assert_type(ids(), str)
    assert_type(FlextObservabilityConstants.DEFAULTS.shutdown_timeout_seconds, float)
    assert_type(FlextObservabilityConstants.SIGNALS[0], FlextObservabilityTypes.Signal)
    assert_type(FlextObservabilityServices.MetricsService(), FlextMetricsService)
    assert_type(exporter.export([object()], 1.0), FlextObservabilityTypes.ExportOutcome)


class Audit(FlextObservabilityPlugin):
    name = "audit"

    def on_metric_created(self, metric: FlextMetric) -> None:
        assert_type(metric.name, str)

    def on_trace_started(self, trace: FlextTrace) -> FlextResult[object]:
        return FlextResult.ok(trace)


async def awaited(result: FlextResult[int]) -> None:
    assert_type(await result, FlextResult[int])


def entities() -> None:
    assert_type(flext_create_metric("jobs", Decimal("1.5"), tags={"a": 1}), FlextResult[FlextMetric])
    assert_type(flext_create_trace("work", "shop"), FlextResult[FlextTrace])
    assert_type(flext_create_trace(name="work", operation="load"), FlextResult[FlextTrace])
    assert_type(flext_get_correlation_id(), str)
    assert_type(FlextContainer().register("clock", object()), FlextResult[None])


@traced
def plain(size: int, *, name: str = "") -> float:
    return size / len(name)


@traced("work", {"kind": "batch"}, shard=3)
async def later(size: int) -> float:
    async with traced("inner"):
        return float(size)


@traced("rows")
def rows() -> Iterator[int]:
    with traced("inner") as span:
        span.set_attribute("size", 1)
        yield 1


@flext_monitor_function("load")
async def load(key: str) -> bytes:
    return key.encode()


@flext_monitor_function
def save(key: str) -> int:
    return len(key)


class Store:
    @traced
    def read(self, key: str) -> bytes:
        return key.encode()

    @traced("stream")
    async def stream(self) -> AsyncIterator[int]:
        yield 1


async def wrapped_functions_keep_their_types(store: Store) -> None:
    assert_type(plain(1, name="x"), float)
    assert_type(await later(1), float)
    assert_type(next(rows()), int)
    assert_type(await load("a"), bytes)
    assert_type(save("a"), int)
    assert_type(store.read("a"), bytes)
    assert_type(await anext(store.stream()), int)
