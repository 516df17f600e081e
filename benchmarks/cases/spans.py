"""Spans: recorded, around decorated calls, not sampled, and with the engine off."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from benchmarks.cases.sides import ATTRIBUTES, SPANS, started, stock_tracers
from benchmarks.measure import Rounds, Work, interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import Observability, traced


def recorded(settings: Settings) -> list[Reading]:
    """G1: a recorded span as a context manager, through ``traced`` and through a tracer of OpenTelemetry's API."""
    return _recorded(settings, {"G1 traced": "traced", "G1 tracer": "tracer"})


def engine_off(settings: Settings) -> list[Reading]:
    """G5: the same with the engine off. The process was started with ``FLEXT_OBSERVABILITY_ENGINE=sdk``."""
    return _recorded(settings, {"G5": "traced"})


def _recorded(settings: Settings, keys: Mapping[str, str]) -> list[Reading]:
    stock = stock_tracers()
    with started() as handle:
        sides = {
            "stock": with_tracer(stock.get_tracer("bench")),
            "traced": with_traced,
            "tracer": with_tracer(trace.get_tracer("bench")),
        }
        rounds = _measure(settings, sides, handle, stock)
    stock.shutdown()
    return _readings(rounds, keys)


def decorated(settings: Settings) -> list[Reading]:
    """G2: calls of a decorated function and of a decorated coroutine function."""
    stock = stock_tracers()
    tracer = stock.get_tracer("bench")
    theirs, theirs_async = _functions(tracer.start_as_current_span("call"))
    ours, ours_async = _functions(traced("call"))
    with started() as handle:
        sync = _measure(settings, {"stock": _repeat(theirs), "sync": _repeat(ours)}, handle, stock)
        sides = {"stock": _await(theirs_async), "async": _await(ours_async)}
        asynchronous = _measure(settings, sides, handle, stock)
    stock.shutdown()
    return [*_readings(sync, {"G2 sync": "sync"}), *_readings(asynchronous, {"G2 async": "async"})]


def not_sampled(settings: Settings) -> list[Reading]:
    """G3: a span that the sampler does not record."""
    stock = stock_tracers(sampler=ParentBasedTraceIdRatio(0.0))
    with started(sampler="parentbased_traceidratio", sampler_arg="0") as handle:
        sides = {"stock": with_tracer(stock.get_tracer("bench")), "traced": with_traced}
        rounds = _measure(settings, sides, handle, stock)
    stock.shutdown()
    return _readings(rounds, {"G3": "traced"})


def with_traced(count: int) -> None:
    """Record spans with the function of this library."""
    for _ in range(count):
        with traced("work", ATTRIBUTES):
            pass


def with_tracer(tracer: trace.Tracer) -> Work:
    """Return a function that records spans with a tracer."""

    def work(count: int) -> None:
        for _ in range(count):
            with tracer.start_as_current_span("work", attributes=ATTRIBUTES):
                pass

    return work


def _functions(decorator: Callable[[Any], Any]) -> tuple[Callable[[], None], Callable[[], Coroutine[Any, Any, None]]]:
    @decorator
    def plain() -> None:
        pass

    @decorator
    async def coroutine() -> None:
        pass

    return plain, coroutine


def _repeat(function: Callable[[], None]) -> Work:
    def work(count: int) -> None:
        for _ in range(count):
            function()

    return work


def _await(function: Callable[[], Coroutine[Any, Any, None]]) -> Work:
    async def repeat(count: int) -> None:
        for _ in range(count):
            await function()

    def work(count: int) -> None:
        # Without an event loop, whose cost is not that of a span.
        coroutine = repeat(count)
        try:
            coroutine.send(None)
        except StopIteration:
            return

    return work


def _measure(settings: Settings, sides: Mapping[str, Work], handle: Observability, stock: TracerProvider) -> Rounds:
    def empty_queues(_side: str) -> None:
        handle.flush()
        stock.force_flush()

    return interleave(sides, settings.operations(SPANS), settings.rounds, before=empty_queues)


def _readings(rounds: Rounds, keys: Mapping[str, str]) -> list[Reading]:
    return [
        reading(key, rounds.ratio("stock", side), rounds.best(side), rounds.best("stock")) for key, side in keys.items()
    ]
