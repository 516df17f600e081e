"""MetricsCriteria: conditions of a query for stored entities (standard library only)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar, cast

from flext_observability.domain.guard import contained
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, to_result
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import is_a, is_mapping, read_all, type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity

EntityT = TypeVar("EntityT", bound="Entity")

DEFAULT_LIMIT: Final = 1000
_NAMES: Final = {"trace": "operation_name", "log": "severity"}


@dataclass(frozen=True, slots=True)
class MetricsCriteria:
    """Conditions of a query. The result is the newest ``limit`` entities that meet all of them.

    Attributes:
        name: Exact name of a metric, alert or health check, operation of a trace, or severity of a log entry. None for
            any.
        tags: Tags of a metric, with equal values. Entities of other kinds have no tags.
        since: Earliest time, inclusive, timezone-aware; None for no bound.
        until: Latest time, exclusive, timezone-aware; None for no bound.
        limit: Maximum number of entities, 1 or more.
    """

    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT

    @contained(bool)
    def matches(self, entity: Entity) -> bool:
        """Return whether the entity matches. ``limit`` is ignored."""
        if self.name is not None and name_of(entity) != self.name:
            return False
        if self.tags and not self.tags.items() <= cast("dict[str, str]", getattr(entity, "tags", {})).items():
            return False
        time = time_of(entity)
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    @contained(list)
    def select(self, entities: Iterable[EntityT]) -> list[EntityT]:
        """Return the newest ``limit`` matching entities, oldest first. Entities with equal times keep their order."""
        return sorted(filter(self.matches, entities), key=time_of)[-self.limit :]


def validate_criteria(criteria: MetricsCriteria) -> FlextResult[MetricsCriteria]:
    """Return the criteria, or the failure ``invalid_criteria``, which names the field."""
    if not is_a(cast("object", criteria), MetricsCriteria):
        fix = "Pass MetricsCriteria(name=…, tags=…, since=…, until=…, limit=…)"
        invalid = Violation("criteria", f"{type_name(criteria)} is not MetricsCriteria", fix)
        return cast("FlextResult[MetricsCriteria]", to_result(invalid, "criteria"))
    try:
        violation = _find_violation(criteria)
    except BaseException as error:  # noqa: BLE001 - foreign texts, mappings and times
        reraise_interrupt(error)
        violation = Violation("criteria", f"they cannot be read: {describe_error(error)}", "Use str, dict and datetime")
    return to_result(violation, "criteria").map(lambda _: criteria)


def _find_violation(criteria: MetricsCriteria) -> Violation | None:
    name, limit = cast("tuple[object, object]", (criteria.name, criteria.limit))
    tags = cast("object", criteria.tags)
    if name is not None and not is_a(name, str):
        return Violation("criteria name", preview(name), "Use text or None")
    if not is_mapping(tags) or not all(is_a(each, str) for pair in read_all(tags.items()) for each in pair):
        return Violation("criteria tags", preview(tags), "Use a mapping of text to text")
    for field_name in ("since", "until"):
        time = cast("object", getattr(criteria, field_name))
        if time is not None and (not is_a(time, datetime) or time.utcoffset() is None):
            fix = "Use a timezone-aware datetime such as datetime.now(UTC), or None"
            return Violation(f"criteria {field_name}", preview(time), fix)
    if not is_a(limit, int) or type(limit) is bool or not 0 < limit < 1 << 63:
        return Violation("criteria limit", preview(limit), "Use a whole number, 1 or more")
    return None


def name_of(entity: Entity) -> str:
    """Return the value that ``MetricsCriteria.name`` is compared with."""
    return cast("str", getattr(entity, _NAMES.get(entity.kind, "name")))


def time_of(entity: Entity) -> datetime:
    """Return the time of the entity: the start of a trace, the timestamp of any other entity."""
    return cast("datetime", getattr(entity, entity.time_field))
