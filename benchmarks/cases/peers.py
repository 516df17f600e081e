"""Spans of other tracing libraries beside the SDK's and ours, each library in a process of its own (G4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks.cases.posts import loopback_receiver
from benchmarks.cases.sides import ATTRIBUTES, SPANS, Gate, StockGate, started, stock_tracers
from benchmarks.cases.spans import with_traced, with_tracer
from benchmarks.measure import Work, interleave
from benchmarks.readings import CaseSkippedError, Reading, Settings, reading

SPANS_OF_A_TRANSACTION = 500
"""Sentry records at most 1000 child spans of a transaction."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another library.

    Attributes:
        name: Part of the goal.
        configure: Sets the library up, so that it sends nothing.
        work: Records as many spans as its argument demands.
        flush: Empties its queue.
        package: Name of its distribution, if it differs.
    """

    name: str
    configure: Callable[[], object]
    work: Work
    flush: Callable[[], object] = bool
    package: str = ""


def logfire(settings: Settings) -> list[Reading]:
    """Logfire, which sends nothing: its spans go to a batch processor with an exporter that discards them."""
    module = _import("logfire")

    def configure() -> None:
        processors = [BatchSpanProcessor(StockGate(Gate()))]
        module.configure(
            send_to_logfire=False, console=False, additional_span_processors=processors, inspect_arguments=False
        )

    def work(count: int) -> None:
        span = module.span
        for _ in range(count):
            with span("work", **ATTRIBUTES):
                pass

    return _compare(settings, Peer("logfire", configure, work, module.force_flush))


def ddtrace(settings: Settings) -> list[Reading]:
    """Record spans of ddtrace, which encodes them in the calling thread, and sends them to an agent on loopback."""
    with loopback_receiver() as address:
        os.environ["DD_TRACE_AGENT_URL"] = address.removesuffix("/raw")
        os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = os.environ["DD_REMOTE_CONFIGURATION_ENABLED"] = "false"
        return _ddtrace(settings)


def _ddtrace(settings: Settings) -> list[Reading]:
    tracer = _import("ddtrace.trace").tracer

    def work(count: int) -> None:
        start = tracer.trace
        for _ in range(count):
            with start("work") as span:
                for key, value in ATTRIBUTES.items():
                    span.set_tag(key, value)

    return _compare(settings, Peer("ddtrace", bool, work, tracer.flush))


def sentry(settings: Settings) -> list[Reading]:
    """Record child spans of Sentry transactions, whose transport discards them."""
    sdk = _import("sentry_sdk")
    transport = import_module("sentry_sdk.transport").Transport
    discarding = type("Discarding", (transport,), {"capture_envelope": _discard})

    def configure() -> None:
        options = {"dsn": "http://key@127.0.0.1:9/1", "default_integrations": False}
        sdk.init(**options, traces_sample_rate=1.0, transport=discarding())

    def work(count: int) -> None:
        start = sdk.start_span
        for first in range(0, count, SPANS_OF_A_TRANSACTION):
            with sdk.start_transaction(op="bench", name="bench"):
                for _ in range(min(SPANS_OF_A_TRANSACTION, count - first)):
                    with start(op="work", name="work") as span:
                        for key, value in ATTRIBUTES.items():
                            span.set_data(key, value)

    return _compare(settings, Peer("sentry", configure, work, package="sentry-sdk"))


def _discard(*_arguments: object) -> None:
    pass


def _import(name: str) -> Any:  # noqa: ANN401 - the library is not in the environment of type checkers
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise CaseSkippedError(f"{name.partition('.')[0]} is not installed") from error


def _compare(settings: Settings, peer: Peer) -> list[Reading]:
    stock = stock_tracers()
    with started() as handle:
        peer.configure()  # after ours, which would adopt its provider

        def empty_queues(_side: str) -> None:
            handle.flush()
            stock.force_flush()
            peer.flush()

        sides = {"stock": with_tracer(stock.get_tracer("bench")), "ours": with_traced, "peer": peer.work}
        rounds = interleave(sides, settings.operations(SPANS), settings.rounds, before=empty_queues)
    stock.shutdown()
    package = peer.package or peer.name
    note = f"{package} {version(package)}; SDK {rounds.best('stock'):.1f} µs in this run"
    ratio = rounds.ratio("peer", "ours")
    return [reading(f"G4 {peer.name}", ratio, rounds.best("ours"), rounds.best("peer"), note=note)]
