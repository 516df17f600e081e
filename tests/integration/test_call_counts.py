"""Calls of monitored functions are counted exactly: with forks, second starts, deltas and foreign providers."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from flext_observability import flext_monitor_function, init_observability, shutdown_observability
from flext_observability.exporters.memory import memory_store
from tests.programs import run
from tests.recorded import recording

CALLS = "flext.function.calls"


@flext_monitor_function("work")
def work() -> None: ...


def total(metric: Any) -> int:
    return sum(point.value for point in metric.data.data_points)


def start(name: str, **settings: Any) -> None:
    init_observability(service_name=name, exporters="memory", console=False, **settings).unwrap()


@pytest.mark.parametrize(("second", "expected"), [("same", 3), ("other", 2)])
def test_a_second_start_keeps_totals_unless_the_resource_changes(second: str, expected: int) -> None:
    memory_store().clear()
    start("same", service_instance_id=f"for {second}")
    work()
    start(second, service_instance_id=f"for {second}")
    memory_store().clear()
    work()
    work()
    shutdown_observability()
    assert total(memory_store().metric(CALLS)) == expected


def test_deltas_are_counted_once() -> None:
    with recording(metrics_temporality_preference="delta") as recorded:
        for calls in (1, 2):
            for _ in range(calls):
                work()
            assert total(recorded.metric(CALLS)) == calls


def test_calls_are_counted_with_exponential_histograms() -> None:
    with recording(metrics_default_histogram_aggregation="base2_exponential_bucket_histogram") as recorded:
        work()
        assert total(recorded.metric(CALLS)) == 1


def test_a_child_starts_at_zero_and_calls_before_the_start_are_not_counted() -> None:
    done = run(
        """
        import os
        from flext_observability import flext_monitor_function, init_observability
        from flext_observability.exporters.memory import memory_store

        @flext_monitor_function("work")
        def work(): pass

        def report():
            handle.flush()
            (point,) = memory_store().metric("flext.function.calls").data.data_points
            print(point.value, flush=True)

        work()
        handle = init_observability(service_name="s", exporters="memory").unwrap()
        work()
        work()
        report()
        if pid := os.fork():
            os.waitpid(pid, 0)
            work()
            report()
        else:
            memory_store().clear()
            work()
            report()
        """
    )
    assert done.lines == ["2", "1", "3"], done.err


@pytest.mark.parametrize("before", ["", "work()"])
def test_a_foreign_provider_has_the_counter_and_we_send_it_once(before: str) -> None:
    done = run(
        f"""
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from flext_observability import flext_monitor_function, init_observability
        from flext_observability.exporters.memory import memory_store

        @flext_monitor_function("work")
        def work(): pass

        {before}
        theirs = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([theirs]))
        handle = init_observability(service_name="s", exporters="memory").unwrap()
        work()
        work()
        handle.flush()
        found = [
            metric
            for scope in theirs.get_metrics_data().resource_metrics[0].scope_metrics
            for metric in scope.metrics
            if metric.name == "flext.function.calls"
        ]
        for metric in (*found, memory_store().metric("flext.function.calls")):
            print(metric and [point.value for point in metric.data.data_points])
        """
    )
    accepts_readers = hasattr(MeterProvider, "add_metric_reader")  # not in the oldest SDK
    assert done.lines == ["[2]", "[2]" if accepts_readers else "None"], done.err
