"""Arguments of exact plain types → FlextMetric, without the validators that could only repeat an earlier answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, cast, final

from flext_observability.domain.entity import fields_set_of, new_id
from flext_observability.domain.metric import NON_NEGATIVE_TYPES, FlextMetric
from flext_observability.values.encoding import MAX_BYTES, encode_tag
from flext_observability.values.timestamps import now

MAX_NUMBER: Final = 1.7976931348623157e308
"""Greatest float. Comparing with it rejects the infinite, NaN, and integers beyond the floats."""
MAX_IDENTITIES: Final = 4096
"""Maximum number of remembered combinations of name, type and unit; a program may generate names."""
_SCALARS: Final = frozenset((int, float, bool))
_FIELDS: Final = ("name", "value", "unit", "tags", "metric_type")
_set: Final = object.__setattr__


@final
class PlainMetrics:
    """Valid combinations of name, type and unit, and their new entities. Thread-safe.

    An entity made here equals the one that the constructor of ``FlextMetric`` makes. Anything unusual gives none: the
    caller uses the constructor and the rules then.
    """

    __slots__ = ("_fields_set", "_is_usable", "_lowest")

    def __init__(self) -> None:
        self._lowest: dict[tuple[object, object, object], float] = {}
        self._fields_set = fields_set_of(_FIELDS)
        self._is_usable = _is_same_as_constructed(self._fields_set)

    def remember(self, name: object, unit: object, metric_type: object) -> None:
        """Remember that the rules accept this combination."""
        if (
            type(name) is type(unit) is type(metric_type) is str
            and self._is_usable
            and len(self._lowest) < MAX_IDENTITIES
        ):
            lowest = 0.0 if metric_type in NON_NEGATIVE_TYPES else -MAX_NUMBER
            self._lowest[name, unit, metric_type] = lowest

    def make(
        self,
        name: object,
        value: object,
        unit: object,
        tags: object,
        metric_type: object,
        *,
        emitted: bool = False,
    ) -> FlextMetric | None:
        """Return the entity, or None if an argument is unusual or the combination is not remembered.

        Args:
            name: Instrument name.
            value: The measurement.
            unit: Unit.
            tags: Names and scalars, or None.
            metric_type: Type.
            emitted: Whether the caller emits the entity.
        """
        kind = type(value)
        if (kind is not int and kind is not float) or not type(name) is type(unit) is type(metric_type) is str:
            return None
        lowest = self._lowest.get((name, unit, metric_type))
        if lowest is None or not lowest <= cast("float", value) <= MAX_NUMBER:
            return None
        texts = {} if tags is None else _texts(tags)
        if texts is None:
            return None
        fields = {
            "id": new_id(),
            "name": name,
            "value": value,
            "unit": unit,
            "tags": texts,
            "metric_type": metric_type,
            "timestamp": now(),
        }
        return _build(fields, self._fields_set, [] if emitted else [None])


def _texts(tags: object) -> dict[str, str] | None:  # measured: benchmarks, flext_create_metric
    """Return the tags as text, or None if one is unusual."""
    if type(tags) is not dict:
        return None
    texts: dict[Any, Any] = cast("Any", tags).copy()
    for name, value in texts.items():
        if type(name) is not str or len(name) > MAX_BYTES or not name.isascii():
            return None
        if type(value) is str:
            if len(value) > MAX_BYTES or not value.isascii():
                return None
        elif type(value) in _SCALARS:
            texts[name] = encode_tag(value)
        else:
            return None
    return texts


def _build(fields: dict[str, Any], fields_set: set[str], unemitted: list[None]) -> FlextMetric:
    metric = object.__new__(FlextMetric)
    _set(metric, "__dict__", fields)
    _set(metric, "__pydantic_fields_set__", fields_set)
    _set(metric, "__pydantic_extra__", None)
    _set(metric, "__pydantic_private__", {"_unemitted": unemitted})
    return metric


def _is_same_as_constructed(fields_set: set[str]) -> bool:
    """Return whether this version of pydantic stores an entity as ``_build`` does."""
    time = datetime(1970, 1, 1, tzinfo=UTC)
    given = FlextMetric(name="a", value=1, unit="", tags={"b": "c"}, metric_type="gauge")
    fields = {**given.__dict__, "id": "d", "timestamp": time}
    built, expected = _build(fields, fields_set, [None]), given.model_copy(update={"id": "d", "timestamp": time})
    return (
        built == expected
        and built.model_dump_json() == expected.model_dump_json()
        and list(built.__dict__) == list(FlextMetric.model_fields)
        and given.model_fields_set == fields_set
        and built.mark_emitted()
        and not built.mark_emitted()
    )
