from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlert, FlextMetric, FlextTrace, InMemoryStorage, MetricsCriteria

ANY = MetricsCriteria()


def metric(value: float = 1, **fields: Any) -> FlextMetric:
    return FlextMetric(name="load", value=value, **fields)


def test_stored_entities_are_found_by_kind_and_criteria() -> None:
    storage = InMemoryStorage()
    stored = [metric(value, tags={"host": value % 2}) for value in range(4)]
    for each in stored:
        assert storage.store(each).success
    assert storage.query("metric", ANY).data == stored
    assert storage.query("metric", MetricsCriteria(name="load", tags={"host": "1"})).data == [stored[1], stored[3]]
    assert storage.query("alert", ANY).data == []


def test_the_first_stored_of_a_kind_is_evicted_first() -> None:
    storage = InMemoryStorage(2)
    alert = FlextAlert(name="n", severity="info", message="m")
    storage.store(alert)
    for value in range(5):
        storage.store(metric(value))
    found = storage.query("metric", ANY).unwrap()
    assert [each.value for each in found if isinstance(each, FlextMetric)] == [3, 4]
    assert storage.query("alert", ANY).data == [alert]
    assert (storage.evicted, storage.count("metric").data, storage.count("trace").data) == (3, 2, 0)


def test_a_newer_state_replaces_the_older_one() -> None:
    storage = InMemoryStorage()
    alert = FlextAlert(name="n", severity="info", message="m")
    resolved = alert.model_copy(update={"status": "resolved"})
    storage.store(alert)
    storage.store(resolved)
    assert storage.query("alert", ANY).data == [resolved]


def test_a_trace_is_stored_and_returned_as_a_copy() -> None:
    storage = InMemoryStorage()
    trace = FlextTrace(operation_name="o", service_name="s")
    storage.store(trace)
    trace.status = "ok"
    for _ in range(2):
        (found,) = storage.query("trace", ANY).unwrap()
        assert isinstance(found, FlextTrace)
        assert found.status == "unset"
        found.status = "error"


def test_a_stored_metric_can_be_copied_with_changes() -> None:
    storage = InMemoryStorage()
    first, second = metric(1), metric(2)
    storage.store(first)
    storage.store(second)
    changed = second.model_copy(update={"unit": "s"})
    assert (changed.unit, first.unit) == ("s", "")
    assert "unit" in changed.model_fields_set
    assert "unit" not in first.model_fields_set


def test_clear_deletes_every_entity() -> None:
    storage = InMemoryStorage()
    storage.store(metric())
    assert storage.clear().success
    assert (storage.count("metric").data, storage.evicted) == (0, 0)


@pytest.mark.parametrize("invalid", [None, 5, "metric", FlextMetric])
def test_only_entities_are_stored(invalid: Any) -> None:
    result = InMemoryStorage().store(invalid)
    assert (result.code, str(result.message)) == (
        "invalid_argument",
        f"Invalid entity: {type(invalid).__name__} cannot be stored",
    )
    assert result.fix == "Pass one of FlextMetric, FlextTrace, FlextAlert, FlextHealthCheck, FlextLogEntry"


@pytest.mark.parametrize("invalid", [0, -1, True, 1.5, "many", None])
def test_an_invalid_bound_is_a_failure_of_each_operation(invalid: Any) -> None:
    result = InMemoryStorage(invalid).store(metric())
    assert (result.code, str(result.error)[:21]) == ("invalid_argument", "Invalid max_entities:")
    assert result.fix == "Use a whole number, 1 or more"


def test_invalid_criteria_are_a_failure() -> None:
    assert InMemoryStorage().query("metric", MetricsCriteria(limit=0)).code == "invalid_criteria"
