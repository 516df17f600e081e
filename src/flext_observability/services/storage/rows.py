"""Entity ↔ database row: kind, id, name, time, tags, and every field as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, cast

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.criteria import name_of, time_of
from flext_observability.domain.entity import Entity
from flext_observability.domain.health_check import FlextHealthCheck
from flext_observability.domain.log_entry import FlextLogEntry
from flext_observability.domain.metric import FlextMetric
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, to_result
from flext_observability.domain.trace import FlextTrace
from flext_observability.values.encoding import encode_attribute, preview
from flext_observability.values.foreign import plain_int, type_name
from flext_observability.values.timestamps import to_unix_micros

ENTITIES: Final[Mapping[str, type[Entity]]] = {
    entity.kind: entity for entity in (FlextMetric, FlextTrace, FlextAlert, FlextHealthCheck, FlextLogEntry)
}
MAX_PARTS: Final = 10_000
MAX_DEPTH: Final = 32
_NUMBER_FIELDS: Final = ("value", "duration_seconds")
_TIME_FIELDS: Final = ("timestamp", "start_time", "end_time")
_MAPPING_FIELDS: Final = ("details", "context")
_JSON_SCALARS: Final = (str, int, float, bool, type(None))
_MAX_BITS: Final = 8192
"""Size of integers with decimal digits: Python writes and reads those of more than 4300 digits in powers of 2 only."""
_NUMBER_TYPES: Final[Mapping[str, Callable[[str], float | Decimal]]] = {
    "int": lambda text: int(text, 16) if "x" in text else int(text),
    "float": float,
    "decimal": Decimal,
}


class Row(NamedTuple):
    """Database row of an entity, in the order of the columns.

    Attributes:
        kind: ``Entity.kind``.
        id: ``Entity.id``.
        name: Value that ``MetricsCriteria.name`` is compared with.
        time_us: Time of the entity, in microseconds since the Unix epoch.
        tags: Tags of a metric as a JSON object, None for other kinds.
        body: Every field as a JSON object.
        emitted: Whether the entity was emitted. An emitted entity is not emitted again.
    """

    kind: str
    id: str
    name: str
    time_us: int
    tags: str | None
    body: str
    emitted: bool


def validate_entity(entity: object) -> FlextResult[None]:
    """Return success for an entity, or the failure ``invalid_argument``."""
    if issubclass(type(entity), Entity) and cast("Entity", entity).kind in ENTITIES:
        return FlextResult.ok(None)
    fix = f"Pass one of {', '.join(entity.__name__ for entity in ENTITIES.values())}"
    return to_result(Violation("entity", f"{type_name(entity)} cannot be stored", fix), "argument")


def validate_count(name: str, count: object) -> FlextResult[int]:
    """Return a whole number of 1 or more, or the failure ``invalid_argument``."""
    number = plain_int(count)
    if number is not None and 0 < number < 1 << 63:
        return FlextResult.ok(number)
    violation = Violation(name, preview(count), "Use a whole number, 1 or more")
    return cast("FlextResult[int]", to_result(violation, "argument"))


def search_text(text: str) -> str:
    """Return the searchable form of a name or id: SQLite stores no lone surrogates."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tag_text(text: str) -> str:
    """Return the searchable form of a tag's name or value: SQLite's JSON functions end a text at a zero byte."""
    return search_text(text).replace("\0", "\ufffd")


def to_row(entity: Entity) -> Row:
    """Return the row of an entity.

    Numbers keep type and digits. Details and context keep JSON values. Other values are encoded as attributes.
    """
    fields = ENTITIES[entity.kind].model_fields
    body = {field: _encode(field, cast("object", getattr(entity, field))) for field in fields}
    tags = None
    if isinstance(entity, FlextMetric):
        pairs = {tag_text(name): tag_text(tag) for name, tag in entity.tags.items()}
        tags = json.dumps(pairs, ensure_ascii=False)
    return Row(
        kind=entity.kind,
        id=search_text(entity.id),
        name=search_text(name_of(entity)),
        time_us=to_unix_micros(time_of(entity)),
        tags=tags,
        body=json.dumps(body),
        emitted=entity.emitted,
    )


def from_row(kind: str, body: str, *, emitted: bool) -> Entity:
    """Return the entity of a row.

    Raises:
        ValueError: The row was not written by ``to_row``.
    """
    encoded = cast("dict[str, object]", json.loads(body))
    fields: dict[str, Any] = {field: _decode(field, value) for field, value in encoded.items()}
    entity = ENTITIES[kind](**fields)
    if emitted:
        entity.mark_emitted()
    return entity


def _encode(field: str, value: object) -> object:
    if field in _NUMBER_FIELDS:
        return _encode_number(cast("int | float | Decimal", value))
    if isinstance(value, datetime):
        return value.isoformat()
    if field in _MAPPING_FIELDS:
        details = cast("dict[str, object]", value).items()
        return {name: detail if _is_bounded_json(detail) else encode_attribute(detail) for name, detail in details}
    return value


def _decode(field: str, value: object) -> object:
    if field in _NUMBER_FIELDS:
        kind, text = cast("tuple[str, str]", value)
        return _NUMBER_TYPES[kind](text)
    return datetime.fromisoformat(value) if field in _TIME_FIELDS and isinstance(value, str) else value


def _encode_number(value: float | Decimal) -> tuple[str, str]:
    """Return type and digits. A subclass, such as NumPy's, counts as its base type."""
    if isinstance(value, Decimal):
        return "decimal", str(value)
    if isinstance(value, int):
        return "int", int.__repr__(value) if int.bit_length(value) <= _MAX_BITS else hex(value)
    return "float", float.__repr__(value)


def _is_bounded_json(value: object) -> bool:
    """Return whether a value is JSON of at most ``MAX_PARTS`` parts, nested at most ``MAX_DEPTH`` deep.

    A cycle exceeds the depth.
    """
    parts, left = [value], MAX_PARTS
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for part in parts:
            kind = type(part)
            if kind is list:
                below += cast("list[object]", part)
            elif kind is dict and all(type(name) is str for name in cast("dict[object, object]", part)):
                below += cast("dict[str, object]", part).values()
            elif kind not in _JSON_SCALARS or (kind is int and cast("int", part).bit_length() > _MAX_BITS):
                return False
        left -= len(below)
        if not below or left < 0:
            return left >= 0
        parts = below
    return False
