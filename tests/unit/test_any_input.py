"""Public functions return a result for any input, and never raise."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from flext_observability import (
    FlextAlert,
    FlextHealthCheck,
    FlextLogEntry,
    FlextMetric,
    FlextResult,
    FlextTrace,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    flext_monitor_function,
    traced,
)
from tests.recorded import recording

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=20),
    st.decimals(),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
    st.complex_numbers(),
    st.builds(object),
    st.sampled_from(
        [
            *(FlextMetric(name="any.metric", value=1), FlextTrace(operation_name="a", service_name="b")),
            *(FlextAlert(name="a", severity="info", message="m"), FlextHealthCheck(name="any check")),
            *(FlextLogEntry(level="info", message="m"), int, ValueError("x"), NotImplemented),
            *("gauge", "counter", "info", "error", "healthy", "s", "any.name"),
        ]
    ),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
ARGUMENTS = st.lists(ANYTHING, min_size=3, max_size=3)


@settings(max_examples=60)
@given(arguments=ARGUMENTS)
def test_functions_return_results(arguments: list[Any]) -> None:
    with recording() as started:
        handle = started.handle
        functions: list[Any] = [
            flext_create_metric,
            flext_create_trace,
            flext_create_alert,
            flext_create_health_check,
            flext_create_log_entry,
            handle.metrics.record_metric,
            handle.tracing.start_trace,
            handle.logs.log,
        ]
        for function in functions:
            assert isinstance(function(*arguments), FlextResult)
        pairs: list[Any] = [handle.metrics.collect_metrics, handle.tracing.error_trace, handle.health.register_check]
        for function in pairs:
            assert isinstance(function(*arguments[:2]), FlextResult)
        singles: list[Any] = [
            handle.tracing.complete_trace,
            handle.alerts.process_alert,
            handle.alerts.resolve_alert,
            handle.health.execute_health_check,
        ]
        for function in singles:
            assert isinstance(function(arguments[0]), FlextResult)
        assert started.handle.flush(10).unwrap().complete


@settings(max_examples=60)
@given(arguments=ARGUMENTS)
def test_handles_and_wrappers_never_raise(arguments: list[Any]) -> None:
    name, value, attributes = arguments
    with recording() as started:
        metrics = started.handle.metrics
        for create in (metrics.counter, metrics.up_down_counter):
            create(name, attributes).bind(attributes).add(value, attributes)
        metrics.gauge(name, mode=value).set(value, attributes)
        metrics.histogram(name, value, bounds=attributes, objective_seconds=value).record(value, attributes)
        with traced(str(name), attributes, span_kind=value, links=attributes, parent=value, extra=value):
            pass
        decorator: Any = flext_monitor_function(str(name))
        assert decorator(lambda: 5)() == 5
        assert started.handle.flush(10).unwrap().complete
