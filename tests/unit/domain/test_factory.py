from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from flext_observability.domain.container import FlextContainer
from flext_observability.domain.factory import FlextObservabilityMasterFactory, get_global_factory, reset_global_factory

VALUES: Any = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers())
)


class Clock:
    def time_ns(self) -> int:
        return 1_700_000_000_123_456_789


@pytest.fixture
def factory() -> FlextObservabilityMasterFactory:
    return FlextObservabilityMasterFactory()


@pytest.fixture(autouse=True)
def _fresh_global_factory() -> Iterator[None]:
    reset_global_factory()
    yield
    reset_global_factory()


def test_metric_has_all_fields(factory: FlextObservabilityMasterFactory) -> None:
    metric = factory.create_metric("orders", Decimal("1.50"), "USD", {"shop": 3}, "counter").unwrap()

    assert (metric.name, metric.value, metric.unit, metric.tags, metric.metric_type) == (
        "orders",
        Decimal("1.50"),
        "USD",
        {"shop": "3"},
        "counter",
    )


def test_trace_has_all_fields_and_is_not_started(factory: FlextObservabilityMasterFactory) -> None:
    trace = factory.create_trace("checkout", "orders", {"order": 1}, "parent", tags={"shop": True}).unwrap()

    assert (trace.operation_name, trace.service_name, trace.parent_trace_id) == ("checkout", "orders", "parent")
    assert trace.context == {"shop": "true", "order": 1}
    assert trace.trace_id == ""


def test_alert_has_all_fields(factory: FlextObservabilityMasterFactory) -> None:
    alert = factory.create_alert("disk", "error", "full", "host", {"free": 0}, tags={"disk": "a"}).unwrap()

    assert (alert.name, alert.severity, alert.message, alert.source) == ("disk", "error", "full", "host")
    assert alert.details == {"disk": "a", "free": 0}


def test_health_check_has_all_fields(factory: FlextObservabilityMasterFactory) -> None:
    check = factory.create_health_check("database", "degraded", "slow", {"ms": 900}, tags={"zone": 1}).unwrap()

    assert (check.name, check.status, check.message) == ("database", "degraded", "slow")
    assert check.details == {"zone": "1", "ms": 900}
    assert factory.create_health_check("database").unwrap().status == "healthy"


def test_log_entry_has_all_fields(factory: FlextObservabilityMasterFactory) -> None:
    entry = factory.create_log_entry("info", "started", {"port": 80}, tags={"zone": 1}).unwrap()

    assert (entry.level, entry.message, entry.context) == ("info", "started", {"zone": "1", "port": 80})


def test_explicit_details_win_over_tags(factory: FlextObservabilityMasterFactory) -> None:
    assert factory.create_log_entry("info", "started", {"a": 1}, tags={"a": 2}).unwrap().context == {"a": 1}


def test_nothing_is_emitted(factory: FlextObservabilityMasterFactory) -> None:
    assert factory.create_metric("orders", 1).unwrap().mark_emitted()


INVALID_CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    ("create_metric", (None, 1), {}, "Invalid metric name: ", "invalid_metric"),
    ("create_metric", ("", 1), {}, "Invalid metric name: ", "invalid_metric"),
    ("create_metric", ("a", "1"), {}, "Invalid metric value: ", "invalid_metric"),
    ("create_metric", ("a", True), {}, "Invalid metric value: ", "invalid_metric"),
    ("create_metric", ("a", 1, None), {}, "Invalid metric unit: ", "invalid_metric"),
    ("create_metric", ("a", 1, "", [1]), {}, "Invalid metric tags: ", "invalid_metric"),
    ("create_metric", ("a", 1, "", {"b": [1]}), {}, "Invalid metric tags: ", "invalid_metric"),
    ("create_metric", ("a", 1, "", None, 3), {}, "Invalid metric type: ", "invalid_metric"),
    ("create_trace", (None, "b"), {}, "Invalid operation name: ", "invalid_trace"),
    ("create_trace", ("a", 3), {}, "Invalid service name: ", "invalid_trace"),
    ("create_trace", ("a", "b", [1]), {}, "Invalid trace context: ", "invalid_trace"),
    ("create_trace", ("a", "b", {}, 3), {}, "Invalid trace parent trace id: ", "invalid_trace"),
    ("create_trace", ("a", "b"), {"tags": {"c": []}}, "Invalid trace tags: ", "invalid_trace"),
    ("create_alert", (None, "info", "m"), {}, "Invalid alert name: ", "invalid_alert"),
    ("create_alert", ("a", None, "m"), {}, "Invalid alert severity: ", "invalid_alert"),
    ("create_alert", ("a", "loud", "m"), {}, "Invalid alert severity: ", "invalid_alert"),
    ("create_alert", ("a", "info", b"m"), {}, "Invalid alert message: ", "invalid_alert"),
    ("create_alert", ("a", "info", "m", "s", {1: 2}), {}, "Invalid alert details: ", "invalid_alert"),
    ("create_health_check", (None,), {}, "Invalid health check name: ", "invalid_health_check"),
    ("create_health_check", ("a", 1), {}, "Invalid health check status: ", "invalid_health_check"),
    ("create_log_entry", (20, "m"), {}, "Invalid log level: ", "invalid_log"),
    ("create_log_entry", ("info", None), {}, "Invalid log message: ", "invalid_log"),
]


