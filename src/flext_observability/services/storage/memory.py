"""Storage in memory: the newest entities of each kind (InMemoryStorage)."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from flext_observability.domain.criteria import validate_criteria
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.storage.rows import validate_count, validate_entity

if TYPE_CHECKING:
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.entity import Entity


@final
class InMemoryStorage:
    """Bounded storage in memory. Thread-safe.

    Frozen entities are stored by reference, traces as copies.

    Args:
        max_entities: Maximum number of entities of each kind, 1 or more. The first one stored is evicted first.
    """

    __slots__ = ("_by_kind", "_evicted", "_lock", "_max_entities", "_options")

    def __init__(self, max_entities: int = 10_000) -> None:
        self._options = validate_count("max_entities", max_entities)
        self._max_entities = self._options.unwrap_or(0)
        self._lock = ForkSafeLock()
        self._by_kind: dict[str, dict[str, Entity]] = {}
        self._evicted = 0

    @property
    def evicted(self) -> int:
        """Number of entities evicted so far."""
        return self._evicted

    @never_raises
    def store(self, entity: Entity) -> FlextResult[None]:
        """Store the current state of an entity. It replaces an entity with the same kind and id.

        Returns:
            Success, or a failure: ``invalid_argument`` (not an entity, or an invalid ``max_entities``).
        """
        valid = self._options.flat_map(lambda _: validate_entity(entity))
        return valid.map(lambda _: self._insert(_snapshot(entity)))

    @never_raises
    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest ``criteria.limit`` matching entities of a kind, oldest first.

        Returns:
            The entities, or a failure (``invalid_criteria``).
        """
        return validate_criteria(criteria).map(
            lambda valid: [_snapshot(entity) for entity in valid.select(self._all(kind))]
        )

    @never_raises
    def count(self, kind: str) -> FlextResult[int]:
        """Return the number of entities of a kind."""
        with self._lock:
            return FlextResult.ok(len(self._by_kind.get(kind, ())))

    def clear(self) -> FlextResult[None]:
        """Delete every entity. Deleted entities do not count as evicted."""
        with self._lock:
            self._by_kind.clear()
        return FlextResult.ok(None)

    def _insert(self, entity: Entity) -> None:
        with self._lock:
            entities = self._by_kind.setdefault(entity.kind, {})
            entities[entity.id] = entity
            if len(entities) > self._max_entities:
                del entities[next(iter(entities))]
                self._evicted += 1

    def _all(self, kind: str) -> list[Entity]:
        with self._lock:
            return list(self._by_kind.get(kind, {}).values())


def _snapshot(entity: Entity) -> Entity:
    """Return a frozen entity itself, a copy of any other."""
    if not entity.model_config.get("frozen"):
        return entity.model_copy()
    entity.intern_fields_set()
    return entity
