"""Metric entities, or names and values → OTel instruments, a bounded store and Prometheus text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast, final

from flext_observability.adapters import metric as adapter
from flext_observability.adapters.metric import Conflict, InstrumentConflict, InstrumentKind, RecordFn, histogram_bounds
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.dependencies import entity_factory, never_raises
from flext_observability.services.exposition import Exposition
from flext_observability.services.instruments import Counter, Gauge, Histogram, UpDownCounter
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.values.encoding import encode_tag
from flext_observability.values.units import to_ucum

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.domain.container import Container
    from flext_observability.domain.metric import FlextMetric

T = TypeVar("T")

STORE_SIZE = 1000
_SERVICE_TAG = "service.name"


@final
class FlextMetricsService:
    """Record metrics, from anywhere, at any time; before ``init_observability`` they reach the store alone.

    ``_metrics_store`` holds the newest entities, oldest first. Measurements by handle (``counter`` …) are not stored.
    """

    def __init__(self, container: Container | None = None, *, store_size: int = STORE_SIZE) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock`` and ``id_generator`` for new entities, and ``repository``, which keeps what is recorded;
                optional.
            store_size: Entities kept in ``_metrics_store``.
        """
        self._container = container
        self._persist: Persist[FlextMetric] = repository_writer(container, "store_metric")
        self._lock = ForkSafeLock()
        self._store_size = store_size
        self._metrics_store: deque[FlextMetric] = deque()
        self._stored_ids: set[str] = set()
        self._exposition = Exposition()

    @never_raises
    def create(
        self,
        name: str,
        value: float | Decimal,
        unit: str = "",
        tags: Mapping[str, object] | None = None,
        metric_type: str = "gauge",
        *,
        description: str = "",
    ) -> FlextResult[FlextMetric]:
        """Create a metric and record it.

        Args:
            name: OpenTelemetry instrument name.
            value: Finite number. For a counter, the increment.
            unit: Unit in words or UCUM.
            tags: Attributes: scalars by name.
            metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``.
            description: Description of the instrument. The first one given is kept.

        Returns:
            The entity, or a failure as of ``record_metric``.
        """
        created = entity_factory(self._container).create_metric(name, value, unit, tags, metric_type)
        return created.flat_map(lambda metric: self._record(metric, description))

    @never_raises
    def record_metric(
        self,
        metric: FlextMetric | str,
        value: float | Decimal | None = None,
        unit: str = "",
        tags: Mapping[str, object] | None = None,
        metric_type: str = "gauge",
        *,
        description: str = "",
    ) -> FlextResult[FlextMetric]:
        """Record an entity, or a name and a value; an entity is emitted once, however often it is recorded.

        Args:
            metric: Entity, or instrument name.
            value: Finite number, with a name.
            unit: In words or UCUM, with a name.
            tags: Scalars by name, with a name.
            metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``, with a name.
            description: Of the instrument, for people; the first one given stays.

        Returns:
            The entity; or a failure: ``invalid_metric``, ``instrument_conflict`` (the name is in use for another kind or unit), and those
            of the container's repository, though the metric has been recorded.
        """
        from flext_observability.domain.metric import FlextMetric

        if not isinstance(metric, FlextMetric):
            return self.create(metric, cast("float", value), unit, tags, metric_type, description=description)
        return metric.validate_business_rules().flat_map(lambda _: self._record(metric, description))

    @never_raises
    def collect_metrics(
        self, service_name: str, values: Mapping[str, Mapping[str, object] | float | Decimal]
    ) -> FlextResult[list[FlextMetric]]:
        """Record several values of one service at once; nothing is recorded when one of them is wrong.

        Args:
            service_name: Kept on each as the tag ``service.name``.
            values: By metric name: a number, or a mapping with ``value`` and optionally ``unit``, ``tags``, ``metric_type``.

        Returns:
            The entities, in order; or a failure: ``invalid_argument`` (nothing to collect), ``invalid_metric``,
            ``instrument_conflict``, and those of the container's repository.
        """
        if not isinstance(cast("object", values), Mapping) or not values:
            message = "There is nothing to collect: pass a mapping from metric names to values that is not empty"
            return FlextResult[list["FlextMetric"]].fail(message, code="invalid_argument")
        made = _all(self._entity(service_name, name, given) for name, given in values.items())
        recorded = made.flat_map(
            lambda entities: _all(_instrument(entity) for entity in entities).map(
                lambda writes: [self._emit(*each) for each in zip(entities, writes, strict=True)]
            )
        )
        return recorded.flat_map(lambda entities: _all([self._persist(entity) for entity in entities]))

    @never_raises
    def export_prometheus_format(self) -> FlextResult[str]:
        """Return what this service recorded since it was made, in Prometheus's text format.

        Names stand as given. Totals and buckets are kept apart from the store: they never fall.
        """
        return FlextResult[str].ok(self._exposition.render())

    def counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return the counter with this name, for hot paths; a name in use for another kind or unit gives one that discards."""
        return Counter(_writer(name, "counter", unit, description))

    def up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return the up-down counter with this name; see ``counter``."""
        return UpDownCounter(_writer(name, "up_down_counter", unit, description))

    def gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """Return the gauge with this name; see ``counter``."""
        return Gauge(_writer(name, "gauge", unit, description))

    def histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        bounds: Sequence[float] | None = None,
        objective_seconds: float | None = None,
    ) -> Histogram:
        """Return the histogram with this name; see ``counter``.

        Args:
            name: Instrument name.
            unit: In words or UCUM.
            description: For people.
            bounds: Upper bounds of the buckets in any order; by default those of the unit. The first call for a name decides.
            objective_seconds: The duration that matters, in seconds: it becomes a bound, with finer ones around it. For
                histograms in ``s``, ``ms`` or ``us``; no matter with ``bounds``.
        """
        return Histogram(
            _writer(name, "histogram", unit, description, lambda: _bounds(unit, bounds, objective_seconds))
        )

    def resize_store(self, store_size: int) -> None:
        """Keep this many entities in ``_metrics_store`` from now on."""
        with self._lock:
            self._store_size = store_size
            self._trim()

    @never_raises
    def conflicts(self) -> FlextResult[tuple[Conflict, ...]]:
        """Return each case of one name for two kinds or units met in this process, with what was discarded."""
        return FlextResult.ok(adapter.conflicts())

    def _entity(self, service_name: str, name: str, given: object) -> FlextResult[FlextMetric]:
        fields = cast("Mapping[str, object]", given) if isinstance(given, Mapping) else {"value": given}
        tags = fields.get("tags")
        if tags is None or isinstance(tags, Mapping):
            tags = {_SERVICE_TAG: service_name, **cast("Mapping[str, object]", tags or {})}
        return entity_factory(self._container).create_metric(
            name,
            cast("float", fields.get("value")),
            cast("str", fields.get("unit", "")),
            cast("Mapping[str, object]", tags),
            cast("str", fields.get("metric_type", "gauge")),
        )

    def _record(self, metric: FlextMetric, description: str) -> FlextResult[FlextMetric]:
        return _instrument(metric, description).map(partial(self._emit, metric)).flat_map(self._persist)

    def _emit(self, metric: FlextMetric, write: RecordFn) -> FlextMetric:
        if metric.mark_emitted():
            adapter.record(metric, write)
            plugin_hooks().dispatch("on_metric_created", metric)
        if self._store(metric):
            self._exposition.add(metric, histogram_bounds(to_ucum(metric.unit)))
        return metric

    def _store(self, metric: FlextMetric) -> bool:
        """Keep the entity unless it is here already; whether it was new."""
        with self._lock:
            if metric.id in self._stored_ids:
                return False
            metric.intern_fields_set()
            self._metrics_store.append(metric)
            self._stored_ids.add(metric.id)
            self._trim()
            return True

    def _trim(self) -> None:
        while len(self._metrics_store) > self._store_size:
            self._stored_ids.discard(self._metrics_store.popleft().id)


