"""Spans: recorded, around decorated calls, not sampled, and with the engine off."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import Meter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from benchmarks.cases.sides import ATTRIBUTES, SPANS, started, stock_meter, stock_tracers
from benchmarks.measure import Rounds, Work, interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import Observability, flext_monitor_function, traced

Decorator = Callable[[Any], Any]


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
    """G2: calls of a decorated function and of a decorated coroutine function; noted, of monitored ones."""
    stock = stock_tracers()
    tracer = stock.get_tracer("bench")
    with started() as handle:
        measure = partial(_measure_calls, settings, handle, stock)
        spans = measure(tracer.start_as_current_span("call"), traced("call"))
        monitored = measure(_sdk_monitor(tracer, stock_meter()), flext_monitor_function("call"))
    stock.shutdown()
    notes = {f"G2 {kind}": _monitored_note(rounds, kind) for kind, rounds in monitored.items()}
    found = [each for kind, rounds in spans.items() for each in _readings(rounds, {f"G2 {kind}": kind})]
    return [replace(each, note=notes[each.key]) for each in found]


def _measure_calls(
    settings: Settings, handle: Observability, stock: TracerProvider, theirs: Decorator, ours: Decorator
) -> dict[str, Rounds]:
    """Measure functions and coroutine functions with the decorators of both sides."""
    (their_function, their_coroutine), (our_function, our_coroutine) = _functions(theirs), _functions(ours)
    sync = {"stock": _repeat(their_function), "sync": _repeat(our_function)}
    asynchronous = {"stock": _await(their_coroutine), "async": _await(our_coroutine)}
    return {
        "sync": _measure(settings, sync, handle, stock),
        "async": _measure(settings, asynchronous, handle, stock),
    }


def _monitored_note(rounds: Rounds, kind: str) -> str:
    ratio = rounds.ratio("stock", kind).best
    costs = f"{rounds.best(kind):.2f} against {rounds.best('stock'):.2f} µs"
    return f"flext_monitor_function against span, histogram and counter of the SDK: {ratio:.2f}×, {costs}"


def _sdk_monitor(tracer: trace.Tracer, meter: Meter) -> Decorator:
    """Return a decorator that does what ``flext_monitor_function`` does, with the SDK."""
    duration, calls = meter.create_histogram("duration", "s"), meter.create_counter("calls")
    attributes = {"operation": "call", "outcome": "ok"}

    def measure(started_at: float) -> None:
        duration.record(perf_counter() - started_at, attributes)
        calls.add(1, attributes)

    def decorator(function: Callable[[], Any]) -> Callable[[], Any]:
        @tracer.start_as_current_span("call")
        def plain() -> None:
            started_at = perf_counter()
            function()
            measure(started_at)

        @tracer.start_as_current_span("call")
        async def coroutine() -> None:
            started_at = perf_counter()
            await function()
            measure(started_at)

        return coroutine if iscoroutinefunction(function) else plain

    return decorator


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


def _functions(decorator: Decorator) -> tuple[Callable[[], None], Callable[[], Coroutine[Any, Any, None]]]:
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
