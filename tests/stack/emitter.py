"""Commands on standard input → telemetry through the public API, with one line of JSON on standard output for each.

`emit N` creates one trace of N spans, N log records in it, and N measurements of a counter and a histogram.
`flush SECONDS` and `end` report counts. `address` returns the address of the metrics page.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace

from flext_observability import FlushReport, Observability, init_observability, traced

_logger = logging.getLogger("emitter")


def main() -> None:
    observability = _start()
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        match command:
            case "address":
                answer: Mapping[str, Any] = {"address": observability.ops_address}
            case "emit":
                answer = {"trace_id": _emit(observability, int(argument))}
            case "flush":
                answer = _counts(observability.flush(float(argument)).unwrap())
            case _:
                answer = _counts(observability.shutdown(30.0).unwrap())
        print(json.dumps(answer), flush=True)


def _start() -> Observability:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--protocol", required=True)
    parser.add_argument("--exporters", default="otlp")
    given = parser.parse_args()
    return init_observability(
        service_name=given.service,
        otlp_endpoint=given.endpoint,
        otlp_protocol=given.protocol,
        exporters=given.exporters.split(","),
        prometheus_port=0,
        log_level="INFO",
        metric_export_interval_seconds=1.0,
    ).unwrap()


def _emit(observability: Observability, count: int) -> str:
    numbers = observability.metrics.counter("emitter.numbers", "{number}", "Processed numbers")
    sizes = observability.metrics.histogram("emitter.size", "s", "Their sizes", bounds=(0.25, 0.5, 1))
    level = observability.metrics.gauge("emitter.level", "By", "The last number")
    trace_id = ""
    for number in range(count):
        with traced("number", {"emitter.number": number}, parent=_parent(trace_id)) as span:
            trace_id = trace_id or trace.format_trace_id(span.get_span_context().trace_id)
            _logger.info("Number %d", number)
            numbers.add(1, {"emitter.parity": "odd" if number % 2 else "even"})
            sizes.record(number % 4 / 4, {"emitter.parity": "odd" if number % 2 else "even"})
            level.set(number)
    return trace_id


def _parent(trace_id: str) -> trace.SpanContext | None:
    """Return the parent for all spans of one trace."""
    if not trace_id:
        return None
    return trace.SpanContext(
        int(trace_id, 16), 1, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
    )


def _counts(report: FlushReport) -> Mapping[str, Any]:
    exported = {f"{row.signal}/{row.exporter}": row.exported for row in report.ledger.exporters}
    return {"complete": report.complete, "exported": exported, "queued": report.queued, "dropped": report.dropped}


if __name__ == "__main__":
    main()
