from __future__ import annotations

from flext_observability import FlextResult
from flext_observability.api.service_group import ServiceGroup
from flext_observability.services.trace_registry import MAX_AGE_SECONDS, MAX_TRACES, started_traces
from tests.recorded import recording


def test_each_service_is_made_once() -> None:
    group = ServiceGroup()
    for name in ("tracing", "metrics", "alerts", "health", "logs"):
        assert getattr(group, name) is getattr(group, name)


def test_limits_come_from_the_settings_at_each_start() -> None:
    with recording(trace_registry_size=5, trace_registry_age_seconds=7.0, metrics_store_size=2) as started:
        assert (started_traces().max_traces, started_traces().max_age_seconds) == (5, 7.0)
        metrics = started.handle.metrics
        results: list[FlextResult[object]] = [metrics.record_metric("group.stored", value) for value in range(3)]
        assert [metric.value for metric in metrics._metrics_store] == [1, 2]
    with recording(metrics_store_size=1) as started:
        assert [metric.value for metric in started.handle.metrics._metrics_store] == [2]
    with recording():
        pass
    assert (started_traces().max_traces, started_traces().max_age_seconds) == (MAX_TRACES, MAX_AGE_SECONDS)
    assert all(results)


def test_the_store_size_holds_for_a_service_made_later() -> None:
    from flext_observability.settings.resolve import resolve

    group = ServiceGroup()
    group.apply(resolve(None, {"metrics_store_size": 1}, {}).unwrap().config)
    for value in range(2):
        group.metrics.record_metric("group.later", value)
    assert len(group.metrics._metrics_store) == 1