def _instrument(metric: FlextMetric, description: str = "") -> FlextResult[RecordFn]:
    """Return the call that records the entity; a conflict is counted and a failure."""
    try:
        return FlextResult.ok(adapter.instrument_of(metric, description=description))
    except InstrumentConflict as error:
        adapter.discard(error.conflict)
        return FlextResult[RecordFn].fail(f"Invalid metric: {error}", code="instrument_conflict")


def _all(results: Iterable[FlextResult[T]]) -> FlextResult[list[T]]:
    """Turn results into the result of all values, or the first failure."""
    values: list[T] = []
    for result in results:
        if result.is_failure:
            return cast("FlextResult[list[T]]", result)
        values.append(cast("T", result.data))
    return FlextResult[list[T]].ok(values)


def _writer(
    name: str,
    kind: InstrumentKind,
    unit: str,
    description: str,
    bounds: Callable[[], Sequence[float]] | None = None,
) -> RecordFn:
    """Return the writing call of an instrument; one that discards when there can be none."""
    try:
        chosen = None if bounds is None else bounds()
        return adapter.instrument(name, kind, unit, description=description, bounds=chosen)
    except InstrumentConflict as error:
        report_once(f"Using {kind} {encode_tag(name, max_bytes=100)}", error)
        conflict = error.conflict
        return lambda _value, _attributes, _context: adapter.discard(conflict)
    except Exception as error:  # noqa: BLE001 - not an instrument name, or a foreign provider's own error
        report_once(f"Making {kind} {encode_tag(name, max_bytes=100)}", error)
        return lambda _value, _attributes, _context: None


def _bounds(unit: str, bounds: Sequence[float] | None, objective_seconds: float | None) -> tuple[float, ...]:
    if bounds is not None:
        return tuple(sorted({float(bound) for bound in bounds}))
    ucum = to_ucum(unit)
    standard = histogram_bounds(ucum)
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}.get(ucum)
    if scale is None or not isinstance(objective_seconds, int | float) or not 0 < objective_seconds < 1e9:
        return standard
    around = (round(objective_seconds * scale * part, 9) for part in (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0))
    return tuple(sorted({*standard, *around}))
