"""Name, tags, time range and limit → which stored entities are meant (MetricsCriteria; standard library only)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar, cast

from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity

EntityT = TypeVar("EntityT", bound="Entity")

DEFAULT_LIMIT: Final = 1000
_NAMES: Final = {"trace": "operation_name", "log": "severity"}


@dataclass(frozen=True, slots=True)
class MetricsCriteria:
    """Which stored entities are meant: those that meet every condition, the newest ``limit`` of them.

    Attributes:
        name: Exact name: of the metric, alert or health check, the operation of a trace, the level of a log entry (``severity``).
            None for any.
        tags: Tags that a metric must have, every pair equal; entities of other kinds have no tags.
        since: Earliest moment, inclusive, timezone-aware; None for no bound.
        until: Latest moment, exclusive, timezone-aware; None for no bound.
        limit: Entities at most, 1 or more.
    """

    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT

    def matches(self, entity: Entity) -> bool:
        """Whether the entity meets every condition; the limit is no matter."""
        if self.name is not None and name_of(entity) != self.name:
            return False
        if self.tags and not self.tags.items() <= cast("dict[str, str]", getattr(entity, "tags", {})).items():
            return False
        moment = time_of(entity)
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)

    def select(self, entities: Iterable[EntityT]) -> list[EntityT]:
        """Return the newest ``limit`` of those that match, oldest first; of one moment, in the order given."""
        return sorted(filter(self.matches, entities), key=time_of)[-self.limit :]


def validate_criteria(criteria: MetricsCriteria) -> FlextResult[MetricsCriteria]:
    """Return the criteria, or a failure (``invalid_criteria``) that names the field and what is allowed."""
    if isinstance(cast("object", criteria), MetricsCriteria):
        wrong = _wrong_field(criteria)
    else:
        wrong = f"{type(criteria).__name__}: pass MetricsCriteria(name=…, tags=…, since=…, until=…, limit=…)"
    if wrong:
        return FlextResult[MetricsCriteria].fail(f"Invalid criteria {wrong}", code="invalid_criteria")
    return FlextResult.ok(criteria)


def _wrong_field(criteria: MetricsCriteria) -> str:
    name, limit = cast("tuple[object, object]", (criteria.name, criteria.limit))
    tags = cast("Mapping[object, object]", criteria.tags)
    if not isinstance(name, str | None):
        return f"name: use text or None, not {type(name).__name__}"
    if not isinstance(cast("object", tags), Mapping) or not all(
        isinstance(each, str) for pair in tags.items() for each in pair
    ):
        return "tags: use a mapping from text to text, as tags are stored"
    for label, moment in cast("tuple[tuple[str, object], ...]", (("since", criteria.since), ("until", criteria.until))):
        if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
            return f"{label}: use a timezone-aware datetime or None, such as datetime.now(UTC)"
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit < 1 << 63:
        return "limit: use a whole number, 1 or more"
    return ""


def name_of(entity: Entity) -> str:
    """Return what ``MetricsCriteria.name`` is compared with."""
    return cast("str", getattr(entity, _NAMES.get(entity.kind, "name")))


def time_of(entity: Entity) -> datetime:
    """Return when the entity was measured, raised, checked or written; when a trace began."""
    return cast("datetime", getattr(entity, entity.time_field))
