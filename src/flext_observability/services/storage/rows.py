"""Entity ↔ row of a table: kind, id, name, time, tags, and every field as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.criteria import name_of, time_of
from flext_observability.domain.entity import Entity
from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.log_entry import FlextLogEntry
from flext_observability.domain.metric import FlextMetric
from flext_observability.domain.trace import FlextTrace
from flext_observability.values.encoding import encode_attribute, shown

ENTITIES: Final[Mapping[str, type[Entity]]] = {
    entity.kind: entity for entity in (FlextMetric, FlextTrace, FlextAlert, FlextHealthCheck, FlextLogEntry)
}
MAX_PARTS: Final = 10_000
MAX_DEPTH: Final = 32
_NUMBERS: Final = ("value", "duration_seconds")
_MOMENTS: Final = ("timestamp", "start_time", "end_time")
_DETAILS: Final = ("details", "context")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLAIN: Final = (str, int, float, bool, type(None))
_READ_NUMBER: Final[Mapping[str, Callable[[str], int | float | Decimal]]] = {
    "int": int,
    "float": float,
    "decimal": Decimal,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a table holds of one entity.

    Attributes:
        kind: As ``Entity.kind``.
        id: As ``Entity.id``.
        name: What ``MetricsCriteria.name`` is compared with.
        time_us: When, in microseconds since the Unix epoch.
        tags: A metric's tags as a JSON object; None for other kinds.
        body: Every field as a JSON object.
        emitted: Whether the entity was emitted: then recording it again emits nothing.
    """

    kind: str
    id: str
    name: str
    time_us: int
    tags: str | None
    body: str
    emitted: bool


class _NotJson(Exception):
    """A value is no plain JSON, or too much of it."""


def wrong_entity(entity: object) -> str:
    """Return why this cannot be stored; empty when it can."""
    if isinstance(entity, Entity) and entity.kind in ENTITIES:
        return ""
    return f"Only entities can be stored: pass a FlextMetric, FlextTrace, …, not {type(entity).__name__}"


def wrong_count(name: str, count: object) -> str:
    """Return why this is no count of 1 or more; empty when it is."""
    if isinstance(count, int) and not isinstance(count, bool) and 0 < count < 1 << 63:
        return ""
    return f"{name} is a whole number, 1 or more, not {shown(count)}"


def microseconds(moment: datetime) -> int:
    """Return a moment in microseconds since the Unix epoch, negative before it."""
    return (moment - _EPOCH) // _MICROSECOND


def tag_text(text: str) -> str:
    """Return a tag's name or value as it is searched for: SQLite's JSON functions end a text at a zero byte."""
    return text.replace("\0", "\ufffd")


def to_row(entity: Entity) -> Row:
    """Return the row of an entity.

    Numbers keep type and digits; details and context keep what JSON can say, and all other values as the one encoding writes them.
    """
    fields = ENTITIES[entity.kind].model_fields
    body = {field: _written(field, cast("object", getattr(entity, field))) for field in fields}
    tags = (
        {tag_text(name): tag_text(tag) for name, tag in entity.tags.items()}
        if isinstance(entity, FlextMetric)
        else None
    )
    return Row(
        kind=entity.kind,
        id=entity.id,
        name=name_of(entity),
        time_us=microseconds(time_of(entity)),
        tags=None if tags is None else json.dumps(tags, ensure_ascii=False),
        body=json.dumps(body),
        emitted=entity.emitted,
    )


def from_row(kind: str, body: str, *, emitted: bool) -> Entity:
    """Return the entity of a row.

    Raises:
        ValueError: The row was not written by ``to_row``.
    """
    written = cast("dict[str, object]", json.loads(body))
    fields: dict[str, Any] = {field: _read(field, value) for field, value in written.items()}
    entity = ENTITIES[kind](**fields)  # as everybody makes one, so that threads may do so to the very end
    if emitted:
        entity.mark_emitted()
    return entity


def _written(field: str, value: object) -> object:
    if field in _NUMBERS:
        return _number(cast("int | float | Decimal", value))
    if isinstance(value, datetime):
        return value.isoformat()
    if field in _DETAILS:
        return {name: _detail(each) for name, each in cast("dict[str, object]", value).items()}
    return value


def _read(field: str, value: object) -> object:
    if field in _NUMBERS:
        kind, text = cast("tuple[str, str]", value)
        return _READ_NUMBER[kind](text)
    return datetime.fromisoformat(value) if field in _MOMENTS and isinstance(value, str) else value


def _number(value: float | Decimal) -> tuple[str, str]:
    """Return type and digits; subclasses (NumPy has some) count as what they derive from."""
    if isinstance(value, Decimal):
        return "decimal", str(value)
    return ("int", int.__repr__(value)) if isinstance(value, int) else ("float", float.__repr__(value))


def _detail(value: object) -> object:
    """Return plain JSON data as it is, anything else as the one encoding writes it."""
    try:
        _count_parts(value, MAX_PARTS, MAX_DEPTH)
    except _NotJson:
        return encode_attribute(value)
    return value


def _count_parts(value: object, left: int, depth: int) -> int:
    """Return how many parts may follow.

    Raises:
        _NotJson: Something is no plain JSON, nested too deeply (a cycle always is), or has too many parts.
    """
    if type(value) in _PLAIN:
        return left - 1
    parts: list[object]
    if type(value) is list:
        parts = cast("list[object]", value)
    elif type(value) is dict and all(type(name) is str for name in cast("dict[object, object]", value)):
        parts = list(cast("dict[str, object]", value).values())
    else:
        raise _NotJson
    for part in parts:
        if left <= 0 or depth == 0:
            raise _NotJson
        left = _count_parts(part, left, depth - 1)
    return left - 1
