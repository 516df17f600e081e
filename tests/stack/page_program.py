"""Program with metrics of two scopes and of ``prometheus_client`` on a page, with exponential histograms.

It ends with its standard input. Its standard output has two lines: the `host:port` of the page, and the trace id of all
exemplars.
"""

from __future__ import annotations

import sys

from opentelemetry import metrics, trace
from prometheus_client import Counter, Histogram, Summary

from flext_observability import init_observability, traced

SCOPES = ("shop.client.one", "shop.client.two")
WAITS = (0.0, 0.2, 0.3, 5.0)


def main() -> None:
    observability = init_observability(
        service_name="page",
        exporters={"traces": "memory", "metrics": "prometheus", "logs": "none"},
        prometheus_port=0,
        metrics_default_histogram_aggregation="base2_exponential_bucket_histogram",
        console=False,
    ).unwrap()
    with traced("sale") as span:
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        for number, scope in enumerate(SCOPES, start=1):
            meter = metrics.get_meter(scope, "1.0", schema_url="https://example.test/schema")
            meter.create_counter("page.sales", "{sale}", "Sales").add(number, {"shop": "north"})
            waits = meter.create_histogram("page.wait", "s")
            for wait in WAITS:
                waits.record(wait)
            waits.record(10 * number)
    Counter("page_own", "Of the program").inc(3, {"trace_id": trace_id})
    Histogram("page_own_size", "Of the program", buckets=(1, 10)).observe(4, {"trace_id": trace_id})
    Summary("page_own_time", "Of the program").observe(2)
    print(observability.ops_address.removeprefix("http://"))
    print(trace_id, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
