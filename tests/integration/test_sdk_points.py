"""The SDK of metrics: not imported by the start or by exports, and used by what a program brings of its own."""

from __future__ import annotations

import pytest

from tests.backends.collector import Collector
from tests.programs import run

pytestmark = pytest.mark.lean_engine

START = """
import os, sys, time
from flext_observability import init_observability
from opentelemetry import metrics

SDK = "opentelemetry.sdk.metrics"
handle = init_observability(service_name="shop", exporters="otlp_http", console=False).unwrap()
counter = metrics.get_meter("m").create_counter("orders")
counter.add(3)
histogram = metrics.get_meter("m").create_histogram("size")
histogram.record(3)
"""


def test_an_export_needs_no_classes_of_the_sdk(received: Collector) -> None:
    program = START + "print(handle.flush(10).unwrap().complete, SDK in sys.modules)"
    done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.out == "True False\n", done.err
    assert {"orders", "size"} <= {each.name for each in received.metrics()}


def test_an_import_of_the_sdk_by_the_program_is_noticed(received: Collector) -> None:
    program = """
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum
provider = metrics.get_meter_provider()
print(isinstance(provider, MeterProvider), isinstance(counter, Counter), isinstance(counter, Histogram))
reader = InMemoryMetricReader()
provider._delegate.add_metric_reader(reader)
found = {each.name: each for each in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics}
print(type(found["orders"].data) is Sum, found["orders"].data.data_points[0].value)
print(handle.flush(10).unwrap().complete)
"""
    done = run(START + program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.lines == ["True True False", "True 3", "True"], done.err


EXPORTER = """
import sys
from flext_observability import init_observability, register_exporter
from flext_observability.extensions.ports import ExportOutcome
from opentelemetry import metrics

class Own:
    def export(self, batch, timeout_seconds):
        from opentelemetry.sdk.metrics.export import MetricsData, Sum
        metrics = [each for scope in batch[-1].resource_metrics[0].scope_metrics for each in scope.metrics]
        sums = [each for each in metrics if each.name == "orders" and isinstance(each.data, Sum)]
        print(isinstance(batch[-1], MetricsData), len(sums), '"orders"' in batch[-1].to_json())
        return ExportOutcome(accepted=1)
    def close(self):
        pass

class Loading(Own):
    def load_modules(self):
        pass

class Factory:
    def signals(self):
        return {"metrics"}
    def create(self, signal, config):
        return CLASS()

register_exporter("own", Factory()).unwrap()
handle = init_observability(exporters={"metrics": ["own"]}, console=False).unwrap()
metrics.get_meter("m").create_counter("orders").add(3)
handle.flush(10)
"""


@pytest.mark.parametrize("name", ["Own", "Loading"])
def test_exporters_of_the_program_receive_points_of_the_sdk(name: str) -> None:
    done = run(EXPORTER.replace("CLASS", name))
    assert (set(done.lines), done.err) == ({"True 1 True"}, "")


def test_imports_of_submodules_by_the_program_meet_no_other_import(received: Collector) -> None:
    """Each of these modules imports others of its package, so that a second import in the background can deadlock."""
    program = """
import importlib
names = ("view", "export", "_internal.aggregation", "_internal.point", "_internal.measurement_consumer")
for name in names:
    importlib.import_module(f"{SDK}.{name}")
    time.sleep(0.02)
print(handle.flush(10).unwrap().complete)
"""
    for _ in range(3):
        done = run(START + program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
        assert done.out == "True\n", done.err
