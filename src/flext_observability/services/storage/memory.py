"""Entities → the newest of each kind, kept in this process and gone with it (InMemoryStorage)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.criteria import checked
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.storage.rows import wrong_count, wrong_entity

if TYPE_CHECKING:
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.entity import Entity

MAX_ENTITIES: Final = 10_000


@final
class InMemoryStorage:
    """Storage in memory, bounded; safe from threads.

    Frozen entities are kept by reference, traces as they were when they were stored.

    Args:
        max_entities: Entities of each kind at most, 1 or more: the one that was stored first goes first.
    """

    __slots__ = ("_by_kind", "_evicted", "_lock", "_max_entities", "_wrong")

    def __init__(self, max_entities: int = MAX_ENTITIES) -> None:
        self._max_entities = max_entities
        self._wrong = wrong_count("max_entities", max_entities)
        self._lock = ForkSafeLock()
        self._by_kind: dict[str, dict[str, Entity]] = {}
        self._evicted = 0

    @property
    def evicted(self) -> int:
        """Entities that made room for others since the start."""
        return self._evicted

    def store(self, entity: Entity) -> FlextResult[None]:
        """Keep the entity as it is now; one of the same kind and id takes the place of the former.

        Returns:
            Success, or a failure: ``invalid_argument`` (no entity, or a wrong ``max_entities``).
        """
        wrong = self._wrong or wrong_entity(entity)
        if wrong:
            return FlextResult[None].fail(wrong, code="invalid_argument")
        kept = _snapshot(entity)
        with self._lock:
            shelf = self._by_kind.setdefault(entity.kind, {})
            shelf[entity.id] = kept
            if len(shelf) > self._max_entities:
                del shelf[next(iter(shelf))]
                self._evicted += 1
        return FlextResult.ok(None)

    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest ``criteria.limit`` entities of a kind that match, oldest first.

        Returns:
            The entities, or a failure (``invalid_criteria``).
        """
        return checked(criteria).map(lambda valid: [_snapshot(each) for each in valid.select(self._all(kind))])

    def count(self, kind: str) -> FlextResult[int]:
        """Return how many entities of a kind there are."""
        with self._lock:
            return FlextResult.ok(len(self._by_kind.get(kind, ())))

    def clear(self) -> FlextResult[None]:
        """Forget every entity; what is cleared does not count as evicted."""
        with self._lock:
            self._by_kind.clear()
        return FlextResult.ok(None)

    def _all(self, kind: str) -> list[Entity]:
        with self._lock:
            return list(self._by_kind.get(kind, {}).values())


def _snapshot(entity: Entity) -> Entity:
    """Return the entity, or a copy of one that may change."""
    if not entity.model_config.get("frozen"):
        return entity.model_copy()
    entity.intern_fields_set()
    return entity
