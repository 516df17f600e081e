from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from flext_observability import FlextAlert, FlextHealthCheck, FlextLogEntry, FlextMetric, FlextTrace
from flext_observability.domain.entity import Entity
from flext_observability.services.storage.rows import MAX_DEPTH, MAX_PARTS, from_row, to_row

LONG = Decimal("12345678901234567890.12345678901234567890")
ELSEWHERE = datetime(2026, 3, 29, 2, 30, 1, 234567, tzinfo=timezone(timedelta(hours=5, minutes=45)))


def round_trip(entity: Entity) -> Entity:
    row = to_row(entity)
    return from_row(row.kind, row.body, emitted=row.emitted)


@pytest.mark.parametrize(
    "entity",
    [
        FlextMetric(name="m", value=LONG, unit="s", tags={"a": "1", "é": "", "c\0d": "e\0f"}, metric_type="counter"),
        FlextMetric(name="m", value=1 << 900, timestamp=ELSEWHERE),
        FlextMetric(name="m", value=-0.0, timestamp=datetime(1, 1, 1, tzinfo=UTC)),
        FlextMetric(name="not a name", value=float("inf")),
        FlextTrace(operation_name="o", service_name="s"),
        FlextTrace(
            operation_name="ö",
            service_name="s",
            context={"a": [1, {"b": None, "c": [True, 1.5]}], "": ""},
            parent_trace_id="p",
            start_time=ELSEWHERE,
            end_time=ELSEWHERE,
            status="ok",
            trace_id="0" * 32,
            span_id="1" * 16,
            sampled=False,
        ),
        FlextAlert(
            id="\0", name="n", severity="error", message="m", source="s", status="escalated", escalation_level=2
        ),
        FlextHealthCheck(name="n", status="degraded", message="m", details={"a": {}}, duration_seconds=Decimal("0.10")),
        FlextLogEntry(level="WARN", message="\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")),
        FlextLogEntry(level="info", message="m", context={"surrogate": "\ud800"}, correlation_id="c"),
    ],
    ids=lambda entity: entity.kind,
)
def test_every_field_survives_a_round_trip(entity: Entity) -> None:
    assert round_trip(entity) == entity


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.decimals(allow_nan=False)))
def test_numbers_keep_type_and_digits(value: float | Decimal) -> None:
    read = round_trip(FlextMetric(name="m", value=value))
    assert isinstance(read, FlextMetric)
    assert (type(read.value), repr(read.value)) == (type(value), repr(value))


@pytest.mark.parametrize(("sign", "digits"), [(1, 400), (1, 5000), (-1, 5000)])
def test_integers_of_any_size_survive_a_round_trip(sign: int, digits: int) -> None:
    value = sign * 10**digits
    read = round_trip(FlextMetric(name="m", value=value))
    assert isinstance(read, FlextMetric)
    assert read.value == value


def test_integers_of_any_size_in_details_are_stored() -> None:
    details = {"large": 10**400, "huge": 10**5000, "inside": [10**5000]}
    read = round_trip(FlextAlert(name="n", severity="info", message="m", details=details))
    assert isinstance(read, FlextAlert)
    assert read.details["large"] == 10**400
    assert isinstance(read.details["huge"], str)
    assert read.details["inside"] == [read.details["huge"]]


def test_a_subclass_of_float_is_read_as_a_float() -> None:
    class Special(float):
        def __repr__(self) -> str:
            return "special"

    read = round_trip(FlextMetric(name="m", value=Special(0.1)))
    assert isinstance(read, FlextMetric)
    assert (type(read.value), read.value) == (float, 0.1)


@pytest.mark.parametrize("emitted", [True, False])
def test_the_emitted_mark_survives_a_round_trip(emitted: bool) -> None:
    metric = FlextMetric(name="m", value=1)
    if emitted:
        metric.mark_emitted()
    read = round_trip(metric)
    assert read == metric
    assert read.mark_emitted() is not emitted


@dataclass
class Point:
    x: int


def cyclic() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    loop["twice"] = loop
    return loop


def nested(depth: int) -> list[Any]:
    items: list[Any] = []
    for _ in range(depth):
        items = [items]
    return items


def wide() -> list[Any]:
    items: list[Any] = []
    for _ in range(20):
        items = [items, items]
    return items


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LONG, str(LONG)),
        (ELSEWHERE, ELSEWHERE.isoformat()),
        (Path("/tmp/x"), "/tmp/x"),
        (Point(1), '{"x":1}'),
        ((1, 2), [1, 2]),
        ({1, 2}, [1, 2]),
        (b"text", "text"),
        ({1: 2}, '{"1":2}'),
        ([1, (2, 3)], "[1,[2,3]]"),
    ],
)
def test_details_that_are_not_json_are_encoded_as_attributes(value: object, expected: object) -> None:
    read = round_trip(FlextAlert(name="n", severity="info", message="m", details={"other": value}))
    assert isinstance(read, FlextAlert)
    assert read.details == {"other": expected}


@pytest.mark.parametrize("value", [cyclic(), nested(MAX_DEPTH + 1), wide(), [0] * (MAX_PARTS + 1)])
def test_endless_details_become_a_short_text(value: object) -> None:
    read = round_trip(FlextAlert(name="n", severity="info", message="m", details={"other": value, "plain": [1]}))
    assert isinstance(read, FlextAlert)
    assert isinstance(read.details["other"], str)
    assert len(read.details["other"]) <= 8192
    assert read.details["plain"] == [1]


def test_details_within_the_bounds_survive_a_round_trip() -> None:
    details = {"deep": nested(MAX_DEPTH), "long": [0] * (MAX_PARTS - 1)}
    read = round_trip(FlextAlert(name="n", severity="info", message="m", details=details))
    assert isinstance(read, FlextAlert)
    assert read.details == details