@pytest.mark.parametrize(("method", "arguments", "options", "prefix", "code"), INVALID_CALLS)
def test_invalid_types_and_broken_rules_name_the_field(
    factory: FlextObservabilityMasterFactory,
    method: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    prefix: str,
    code: str,
) -> None:
    result = getattr(factory, method)(*arguments, **options)

    assert str(result.error).startswith(prefix)
    assert result.code == code


@pytest.mark.parametrize(
    ("arguments", "message", "fix"),
    [
        ((None, 1), "Invalid metric name: NoneType is not a string", "Use a string"),
        (("a", "1"), "Invalid metric value: str is not a number", "Use int, float or Decimal"),
        (("a", 1, "", [1]), "Invalid metric tags: list is not a mapping", "Use a dict of names and scalars"),
        (("a", 1, "", {1: 2}), "Invalid metric tags: a name is int, not text", "Use text as the names of tags"),
        (("a", 1, "", {"b": []}), "Invalid metric tags: the value of 'b' is list", "Use scalars as the values of tags"),
    ],
)
def test_an_invalid_type_is_a_failure_with_the_given_type_and_a_fix(
    factory: FlextObservabilityMasterFactory, arguments: tuple[Any, ...], message: str, fix: str
) -> None:
    result = factory.create_metric(*arguments)

    assert (result.message, result.fix) == (message, fix)


@given(VALUES, VALUES, VALUES, VALUES, VALUES)
def test_factory_never_raises(first: Any, second: Any, third: Any, fourth: Any, fifth: Any) -> None:
    factory = FlextObservabilityMasterFactory()

    for result in (
        factory.create_metric(first, second, third, fourth, fifth),
        factory.create_trace(first, second, third, fourth, tags=fifth),
        factory.create_alert(first, second, third, fourth, fifth, tags=fourth),
        factory.create_health_check(first, second, third, fourth, tags=fifth),
        factory.create_log_entry(first, second, third, tags=fifth),
    ):
        assert result.success or str(result.error).startswith("Invalid ")


def test_ids_and_times_come_from_the_container() -> None:
    container = FlextContainer()
    factory = FlextObservabilityMasterFactory(container)
    assert factory.create_metric("a", 1).success

    container.register("id_generator", lambda: "id-1")
    container.register("clock", Clock())

    metric = factory.create_metric("a", 1).unwrap()
    assert metric.id == "id-1"
    assert metric.timestamp == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert factory.create_trace("a", "b").unwrap().start_time == metric.timestamp


def test_a_failing_source_is_a_failure() -> None:
    container = FlextContainer()
    container.register("id_generator", iter([]).__next__)

    assert FlextObservabilityMasterFactory(container).create_metric("a", 1).error == "Invalid metric: StopIteration"


def test_global_factory_is_shared_until_it_is_reset() -> None:
    first = get_global_factory()

    assert get_global_factory() is first
    reset_global_factory()
    assert get_global_factory() is not first


def test_global_factory_is_shared_by_threads_while_it_is_reset() -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(get_global_factory) for _ in range(100)]
        assert len({id(future.result()) for future in futures}) == 1
        mixed = [pool.submit(get_global_factory if turn % 3 else reset_global_factory) for turn in range(200)]
        factories = [future.result() for future in mixed]

    assert all(factory.create_metric("a", 1).success for factory in factories if factory is not None)
