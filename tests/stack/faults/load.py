"""Arguments → a constant load of all three signals through the public API, until standard input ends.

Each trace has ten spans, each span one numbered log record and one increment of a counter. At the end, one
line of JSON on standard output has the recorded totals and the counts of the final flush.
"""

from __future__ import annotations

import argparse
import json
import logging
import select
import sys
import time
from typing import Final

from opentelemetry import trace

from flext_observability import Observability, init_observability, traced

SPANS_PER_TRACE: Final = 10
ITEMS_PER_SECOND: Final = 400
"""Spans, log records and increments, each."""
_logger = logging.getLogger("load")


def main() -> None:
    given = _arguments()
    observability = init_observability(
        service_name=given.service,
        otlp_endpoint=given.endpoint,
        otlp_protocol=given.protocol,
        exporters=["otlp"],
        prometheus_port=0,
        log_level="INFO",
        console=False,
        metric_export_interval_seconds=1.0,
    ).unwrap()
    total = _run(observability, given.traces_per_second, "x" * given.ballast)
    report = observability.flush(given.flush_seconds).unwrap()
    end = observability.shutdown(10.0).unwrap()
    dropped = dict(end.dropped)
    print(json.dumps({"total": total, "complete": report.complete, "queued": end.queued, "dropped": dropped}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--protocol", default="http/protobuf")
    parser.add_argument("--traces-per-second", type=int, default=ITEMS_PER_SECOND // SPANS_PER_TRACE)
    parser.add_argument("--ballast", type=int, default=0, help="characters of an attribute of each span")
    parser.add_argument("--flush-seconds", type=float, default=30.0)
    return parser.parse_args()


def _run(observability: Observability, traces_per_second: int, ballast: str) -> int:
    """Record until standard input ends. Return the number of spans, which is that of records and increments."""
    counter = observability.metrics.counter("load.numbers", "{number}", "Recorded numbers")
    number, due = 0, time.monotonic()
    while True:
        due += 1 / traces_per_second
        if _ended(max(0.0, due - time.monotonic())):
            return number
        parent: trace.SpanContext | None = None
        for _ in range(SPANS_PER_TRACE):
            with traced("number", {"load.number": number, "load.ballast": ballast}, parent=parent) as span:
                parent = parent or span.get_span_context()
                _logger.info("Number", extra={"load.number": number})
                counter.add(1)
            number += 1


def _ended(wait_seconds: float) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], wait_seconds)
    return bool(ready)


if __name__ == "__main__":
    main()
