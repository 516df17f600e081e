from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.entity import Entity, is_finite, new_id, tags_to_text
from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.log_entry import FlextLogEntry
from flext_observability.domain.metric import FlextMetric
from flext_observability.domain.trace import FlextTrace

ENTITIES: tuple[Entity, ...] = (
    FlextMetric(name="orders", value=1),
    FlextTrace(operation_name="checkout", service_name="orders"),
    FlextAlert(name="disk", severity="warning", message="90 % full"),
    FlextHealthCheck(name="database"),
    FlextLogEntry(level="info", message="started"),
)
every_entity = pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.kind)


@every_entity
def test_id_is_unique_text(entity: Entity) -> None:
    twin = type(entity).model_validate(entity.model_dump(exclude={"id"}))

    assert isinstance(entity.id, str)
    assert entity.id != twin.id


@every_entity
def test_given_id_is_kept(entity: Entity) -> None:
    assert type(entity)(**{**entity.model_dump(), "id": "order-1"}).id == "order-1"


@every_entity
def test_time_is_now_in_utc(entity: Entity) -> None:
    before = datetime.now(UTC)
    moment = getattr(type(entity)(**entity.model_dump(exclude={entity.time_field})), entity.time_field)

    assert moment.utcoffset() == timedelta(0)
    assert before <= moment <= datetime.now(UTC)


@every_entity
def test_time_without_a_zone_is_invalid(entity: Entity) -> None:
    local_time = datetime(2024, 1, 1)  # noqa: DTZ001 - invalid on purpose
    fields: dict[str, Any] = {**entity.model_dump(), entity.time_field: local_time}

    with pytest.raises(ValidationError, match="timezone"):
        type(entity)(**fields)


@every_entity
def test_time_keeps_its_zone(entity: Entity) -> None:
    moment = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    fields: dict[str, Any] = {**entity.model_dump(), entity.time_field: moment}

    assert getattr(type(entity)(**fields), entity.time_field) == moment


@every_entity
def test_unknown_field_is_invalid(entity: Entity) -> None:
    with pytest.raises(ValidationError, match="colour"):
        type(entity)(**{**entity.model_dump(), "colour": "red"})


@every_entity
def test_rules_have_two_names(entity: Entity) -> None:
    assert entity.validate_business_rules().success
    assert entity.validate_domain_rules().success


@every_entity
def test_only_traces_are_mutable(entity: Entity) -> None:
    if isinstance(entity, FlextTrace):
        return
    with pytest.raises(ValidationError, match="frozen"):
        entity.id = "other"


@every_entity
def test_survives_json(entity: Entity) -> None:
    assert type(entity).model_validate_json(entity.model_dump_json()).id == entity.id


def test_entity_is_emitted_once() -> None:
    metric = FlextMetric(name="orders", value=1)

    assert [metric.mark_emitted() for _ in range(3)] == [True, False, False]


def test_copies_share_the_mark_in_both_directions() -> None:
    metric = FlextMetric(name="orders", value=1)
    copied = metric.model_copy(update={"value": 2})
    metric.mark_emitted()

    assert not copied.mark_emitted()
    assert not copy.copy(metric).mark_emitted()


def test_deep_copies_share_the_mark_and_nothing_else() -> None:
    metric = FlextMetric(name="orders", value=1, tags={"a": "1"})
    copies = [copy.deepcopy(metric), metric.model_copy(deep=True)]

    assert metric.mark_emitted()
    assert not any(copied.mark_emitted() for copied in copies)
    assert copies == [metric, metric]
    assert all(copied.tags is not metric.tags for copied in copies)
    assert not pickle.loads(pickle.dumps(metric)).mark_emitted()  # noqa: S301 - our own bytes


def test_only_one_thread_marks_an_entity() -> None:
    metrics = [FlextMetric(name="orders", value=1) for _ in range(200)]
    with ThreadPoolExecutor(4) as pool:
        marks = list(pool.map(FlextMetric.mark_emitted, metrics * 4))

    assert sum(marks) == 200


@pytest.mark.parametrize("value", [1, -1, 1.5, Decimal("1.50"), float("nan"), 2**80])
def test_numbers_are_kept_as_given(value: float | Decimal) -> None:
    kept = FlextMetric(name="orders", value=value).value

    assert kept is value
    assert FlextHealthCheck(name="database", duration_seconds=value).duration_seconds is value


@pytest.mark.parametrize("value", [True, "1", b"1", None, [1], 1j])
def test_other_types_are_not_numbers(value: Any) -> None:
    with pytest.raises(ValidationError, match="int, float or Decimal"):
        FlextMetric(name="orders", value=value)


@pytest.mark.parametrize("field", ["name", "unit", "metric_type"])
@pytest.mark.parametrize("value", [None, 1, b"x", True])
def test_text_fields_accept_text_only(field: str, value: object) -> None:
    fields: dict[str, Any] = {"name": "orders", "value": 1, field: value}
    with pytest.raises(ValidationError, match="valid string"):
        FlextMetric(**fields)


def test_tags_become_text() -> None:
    tags: Any = {"a": 1, "b": True, "c": Decimal("1.0"), "d": None, "e\ud800": "\ud800"}

    assert FlextMetric(name="orders", value=1, tags=tags).tags == {
        "a": "1",
        "b": "true",
        "c": "1.0",
        "d": "null",
        "e\ufffd": "\ufffd",
    }


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [({"a": [1]}, "'a'"), ({"a": {}}, "'a'"), ({1: "x"}, "name"), ([("a", "b")], "list"), (None, "NoneType")],
)
def test_invalid_tags_are_named(tags: Any, wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        FlextMetric(name="orders", value=1, tags=tags)
    with pytest.raises(ValueError, match=wrong):
        tags_to_text(tags)


def test_details_are_copied_and_keep_their_values() -> None:
    details: dict[str, object] = {"free": Decimal("1.0"), "path": ["/"]}
    alert = FlextAlert(name="disk", severity="warning", message="full", details=details)
    details["free"] = 2

    assert alert.details == {"free": Decimal("1.0"), "path": ["/"]}


@pytest.mark.parametrize("details", [[], "x", {1: 2}])
def test_invalid_details_are_named(details: Any) -> None:
    with pytest.raises(ValidationError, match="details"):
        FlextAlert(name="disk", severity="warning", message="full", details=details)


def test_ids_differ() -> None:
    assert new_id() != new_id()


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), 10**400, Decimal("1e400"), Decimal("sNaN"), Decimal("NaN")]
)
def test_numbers_out_of_range_are_not_finite(value: float | Decimal) -> None:
    assert not is_finite(value)
