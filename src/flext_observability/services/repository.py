"""Entities → a storage adapter, and back by name, tags and time (FlextObservabilityRepository)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast, final

from flext_observability.domain.container import lookup
from flext_observability.domain.criteria import MetricsCriteria, validate_criteria
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.internal_log import report_once
from flext_observability.services.dependencies import never_raises

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.container import Container
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.log_entry import FlextLogEntry
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.trace import FlextTrace
    from flext_observability.extensions.ports import FlextStorageAdapter

EntityT = TypeVar("EntityT", bound="Entity")
Persist = Callable[[EntityT], FlextResult[EntityT]]

KINDS = ("metric", "trace", "alert", "health_check", "log")
LIMIT = 1000


@final
class FlextObservabilityRepository:
    """Keep entities and find them again; safe from threads as far as its storage is (ours are).

    Every operation returns a result and never raises. A storage that cannot be used makes every operation fail with the reason.
    """

    def __init__(self, storage: FlextStorageAdapter | str | None = None, container: Container | None = None) -> None:
        """Make a repository.

        Args:
            storage: An adapter, such as ``SQLiteStorage(path)``, or a name: ``memory``, ``sqlite`` (the file
                ``flext_observability.sqlite3`` in the working directory), one registered by ``register_storage``, or an entry point of the
                group ``flext_observability.storage``. None takes the container's ``storage``, or memory.
            container: Where to look up ``storage``; optional.
        """
        self._storage = _adapter(lookup(container, "storage") if storage is None else storage)

    @property
    def storage(self) -> FlextResult[FlextStorageAdapter]:
        """The adapter; or a failure: ``unknown_storage`` (lists what there is), ``broken_storage``, ``invalid_storage``, ``storage_closed``."""
        return self._storage

    @never_raises
    def store_metric(self, metric: FlextMetric) -> FlextResult[FlextMetric]:
        """Keep a metric.

        Returns:
            The same metric; or a failure: ``invalid_metric``, and those of the storage (``SQLiteStorage.store`` lists its own).
        """
        from flext_observability.domain.metric import FlextMetric

        return self._store(FlextMetric, metric)

    @never_raises
    def store_trace(self, trace: FlextTrace) -> FlextResult[FlextTrace]:
        """Keep a trace as it is now; storing it again, when it has ended, brings it up to date.

        Returns:
            The same trace; or a failure: ``invalid_trace``, and those of the storage.
        """
        from flext_observability.domain.trace import FlextTrace

        return self._store(FlextTrace, trace)

    @never_raises
    def store_alert(self, alert: FlextAlert) -> FlextResult[FlextAlert]:
        """Keep an alert; a changed copy (escalated, resolved) takes its place.

        Returns:
            The same alert; or a failure: ``invalid_alert``, and those of the storage.
        """
        from flext_observability.domain.alert import FlextAlert

        return self._store(FlextAlert, alert)

    @never_raises
    def store_health_check(self, check: FlextHealthCheck) -> FlextResult[FlextHealthCheck]:
        """Keep the outcome of a health check.

        Returns:
            The same check; or a failure: ``invalid_health_check``, and those of the storage.
        """
        from flext_observability.domain.health_check import FlextHealthCheck

        return self._store(FlextHealthCheck, check)

    @never_raises
    def store_log_entry(self, entry: FlextLogEntry) -> FlextResult[FlextLogEntry]:
        """Keep a log entry.

        Returns:
            The same entry; or a failure: ``invalid_log``, and those of the storage.
        """
        from flext_observability.domain.log_entry import FlextLogEntry

        return self._store(FlextLogEntry, entry)

    @never_raises
    def find_metrics_by_name(self, name: str, *, limit: int = LIMIT) -> FlextResult[list[FlextMetric]]:
        """Return the newest ``limit`` metrics of this exact name, oldest first; failures ``invalid_criteria`` and those of the storage."""
        from flext_observability.domain.metric import FlextMetric

        return self._named(FlextMetric, name, limit)

    @never_raises
    def find_traces_by_name(self, name: str, *, limit: int = LIMIT) -> FlextResult[list[FlextTrace]]:
        """Return the newest ``limit`` traces of this operation, as they were stored last; see ``find_metrics_by_name``."""
        from flext_observability.domain.trace import FlextTrace

        return self._named(FlextTrace, name, limit)

    @never_raises
    def find_alerts_by_name(self, name: str, *, limit: int = LIMIT) -> FlextResult[list[FlextAlert]]:
        """Return the newest ``limit`` alerts of this name, as they were stored last; see ``find_metrics_by_name``."""
        from flext_observability.domain.alert import FlextAlert

        return self._named(FlextAlert, name, limit)

    @never_raises
    def find_health_checks_by_name(self, name: str, *, limit: int = LIMIT) -> FlextResult[list[FlextHealthCheck]]:
        """Return the newest ``limit`` outcomes of the health check of this name; see ``find_metrics_by_name``."""
        from flext_observability.domain.health_check import FlextHealthCheck

        return self._named(FlextHealthCheck, name, limit)

    @never_raises
    def find_log_entries_by_level(self, level: str, *, limit: int = LIMIT) -> FlextResult[list[FlextLogEntry]]:
        """Return the newest ``limit`` log entries of a level, in any case (``warn`` is ``warning``); see ``find_metrics_by_name``."""
        from flext_observability.domain.log_entry import FlextLogEntry

        if isinstance(cast("object", level), str):
            level = FlextLogEntry(level=level, message="").severity
        return self._named(FlextLogEntry, level, limit)

    @never_raises
    def query_metrics(self, criteria: MetricsCriteria) -> FlextResult[list[FlextMetric]]:
        """Return the newest metrics that meet the criteria, oldest first; failures ``invalid_criteria`` and those of the storage."""
        return cast("FlextResult[list[FlextMetric]]", self._query("metric", criteria))

    @never_raises
    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest entities of a kind that meet the criteria, oldest first.

        Args:
            kind: ``metric``, ``trace``, ``alert``, ``health_check`` or ``log``.
            criteria: Its ``name`` is the operation of a trace, the level of a log entry; only metrics have tags.

        Returns:
            The entities, or a failure: ``invalid_criteria``, and those of the storage.
        """
        return _known(kind).flat_map(lambda valid: self._query(valid, criteria))

    @never_raises
    def count(self, kind: str | None = None) -> FlextResult[int]:
        """Return how many entities of a kind are kept, of all kinds for None; failures ``invalid_criteria`` and those of the storage."""
        if kind is not None:
            return _known(kind).flat_map(self._count)
        counts = [self._count(each) for each in KINDS]
        failed = [count for count in counts if count.is_failure]
        return failed[0] if failed else FlextResult.ok(sum(count.unwrap() for count in counts))

    @never_raises
    def clear(self) -> FlextResult[None]:
        """Forget everything that is kept.

        Returns:
            Success; or a failure: ``unsupported`` (the adapter has no method ``clear``), and those of the storage.
        """
        return self._storage.flat_map(_clear)

    @never_raises
    def close(self) -> FlextResult[None]:
        """Close the storage, if it has a method ``close``; every later operation is a failure (``storage_closed``)."""
        storage, self._storage = self._storage, FlextResult["FlextStorageAdapter"].fail(_CLOSED, code="storage_closed")
        close = cast("Callable[[], object] | None", getattr(storage.data, "close", None))
        if close is not None:
            close()
        return FlextResult[None].ok(None)

    @never_raises
    def persist(self, entity: EntityT) -> FlextResult[EntityT]:
        """Store an entity whose rules were checked already.

        Returns:
            The same entity, or a failure of the storage.
        """
        return self._storage.flat_map(lambda storage: storage.store(entity)).map(lambda _: entity)

    def _store(self, kind: type[EntityT], entity: EntityT) -> FlextResult[EntityT]:
        if not isinstance(cast("object", entity), kind):
            message = f"Invalid {kind.kind.replace('_', ' ')}: pass a {kind.__name__}, not {type(entity).__name__}"
            return FlextResult[EntityT].fail(message, code=f"invalid_{kind.kind}")
        return entity.validate_business_rules().flat_map(lambda _: self.persist(entity))

    def _named(self, kind: type[EntityT], name: str, limit: int) -> FlextResult[list[EntityT]]:
        if not isinstance(cast("object", name), str):  # None would mean any
            message = f"Invalid criteria name: use text, not {type(name).__name__}"
            return FlextResult[list[EntityT]].fail(message, code="invalid_criteria")
        found = self._query(kind.kind, MetricsCriteria(name=name, limit=limit))
        return cast("FlextResult[list[EntityT]]", found)

    def _query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        return validate_criteria(criteria).flat_map(
            lambda valid: self._storage.flat_map(lambda of: of.query(kind, valid))
        )

    def _count(self, kind: str) -> FlextResult[int]:
        def count(storage: FlextStorageAdapter) -> FlextResult[int]:
            own = cast("Callable[[str], FlextResult[int]] | None", getattr(storage, "count", None))
            return own(kind) if own else storage.query(kind, MetricsCriteria(limit=_ALL)).map(len)

        return self._storage.flat_map(count)


