"""Metrics service: entities, or names and values → OTel instruments, a bounded store and Prometheus text."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final

from flext_observability.adapters import metric as adapter
from flext_observability.adapters.instrument_table import (
    Conflict,
    InstrumentKind,
    RecordFn,
    RefusedInstrument,
    instrument_table,
)
from flext_observability.adapters.metric import histogram_bounds
from flext_observability.domain.guard import never_raises
from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.services.dependencies import Attributes, entity_factory
from flext_observability.services.exposition import Exposition
from flext_observability.services.instruments import Counter, Gauge, Histogram, UpDownCounter
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.values.encoding import encode_tag, preview
from flext_observability.values.foreign import copy_mapping, is_a, is_mapping, plain_int, plain_number, read_all
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.units import to_ucum

if TYPE_CHECKING:
    from decimal import Decimal

    from flext_observability.domain.container import Container
    from flext_observability.domain.metric import FlextMetric
    from flext_observability.domain.plain_metric import PlainMetrics

T = TypeVar("T")

DEFAULT_STORE_SIZE = 1000
_logger: Final = logging.getLogger("flext_observability")


@final
class FlextMetricsService:
    """Record metrics. Thread-safe. Before ``init_observability`` they are only stored.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``.
    ``_metrics_store`` holds the newest entities, oldest first. Measurements of ``counter()`` … are not stored.
    """

    def __init__(self, container: Container | None = None, *, store_size: int = DEFAULT_STORE_SIZE) -> None:
        """Create a service.

        Args:
            container: Optional source of ``clock`` and ``id_generator`` for new entities, and of a ``repository`` that
                stores recorded metrics.
            store_size: Maximum number of entities in ``_metrics_store``.
        """
        self._container = container
        self._persist: Persist[FlextMetric] = repository_writer(container, "store_metric")
        self._lock = ForkSafeLock()
        self._store_size = DEFAULT_STORE_SIZE
        self._metrics_store: deque[FlextMetric] = deque()
        self._stored_ids: set[str] = set()
        self._exposition = Exposition()
        self._plain: PlainMetrics | None = None
        self.resize_store(store_size)

    def create(  # measured: benchmarks, flext_create_metric
        self,
        name: str,
        value: float | Decimal,
        unit: str = "",
        tags: Attributes = None,
        metric_type: str = "gauge",
        *,
        description: str = "",
    ) -> FlextResult[FlextMetric]:
        """Create a metric and record it. Arguments and failures: see ``record_metric``."""
        try:
            plain = self._plain
            if plain is not None and type(name) is type(unit) is type(metric_type) is str:
                record_fn = instrument_table().find(name, metric_type, unit)
                metric = None if record_fn is None else plain.make(name, value, unit, tags, metric_type, emitted=True)
                if record_fn is not None and metric is not None:
                    return self._emit_new(metric, record_fn)
            return self._create(name, value, unit, tags, metric_type, description)
        except BaseException as error:  # noqa: BLE001 - telemetry must not break the program
            reraise_interrupt(error)
            return FlextResult["FlextMetric"].fail(report_once("create", error), code="internal")

    def _emit_new(self, metric: FlextMetric, record_fn: RecordFn) -> FlextResult[FlextMetric]:
        """Record and store an entity that no caller has yet."""
        record_fn(float(metric.value), metric.tags, None)
        plugin_hooks().dispatch("on_metric_created", metric)
        self._store_new(metric)
        self._exposition.add(metric)
        return FlextResult.ok(metric)

    def _create(
        self, name: str, value: float | Decimal, unit: str, tags: Attributes, metric_type: str, description: str
    ) -> FlextResult[FlextMetric]:
        """Create and record a metric the complete way, and remember a valid combination of name, unit and type."""
        created = entity_factory(self._container).create_metric(name, value, unit, tags, metric_type)
        recorded = created.flat_map(lambda metric: self._record(metric, description))
        if self._container is None and recorded.success:
            if self._plain is None:
                from flext_observability.domain.plain_metric import PlainMetrics

                self._plain = PlainMetrics()
            self._plain.remember(name, unit, metric_type)
        return recorded

    @never_raises
    def record_metric(
        self,
        metric: FlextMetric | str,
        value: float | Decimal | None = None,
        unit: str = "",
        tags: Attributes = None,
        metric_type: str = "gauge",
        *,
        description: str = "",
    ) -> FlextResult[FlextMetric]:
        """Record an entity, or a name and a value. An entity is emitted once, also when it is recorded again.

        Args:
            metric: Entity, or instrument name. The arguments up to ``metric_type`` apply to a name only.
            value: Finite number.
            unit: Unit in words or UCUM.
            tags: Attributes: scalars by name.
            metric_type: ``gauge``, ``counter``, ``up_down_counter`` or ``histogram``.
            description: Description of the instrument. The first one given is kept.

        Returns:
            The entity; or a failure: ``invalid_metric``, ``instrument_conflict`` (the name is in use for another kind
            or unit), ``instrument_limit`` (one of more than 2000 names), or one of the container's repository (the
            metric has been recorded).
        """
        from flext_observability.domain.metric import FlextMetric

        if not is_a(metric, FlextMetric):
            name = cast("str", metric)
            return self.create(name, cast("float", value), unit, tags, metric_type, description=description)
        return metric.validate_business_rules().flat_map(lambda _: self._record(metric, description))

    @never_raises
    def collect_metrics(
        self, service_name: str, values: Mapping[str, Mapping[str, object] | float | Decimal]
    ) -> FlextResult[list[FlextMetric]]:
        """Record several values of one service. Nothing is recorded when one of them is invalid.

        Args:
            service_name: Value of the tag ``service.name`` of each metric.
            values: Numbers by metric name; or mappings with ``value``, and optionally ``unit``, ``tags`` and
                ``metric_type``.

        Returns:
            The entities, in order; or a failure: ``invalid_argument`` (no values), ``invalid_metric``,
            ``instrument_conflict``, ``instrument_limit``, or one of the container's repository.
        """
        given = copy_mapping(values) if is_mapping(values) else {}
        if not given:
            message, fix = "Invalid values: nothing to collect", "Pass a mapping from metric names to values"
            return FlextResult[list["FlextMetric"]].fail(message, code="invalid_argument", fix=fix)
        created = _all(self._entity(service_name, cast("str", name), value) for name, value in given.items())
        record_fns = created.flat_map(lambda metrics: _all(_find_instrument(metric) for metric in metrics))
        if record_fns.is_failure:
            return cast("FlextResult[list[FlextMetric]]", record_fns)
        recorded = [self._emit(*pair) for pair in zip(created.unwrap(), record_fns.unwrap(), strict=True)]
        return _all([self._persist(metric) for metric in recorded])  # a list: store each, also after a failure

    @never_raises
    def export_prometheus_format(self) -> FlextResult[str]:
        """Return the metrics that this service recorded, in the Prometheus text format, with unchanged names.

        Totals and buckets are independent of the store and never decrease.
        """
        return FlextResult[str].ok(self._exposition.generate_text())

    def counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return the counter with this name, for hot paths.

        For a name in use for another kind or unit, and for more than 2000 names, the instrument discards its
        measurements. The status names it.
        """
        return Counter(_record_fn(name, "counter", unit, description))

    def up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return the up-down counter with this name. See ``counter``."""
        return UpDownCounter(_record_fn(name, "up_down_counter", unit, description))

    def gauge(self, name: str, unit: str = "", description: str = "", *, mode: str | None = None) -> Gauge:
        """Return the gauge with this name. See ``counter``.

        Args:
            name: Instrument name.
            unit: Unit in words or UCUM.
            description: Description of the instrument.
            mode: Value on the metrics page of several processes: ``sum``, ``max``, ``min``, ``latest``, or ``process``
                for one of each. Default: the mode of the first call for the name, else ``process``. The setting
                ``metrics_gauge_modes`` takes precedence.
        """
        record_fn = _record_fn(name, "gauge", unit, description)
        if mode is not None:
            _set_gauge_mode(name, mode)
        return Gauge(record_fn)

    def histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        bounds: Sequence[float] | None = None,
        objective_seconds: float | None = None,
    ) -> Histogram:
        """Return the histogram with this name. See ``counter``.

        Args:
            name: Instrument name.
            unit: Unit in words or UCUM.
            description: Description of the instrument.
            bounds: Upper bounds of the buckets, in any order. Default: bounds for the unit. The first call for a name
                sets them.
            objective_seconds: Duration of a service level objective, in seconds. It becomes a bound, with finer ones
                around it. Applies to the units ``s``, ``ms`` and ``us``. Ignored with ``bounds``.
        """
        resolve = partial(_bounds, unit, bounds, objective_seconds)
        return Histogram(_record_fn(name, "histogram", unit, description, resolve))

    def resize_store(self, store_size: int) -> None:
        """Set the maximum number of entities in ``_metrics_store``, 0 or more. Any other value is logged once.

        The size then stays as it was.
        """
        size = plain_int(store_size)
        if size is None or size < 0:
            error = ValueError(f"{preview(store_size)} is not a whole number, 0 or more")
            report_once("Changing the size of the store of metrics", error)
            return
        with self._lock:
            self._store_size = size
            self._trim()

    @never_raises
    def conflicts(self) -> FlextResult[tuple[Conflict, ...]]:
        """Return the names used for two kinds or units in this process, with the discarded measurements."""
        return FlextResult.ok(instrument_table().conflicts())

    def _entity(self, service_name: str, name: str, given: object) -> FlextResult[FlextMetric]:
        fields: dict[str, Any] = {"value": None, "unit": "", "tags": None, "metric_type": "gauge"}
        fields |= cast("dict[str, Any]", copy_mapping(given)) if is_mapping(given) else {"value": given}
        tags = fields["tags"]
        if tags is None or is_mapping(tags):
            given_tags = cast("dict[str, object]", {} if tags is None else copy_mapping(tags))
            fields["tags"] = {"service.name": service_name, **given_tags}
        return entity_factory(self._container).create_metric(
            name, fields["value"], fields["unit"], fields["tags"], fields["metric_type"]
        )

    def _record(self, metric: FlextMetric, description: str) -> FlextResult[FlextMetric]:
        return _find_instrument(metric, description).map(partial(self._emit, metric)).flat_map(self._persist)

    def _emit(self, metric: FlextMetric, record_fn: RecordFn) -> FlextMetric:
        if metric.mark_emitted():
            adapter.record(metric, record_fn)
            plugin_hooks().dispatch("on_metric_created", metric)
        if self._store(metric):
            self._exposition.add(metric)
        return metric

    def _store(self, metric: FlextMetric) -> bool:
        """Store the entity unless it is stored already. Return whether it was new."""
        with self._lock:
            if metric.id in self._stored_ids:
                return False
            metric.intern_fields_set()
            self._store_new(metric)
            return True

    def _store_new(self, metric: FlextMetric) -> None:
        with self._lock:
            self._metrics_store.append(metric)
            self._stored_ids.add(metric.id)
            self._trim()

    def _trim(self) -> None:
        while len(self._metrics_store) > self._store_size:
            self._stored_ids.discard(self._metrics_store.popleft().id)


def _find_instrument(metric: FlextMetric, description: str = "") -> FlextResult[RecordFn]:
    """Return the recording function for the entity. A refused instrument is counted and is a failure."""
    try:
        return FlextResult.ok(adapter.instrument_of(metric, description=description))
    except RefusedInstrument as refused:
        refused.discard()
        return FlextResult[RecordFn].fail(f"Invalid metric: {refused}", code=refused.code, fix=refused.fix)


def _all(results: Iterable[FlextResult[T]]) -> FlextResult[list[T]]:
    """Return the values of all results, or the first failure."""
    values: list[T] = []
    for result in results:
        if result.is_failure:
            return cast("FlextResult[list[T]]", result)
        values.append(cast("T", result.data))
    return FlextResult[list[T]].ok(values)


def _record_fn(
    name: str, kind: InstrumentKind, unit: str, description: str, bounds: Callable[[], Sequence[float]] | None = None
) -> RecordFn:
    """Return the recording function of an instrument, one that discards when the instrument cannot be created."""
    try:
        resolved = None if bounds is None else bounds()
        return adapter.instrument(name, kind, unit, description=description, bounds=resolved)
    except RefusedInstrument as refused:
        rejection = refused
        if rejection.conflict is not None:
            warn_once(_logger, compose_message(f"{rejection}: its measurements are dropped", rejection.fix))
        return lambda _value, _attributes, _context: rejection.discard()
    except BaseException as error:  # noqa: BLE001 - an invalid name, or an error of a foreign provider
        reraise_interrupt(error)
        report_once(f"Creating {kind} {encode_tag(name, max_bytes=100)}", error)
        return lambda _value, _attributes, _context: None


def _set_gauge_mode(name: str, mode: object) -> None:
    try:
        instrument_table().set_gauge_mode(name, encode_tag(mode, max_bytes=100))
    except BaseException as error:  # noqa: BLE001 - a name that is no text, or a mode of the program
        reraise_interrupt(error)
        report_once(f"Setting the mode of gauge {encode_tag(name, max_bytes=100)}", error)


def _bounds(unit: str, bounds: Sequence[float] | None, objective_seconds: float | None) -> tuple[float, ...]:
    if bounds is not None:
        return tuple(sorted({float(bound) for bound in read_all(bounds)}))
    ucum = to_ucum(unit)
    standard = histogram_bounds(ucum)
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6}.get(ucum)
    objective = plain_number(objective_seconds)
    if scale is None or objective is None or not 0 < objective < 1e9:
        return standard
    finer = (round(objective * scale * factor, 9) for factor in (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0))
    return tuple(sorted({*standard, *finer}))
