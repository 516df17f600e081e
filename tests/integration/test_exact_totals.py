"""8 threads × 10 000 records: exported totals and the service's Prometheus text are exact."""

from __future__ import annotations

from tests.programs import UNMEASURED, run

# In a new process, because measuring its coverage would take longer than the test.
PROGRAM = """
import threading

from prometheus_client.parser import text_string_to_metric_families

from flext_observability import FlextMetric, FlextMetricsService, init_observability
from flext_observability.exporters.memory import memory_store

handle = init_observability(service_name="s", exporters="memory").unwrap()
service = FlextMetricsService()
counter, histogram = service.counter("handle"), service.histogram("duration", "ms")
bound, bound_histogram = counter.bind(form="bound"), histogram.bind(form="bound")
stock = service.up_down_counter("stock")
shared = [FlextMetric(name="entity", value=1, metric_type="counter") for _ in range(100)]


def work():
    for number in range(10_000):
        service.record_metric("named", 1, "", {"parity": number % 2}, "counter")
        service.record_metric(shared[number % 100])
        counter.add(1)
        bound.add(2)
        histogram.record(3)
        bound_histogram.record(4)
        stock.add(-1)


threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
handle.flush(10)
for name in ("named", "entity", "handle", "stock", "duration"):
    points = memory_store().metric(name).data.data_points
    totals = [(dict(point.attributes), getattr(point, "sum", None) or point.value) for point in points]
    print(name, *sorted(totals, key=str))
text = service.export_prometheus_format().unwrap()
named = next(family for family in text_string_to_metric_families(text) if family.name == "named")
print("text", *sorted(sample.value for sample in named.samples))
print("stored", len(service._metrics_store))
"""


def test_totals_are_exact_for_every_way_of_recording() -> None:
    done = run(PROGRAM, 120, **UNMEASURED)
    assert done.lines == [
        "named ({'parity': '0'}, 40000.0) ({'parity': '1'}, 40000.0)",
        "entity ({}, 100.0)",
        "handle ({'form': 'bound'}, 160000) ({}, 80000)",
        "stock ({}, -80000)",
        "duration ({'form': 'bound'}, 320000) ({}, 240000)",
        "text 40000.0 40000.0",
        "stored 1000",
    ], done.err
