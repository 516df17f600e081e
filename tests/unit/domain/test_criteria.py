from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from flext_observability import FlextAlert, FlextHealthCheck, FlextLogEntry, FlextMetric, FlextTrace, MetricsCriteria
from flext_observability.domain.criteria import validate_criteria
from flext_observability.domain.entity import Entity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def metric(**fields: Any) -> FlextMetric:
    given: dict[str, Any] = {"name": "load", "value": 1, "timestamp": NOON, **fields}
    return FlextMetric(**given)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (MetricsCriteria(), True),
        (MetricsCriteria(name="load"), True),
        (MetricsCriteria(name="loa"), False),
        (MetricsCriteria(tags={"host": "a"}), True),
        (MetricsCriteria(tags={"host": "a", "zone": "1"}), True),
        (MetricsCriteria(tags={"host": "b"}), False),
        (MetricsCriteria(tags={"host": "a", "rack": "1"}), False),
        (MetricsCriteria(since=NOON), True),
        (MetricsCriteria(since=NOON + timedelta(microseconds=1)), False),
        (MetricsCriteria(until=NOON), False),
        (MetricsCriteria(until=NOON.astimezone(timezone(timedelta(hours=5))) + timedelta(microseconds=1)), True),
    ],
)
def test_an_entity_matches_when_it_meets_every_condition(criteria: MetricsCriteria, expected: bool) -> None:
    assert criteria.matches(metric(tags={"host": "a", "zone": 1})) is expected


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        (FlextTrace(operation_name="checkout", service_name="shop"), "checkout"),
        (FlextAlert(name="disk", severity="error", message="full"), "disk"),
        (FlextHealthCheck(name="database"), "database"),
        (FlextLogEntry(level="WARN", message="hm"), "warning"),
    ],
)
def test_each_kind_has_a_name_and_only_metrics_have_tags(entity: Entity, name: str) -> None:
    assert MetricsCriteria(name=name).matches(entity)
    assert not MetricsCriteria(name=name, tags={"a": "b"}).matches(entity)


def test_the_newest_entities_are_selected_oldest_first() -> None:
    metrics = [metric(value=minute, timestamp=NOON + timedelta(minutes=minute)) for minute in (3, 1, 2)]
    assert [entity.value for entity in MetricsCriteria(limit=2).select(metrics)] == [2, 3]


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"name": 5}, "Invalid criteria name: 5. Use text or None."),
        ({"tags": []}, "Invalid criteria tags"),
        ({"tags": {"a": 1}}, "Invalid criteria tags"),
        ({"since": datetime(2026, 3, 1)}, "Invalid criteria since"),  # noqa: DTZ001 - invalid on purpose
        ({"until": "today"}, "Invalid criteria until"),
        ({"limit": 0}, "Invalid criteria limit"),
        ({"limit": True}, "Invalid criteria limit"),
        ({"limit": 1 << 63}, "Invalid criteria limit"),
    ],
)
def test_an_invalid_field_is_named(fields: dict[str, Any], start: str) -> None:
    result = validate_criteria(MetricsCriteria(**fields))
    assert (str(result.error)[: len(start)], result.code) == (start, "invalid_criteria")


def test_another_type_is_invalid() -> None:
    criteria: Any = "load"
    result = validate_criteria(criteria)
    assert (result.message, result.code) == ("Invalid criteria: str is not MetricsCriteria", "invalid_criteria")


def test_valid_criteria_are_returned() -> None:
    criteria = MetricsCriteria(name="load", tags={"a": "b"}, since=NOON, until=NOON, limit=5)
    assert validate_criteria(criteria).data is criteria
