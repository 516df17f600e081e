"""Program with metrics of ``prometheus_client`` and of OpenTelemetry, on our page or on its own.

It ends with its standard input. Its standard output has two lines: the `host:port` of the page, and the trace id of all
exemplars.
"""

from __future__ import annotations

import sys

from opentelemetry import metrics, trace
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from flext_observability import init_observability, publish_to_prometheus_client, traced


def main(page: str) -> None:
    observability = init_observability(
        service_name="till",
        exporters={"traces": "memory", "metrics": "prometheus" if page == "ours" else "memory", "logs": "none"},
        prometheus_port=0,
        console=False,
    ).unwrap()
    with traced("sale") as span:
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        _record_own(trace_id)
        _record_otel()
    if page == "ours":
        print(observability.ops_address.removeprefix("http://"))
    else:
        publish_to_prometheus_client().unwrap()
        server, _ = start_http_server(0, "127.0.0.1")
        print(f"127.0.0.1:{server.server_port}")
    print(trace_id, flush=True)
    sys.stdin.read()


def _record_own(trace_id: str) -> None:
    sales = Counter("client_sales", "Sales", ["shop"])
    sales.labels("north").inc(3, {"trace_id": trace_id})
    sales.labels("south").inc(4)
    wait = Histogram("client_wait_seconds", "Wait", buckets=(0.1, 1))
    wait.observe(0.05)
    wait.observe(0.5, {"trace_id": trace_id})
    Gauge("client_queue", "Queue").set(7)


def _record_otel() -> None:
    meter = metrics.get_meter("till")
    meter.create_counter("otel.sales", "{sale}").add(5, {"shop": "north"})
    wait = meter.create_histogram("otel.wait", "s", explicit_bucket_boundaries_advisory=[0.1, 1])
    wait.record(0.5)
    wait.record(3)
    meter.create_gauge("otel.queue").set(9)


if __name__ == "__main__":
    main(sys.argv[1])
