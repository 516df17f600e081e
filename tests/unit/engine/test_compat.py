"""Private names of OpenTelemetry, with the installed SDK."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry._logs import get_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider, _Gauge as SdkGauge
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from flext_observability.engine import compat
from tests.programs import run


def test_suppression_ends_with_its_body() -> None:
    assert not compat.is_suppressed()
    with compat.suppress_instrumentation():
        assert compat.is_suppressed()
    assert not compat.is_suppressed()


@pytest.mark.parametrize("limit", [None, 3])
def test_a_logger_provider_accepts_any_limit(limit: int | None) -> None:
    assert isinstance(compat.make_logger_provider(Resource({}), limit, limit), LoggerProvider)


def test_globals_are_free_until_a_provider_is_installed() -> None:
    program = """
from opentelemetry import _logs, metrics, trace
from flext_observability.engine import compat
from tests.programs import run
getters = (trace.get_tracer_provider, metrics.get_meter_provider, _logs.get_logger_provider)
print([compat.is_unset(get) for get in getters])
trace.set_tracer_provider(trace.NoOpTracerProvider())
metrics.set_meter_provider(metrics.NoOpMeterProvider())
_logs.set_logger_provider(_logs.NoOpLoggerProvider()) if hasattr(_logs, "NoOpLoggerProvider") else None
print([compat.is_unset(get) for get in getters[:2]])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n")[:2] == ["[True, True, True]", "[False, False]"]


class _Theirs:
    def __init__(self, provider: object) -> None:
        self._logger_provider = provider


def test_a_handler_exports_to_its_provider_or_the_global_one() -> None:
    own, other = LoggerProvider(shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    unset = ProxyLoggerProvider()
    assert compat.exports_to(_Theirs(own), own)
    assert not compat.exports_to(_Theirs(other), own)
    assert not compat.exports_to(_Theirs(unset), own)
    assert compat.exports_to(_Theirs(unset), None)
    assert compat.exports_to(_Theirs(get_logger_provider()), None)
    assert not compat.exports_to(object(), None)


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_a_gauge_is_in_every_collection(temporality: AggregationTemporality) -> None:
    reader = InMemoryMetricReader({SdkGauge: temporality}, compat.persistent_gauge_aggregation())
    gauge = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_gauge("fill")
    seen: list[Any] = []
    for value in (1, None, 2, None):
        if value is not None:
            gauge.set(value)
        data: Any = reader.get_metrics_data()
        seen += data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert [point.value for point in seen] == [1, 1, 2, 2]
    times = [point.time_unix_nano for point in seen]
    assert times == sorted(set(times))


def test_a_gauge_without_a_value_has_no_point() -> None:
    reader = InMemoryMetricReader(preferred_aggregation=compat.persistent_gauge_aggregation())
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m")
    empty: Any = meter.create_gauge("fill")
    with suppress(TypeError):  # newer SDKs check the value
        empty.set(None)
    meter.create_counter("sold").add(1)
    data: Any = reader.get_metrics_data()
    names = [metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics]
    assert "sold" in names


@pytest.mark.parametrize("signal", ["TRACER", "METER", "LOGGER"])
def test_a_provider_that_cannot_be_loaded_is_ignored(signal: str) -> None:
    program = """
    from flext_observability import init_observability
    from opentelemetry import trace
    handle = init_observability(exporters="memory", console=False).unwrap()
    trace.get_tracer("t").start_span("x").end()
    print(handle.flush().unwrap().exported)
    """
    done = run(program, 60, **{f"OTEL_PYTHON_{signal}_PROVIDER": "unknown"})
    assert done.lines == ["1"], done.err


def test_the_lock_of_readers_is_replaced_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = getattr(MeterProvider, "_all_metric_readers_lock")  # noqa: B009 - a private name
    monkeypatch.setattr(MeterProvider, "_all_metric_readers_lock", lock)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics", None)  # as before its import
    compat.reset_reader_lock()
    assert getattr(MeterProvider, "_all_metric_readers_lock") is lock  # noqa: B009
    monkeypatch.undo()
    compat.reset_reader_lock()
    assert getattr(MeterProvider, "_all_metric_readers_lock") is not lock  # noqa: B009
