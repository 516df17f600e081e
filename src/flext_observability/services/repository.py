"""Repository: store entities in a storage adapter, and find them by name, tags and time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

from flext_observability.domain.container import Container, lookup
from flext_observability.domain.criteria import DEFAULT_LIMIT, MetricsCriteria, validate_criteria
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import invalid_choice, to_result
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.foreign import has_methods, is_a, is_one_of, method, plain_text, type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.extensions.ports import FlextStorageAdapter

EntityT = TypeVar("EntityT", bound="Entity")
Persist = Callable[[EntityT], FlextResult[EntityT]]

KINDS = ("metric", "trace", "alert", "health_check", "log")


@final
class FlextObservabilityRepository:
    """Store and find entities. Thread-safe if the storage is; the built-in ones are.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``. With an
    invalid storage, every operation returns the failure of ``storage``.
    """

    def __init__(self, storage: FlextStorageAdapter | str | None = None, container: Container | None = None) -> None:
        """Create a repository.

        Args:
            storage: Adapter, such as ``SQLiteStorage(path)``, or a name: ``memory``, ``sqlite`` (the file
                ``flext_observability.sqlite3`` in the working directory), a name registered by ``register_storage``, or
                an entry point of the group ``flext_observability.storage``. None: the ``storage`` of the container, or
                memory.
            container: Optional source of ``storage``.
        """
        self._storage = _adapter(lookup(container, "storage") if storage is None else storage)

    @property
    def storage(self) -> FlextResult[FlextStorageAdapter]:
        """Adapter, or a failure: ``unknown_storage``, ``broken_storage``, ``invalid_storage``, ``storage_closed``."""
        return self._storage

    @never_raises
    def store_metric(self, metric: FlextMetric) -> FlextResult[FlextMetric]:
        """Store a metric.

        Returns:
            The same entity; or a failure: ``invalid_<kind>``, or one of the storage (see ``SQLiteStorage.store``).
        """
        return self._store("metric", metric)

    @never_raises
    def store_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """Store the current state of a trace. Store it again after its end to update it. See ``store_metric``."""
        return self._store("trace", trace)

    @never_raises
    def store_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Store an alert. It replaces an earlier state with the same id. See ``store_metric``."""
        return self._store("alert", alert)

    @never_raises
    def store_health_check(self, check: FlextHealthCheck) -> FlextResult[FlextHealthCheck]:
        """Store the result of a health check. See ``store_metric``."""
        return self._store("health_check", check)

    @never_raises
    def store_log_entry(self, entry: FlextLogEntry) -> FlextResult[FlextLogEntry]:
        """Store a log entry. See ``store_metric``."""
        return self._store("log", entry)

    @never_raises
    def find_metrics_by_name(self, name: str, *, limit: int = DEFAULT_LIMIT) -> FlextResult[list[FlextMetric]]:
        """Return the newest ``limit`` metrics with this exact name, oldest first.

        Returns:
            The metrics; or a failure: ``invalid_criteria``, or one of the storage.
        """
        return self._find_by_name("metric", name, limit)

    @never_raises
    def find_traces_by_name(self, name: str, *, limit: int = DEFAULT_LIMIT) -> FlextResult[list[FlextTrace]]:
        """Return the newest ``limit`` traces of this operation. See ``find_metrics_by_name``."""
        return self._find_by_name("trace", name, limit)

    @never_raises
    def find_alerts_by_name(self, name: str, *, limit: int = DEFAULT_LIMIT) -> FlextResult[list[FlextAlert]]:
        """Return the newest ``limit`` alerts with this name. See ``find_metrics_by_name``."""
        return self._find_by_name("alert", name, limit)

    @never_raises
    def find_health_checks_by_name(
        self, name: str, *, limit: int = DEFAULT_LIMIT
    ) -> FlextResult[list[FlextHealthCheck]]:
        """Return the newest ``limit`` results of the health check with this name. See ``find_metrics_by_name``."""
        return self._find_by_name("health_check", name, limit)

    @never_raises
    def find_log_entries_by_level(self, level: str, *, limit: int = DEFAULT_LIMIT) -> FlextResult[list[FlextLogEntry]]:
        """Return the newest ``limit`` log entries of a level, in any case (``warn`` means ``warning``).

        See ``find_metrics_by_name``.
        """
        from flext_observability.domain.log_entry import FlextLogEntry

        if is_a(level, str):
            level = FlextLogEntry(level=level, message="").severity
        return self._find_by_name("log", level, limit)

    @never_raises
    def query_metrics(self, criteria: MetricsCriteria) -> FlextResult[list[FlextMetric]]:
        """Return the newest metrics that match the criteria, oldest first. Failures: see ``query``."""
        return cast("FlextResult[list[FlextMetric]]", self._query("metric", criteria))

    @never_raises
    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest entities of a kind that match the criteria, oldest first.

        Args:
            kind: ``metric``, ``trace``, ``alert``, ``health_check`` or ``log``.
            criteria: Conditions. ``name`` is the operation of a trace, or the level of a log entry. Only metrics have
                tags.

        Returns:
            The entities; or a failure: ``invalid_criteria``, or one of the storage.
        """
        return _check_kind(kind).flat_map(lambda _: self._query(kind, criteria))

    @never_raises
    def count(self, kind: str | None = None) -> FlextResult[int]:
        """Return the number of stored entities of a kind, of all kinds for None. Failures: see ``query``."""
        if kind is not None:
            return _check_kind(kind).flat_map(lambda _: self._count(kind))
        counts = [self._count(name) for name in KINDS]
        failed = [count for count in counts if count.is_failure]
        return failed[0] if failed else FlextResult.ok(sum(count.unwrap() for count in counts))

    @never_raises
    def clear(self) -> FlextResult[None]:
        """Delete every entity.

        Returns:
            Success; or a failure: ``unsupported`` (the adapter has no method ``clear``), or one of the storage.
        """
        return self._storage.flat_map(_clear)

    @never_raises
    def close(self) -> FlextResult[None]:
        """Close the storage, if it has a method ``close``. Every later operation fails with ``storage_closed``."""
        closed = FlextResult["FlextStorageAdapter"].fail(
            "The repository is closed", code="storage_closed", fix="Create a new FlextObservabilityRepository"
        )
        storage, self._storage = self._storage, closed
        close = method(storage.data, "close")
        if close is not None:
            close()
        return FlextResult[None].ok(None)

    @never_raises
    def persist(self, entity: EntityT) -> FlextResult[EntityT]:
        """Store an entity whose rules were already checked.

        Returns:
            The same entity, or a failure of the storage.
        """
        return self._storage.flat_map(lambda storage: storage.store(entity)).map(lambda _: entity)

    def _store(self, kind: str, entity: EntityT) -> FlextResult[EntityT]:
        from flext_observability.services.storage.rows import ENTITIES

        expected = ENTITIES[kind]
        if is_a(cast("object", entity), expected):
            return entity.validate_business_rules().flat_map(lambda _: self.persist(entity))
        message = f"Invalid {kind.replace('_', ' ')}: {type_name(entity)} is not a {expected.__name__}"
        return FlextResult[EntityT].fail(message, code=f"invalid_{kind}", fix=f"Pass a {expected.__name__}")

    def _find_by_name(self, kind: str, name: str, limit: int) -> FlextResult[list[Any]]:
        """Return entities of a kind. The caller declares their type."""
        if is_a(cast("object", name), str):
            return self._query(kind, MetricsCriteria(name=name, limit=limit))
        message = f"Invalid criteria name: {type_name(name)} is not text"  # None would match any name
        return FlextResult[list["Entity"]].fail(message, code="invalid_criteria", fix="Use text")

    def _query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        return validate_criteria(criteria).flat_map(
            lambda valid: self._storage.flat_map(lambda storage: storage.query(kind, valid))
        )

    def _count(self, kind: str) -> FlextResult[int]:
        def count(storage: FlextStorageAdapter) -> FlextResult[int]:
            native = cast("Callable[[str], FlextResult[int]] | None", method(storage, "count"))
            return native(kind) if native else storage.query(kind, MetricsCriteria(limit=sys.maxsize)).map(len)

        return self._storage.flat_map(count)


def _adapter(storage: object) -> FlextResult[FlextStorageAdapter]:
    if storage is None:
        from flext_observability.services.storage.memory import InMemoryStorage

        return FlextResult["FlextStorageAdapter"].ok(InMemoryStorage())
    name = plain_text(storage)
    if name is not None:
        from flext_observability.extensions.registry import storage_registry

        return storage_registry().find(name)
    if has_methods(storage, ("store", "query")):
        return FlextResult.ok(cast("FlextStorageAdapter", storage))
    message = f"Invalid storage: {type_name(storage)} is not a storage adapter"
    fix = "Pass a name, or an object with store(entity) and query(kind, criteria)"
    return FlextResult["FlextStorageAdapter"].fail(message, code="invalid_storage", fix=fix)


def _clear(storage: FlextStorageAdapter) -> FlextResult[None]:
    clear = cast("Callable[[], FlextResult[None]] | None", method(storage, "clear"))
    if clear is None:
        message = f"Cannot clear the storage: {type_name(storage)} has no method clear"
        return FlextResult[None].fail(message, code="unsupported", fix="Implement clear(), or delete the data directly")
    return clear()


def _check_kind(kind: str) -> FlextResult[None]:
    return to_result(None if is_one_of(kind, KINDS) else invalid_choice("criteria kind", kind, KINDS), "criteria")


def repository_writer(container: Container | None, store: str) -> Persist[EntityT]:
    """Return a function that stores an entity in the ``repository`` of the container, and returns it or a failure.

    Without a repository, the function only returns the entity.

    Args:
        container: Optional source of ``repository``.
        store: Method of a foreign repository that stores the entity.
    """
    repository = lookup(container, "repository")
    if repository is None:
        return FlextResult.ok
    if is_a(repository, FlextObservabilityRepository):
        return repository.persist  # the service already checked the rules
    write = method(repository, store)
    if write is None:
        message = f"Invalid repository: {type_name(repository)} has no method {store}"
        invalid = FlextResult[EntityT].fail(message, code="invalid_repository", fix=f"Implement {store}(entity)")
        return lambda _: invalid

    def persist(entity: EntityT) -> FlextResult[EntityT]:
        try:
            stored: object = write(entity)
        except BaseException as error:  # noqa: BLE001 - an error of a foreign repository
            reraise_interrupt(error)
            return FlextResult[EntityT].fail(report_once(store, error), code="internal")
        if is_a(stored, FlextResult):
            return cast("FlextResult[object]", stored).map(lambda _: entity)
        return FlextResult.ok(entity)

    return persist
