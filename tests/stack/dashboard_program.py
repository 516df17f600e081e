"""Program with an instrument of each kind and mode, which declares them on import and measures while it runs.

Its argument is the aggregation of histograms. It prints the `host:port` of its page, and ends with its standard input.
"""

from __future__ import annotations

import sys
import threading

from opentelemetry import metrics as otel_metrics
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability import init_observability

AGGREGATIONS = ("explicit_bucket_histogram", "base2_exponential_bucket_histogram")


def observe(_: CallbackOptions) -> list[Observation]:
    return [Observation(0.5, {"queue": "mail"})]


observability = init_observability(
    service_name="generated",
    exporters={"traces": "none", "metrics": "prometheus", "logs": "none"},
    prometheus_port=0,
    console=False,
).unwrap()
metrics = observability.metrics
orders = metrics.counter("generated.orders", unit="orders", description="Placed orders")
sent = metrics.counter("generated.sent", unit="bytes")
carts = metrics.up_down_counter("generated.carts")
stock = metrics.gauge("generated.stock", unit="items", mode="sum")
fill = metrics.gauge("generated.fill", unit="ratio")
duration = metrics.histogram("generated.duration", unit="seconds")
otel_metrics.get_meter("queue").create_observable_gauge("generated.queue", [observe], "1")


def main() -> None:
    reader = threading.Thread(target=sys.stdin.read, daemon=True)
    reader.start()
    print(observability.ops_address.removeprefix("http://"), flush=True)
    while reader.is_alive():
        reader.join(0.1)
        orders.add(1, {"outcome": "sold"})
        sent.add(100)
        carts.add(1, {"tier": "gold"})
        stock.set(3, {"sku": "hat"})
        fill.set(0.5)
        duration.record(0.2)


if __name__ == "__main__":
    main()
