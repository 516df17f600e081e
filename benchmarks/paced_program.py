"""Program that makes a number of spans or log records a second, on one side; prints its counts and costs as JSON.

With ``--count`` it makes that number in a tight loop. The side ``none`` does the same work without telemetry.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

TICK_SECONDS = 0.01
LATE_SECONDS = 0.05
"""Time after the end in which the program may make items that are due."""
CHUNK = 50
SHUTDOWN_SECONDS = 30.0
ATTRIBUTES: dict[str, str | int] = {
    "http.request.method": "GET",
    "http.route": "/items/{id}",
    "http.response.status_code": 200,
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side.

    Attributes:
        record: Makes as many items as its argument demands.
        end: Sends the rest, stops, and returns lost items by reason as far as the side counts them.
    """

    record: Callable[[int], object]
    end: Callable[[], dict[str, int]]


def main() -> None:
    """Make the items, end telemetry, and print the result."""
    arguments = _arguments()
    side = {"ours": _ours, "stock": _stock, "none": _none}[arguments.side](arguments)
    side.record(1)  # the first item imports what the first export needs
    time.sleep(0.5)
    cpu, main_cpu = time.process_time(), time.thread_time()
    made, seconds = _pace(side.record, arguments)
    main_cpu = time.thread_time() - main_cpu
    lost = side.end()
    cpu = time.process_time() - cpu
    result = {
        "made": made + 1,
        "asked": (arguments.count or round(arguments.rate * arguments.seconds)) + 1,
        "seconds": round(seconds, 3),
        "cost": round(cpu, 4),
        "cpu_seconds": round(cpu, 4),
        "cpu_other_threads": round(cpu - main_cpu, 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "lost": lost,
    }
    print(json.dumps(result), flush=True)
    os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=("ours", "stock", "none"), required=True)
    parser.add_argument("--signal", choices=("traces", "logs"), default="traces")
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--max-queue-size", type=int, default=2048)
    return parser.parse_args()


def _pace(record: Callable[[int], object], arguments: argparse.Namespace) -> tuple[int, float]:
    """Return the number of items made, and the time in seconds. A program that is late makes up for it."""
    began = time.perf_counter()
    if arguments.count:
        record(arguments.count)
        return arguments.count, time.perf_counter() - began
    made, asked = 0, round(arguments.rate * arguments.seconds)
    while made < asked and (now := time.perf_counter() - began) < arguments.seconds + LATE_SECONDS:
        due = min(asked, int(now * arguments.rate)) - made
        if due > 0:
            chunk = min(due, CHUNK)
            record(chunk)
            made += chunk
        else:
            time.sleep(TICK_SECONDS)
    return made, time.perf_counter() - began


def _ours(arguments: argparse.Namespace) -> Side:
    from flext_observability import init_observability, traced

    settings: dict[str, Any] = {f"{arguments.signal}_max_queue_size": arguments.max_queue_size}
    handle = init_observability(
        service_name="paced", exporters={arguments.signal: "otlp_http"}, console=False, **settings
    ).unwrap()

    def spans(count: int) -> None:
        for _ in range(count):
            with traced("work", ATTRIBUTES):
                pass

    def end() -> dict[str, int]:
        report = handle.shutdown(timeout_seconds=SHUTDOWN_SECONDS).unwrap()
        return {reason: number for reason, number in report.dropped.items() if number}

    return Side(spans if arguments.signal == "traces" else _logging(), end)


def _none(_arguments: argparse.Namespace) -> Side:
    def nothing(count: int) -> None:
        for _ in range(count):
            pass

    return Side(nothing, dict)


def _stock(arguments: argparse.Namespace) -> Side:
    from opentelemetry.sdk.resources import Resource

    resource_ = Resource.create({"service.name": "paced"})
    return (_stock_spans if arguments.signal == "traces" else _stock_logs)(resource_, arguments.max_queue_size)


def _stock_spans(resource_: Resource, max_queue_size: int) -> Side:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource_, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=max_queue_size))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("paced")

    def spans(count: int) -> None:
        for _ in range(count):
            with tracer.start_as_current_span("work", attributes=ATTRIBUTES):
                pass

    def end() -> dict[str, int]:
        provider.force_flush(round(SHUTDOWN_SECONDS * 1000))
        provider.shutdown()
        return {}

    return Side(spans, end)


def _stock_logs(resource_: Resource, max_queue_size: int) -> Side:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    handler = import_module("opentelemetry.instrumentation.logging.handler").LoggingHandler
    provider = LoggerProvider(resource=resource_, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=max_queue_size))
    logging.getLogger().addHandler(handler(logger_provider=provider))

    def end() -> dict[str, int]:
        provider.force_flush(round(SHUTDOWN_SECONDS * 1000))
        provider.shutdown()
        return {}

    return Side(_logging(), end)


def _logging() -> Callable[[int], object]:
    logger = logging.getLogger("paced")
    logger.setLevel(logging.INFO)

    def records(count: int) -> None:
        for number in range(count):
            logger.info("order %d was paid", number)

    return records


if __name__ == "__main__":
    main()