_ALL = (1 << 63) - 1
_CLOSED = "The repository is closed: make a new FlextObservabilityRepository"


def _adapter(storage: object) -> FlextResult[FlextStorageAdapter]:
    if storage is None:
        from flext_observability.services.storage.memory import InMemoryStorage

        return FlextResult["FlextStorageAdapter"].ok(InMemoryStorage())
    if isinstance(storage, str):
        from flext_observability.extensions.registry import find_storage

        return find_storage(storage)
    if all(callable(getattr(storage, method, None)) for method in ("store", "query")):
        return FlextResult.ok(cast("FlextStorageAdapter", storage))
    message = f"Invalid storage: pass a name, or an object with store(entity) and query(kind, criteria), not {type(storage).__name__}"
    return FlextResult["FlextStorageAdapter"].fail(message, code="invalid_storage")


def _clear(storage: FlextStorageAdapter) -> FlextResult[None]:
    clear = cast("Callable[[], FlextResult[None]] | None", getattr(storage, "clear", None))
    if clear is None:
        message = f"{type(storage).__name__} has no method clear: give it one, or remove its data by its own means"
        return FlextResult[None].fail(message, code="unsupported")
    return clear()


def _known(kind: str) -> FlextResult[str]:
    if kind in KINDS:
        return FlextResult.ok(kind)
    return FlextResult[str].fail(f"Invalid criteria kind: use one of {', '.join(KINDS)}", code="invalid_criteria")


def repository_writer(container: Container | None, store: str) -> Persist[EntityT]:
    """Return what keeps an entity in the container's ``repository`` and gives it back, or the failure; without one, what gives it back.

    Args:
        container: Where to look up ``repository``.
        store: Name of the repository's method.
    """
    repository = lookup(container, "repository")
    if repository is None:
        return FlextResult.ok
    if isinstance(repository, FlextObservabilityRepository):
        return repository.persist  # the service has checked the rules
    method = getattr(repository, store, None)
    if not callable(method):
        message = f"Invalid repository: {type(repository).__name__} has no {store}(entity); register one that has"

        def refuse(_: EntityT) -> FlextResult[EntityT]:
            return FlextResult[EntityT].fail(message, code="invalid_repository")

        return refuse

    def keep(entity: EntityT) -> FlextResult[EntityT]:
        try:
            kept: object = method(entity)
        except Exception as error:  # noqa: BLE001 - a repository of somebody else
            return FlextResult[EntityT].fail(report_once(store, error), code="internal")
        if isinstance(kept, FlextResult):
            return cast("FlextResult[object]", kept).map(lambda _: entity)
        return FlextResult.ok(entity)

    return keep
