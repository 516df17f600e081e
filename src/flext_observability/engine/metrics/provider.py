"""Meter provider of the engine, on public names only: one aggregation, which readers of either temporality share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.engine.compat import connect_reader, delta_kinds, has_own_aggregation
from flext_observability.engine.metrics.attributes import Clean, clean
from flext_observability.engine.metrics.copies import CopyingMeter, provider_of
from flext_observability.engine.metrics.exemplars import ExemplarFilter
from flext_observability.engine.metrics.meter import EngineMeter, StreamOptions
from flext_observability.engine.observer import observer
from flext_observability.engine.unusable import unusable_parts
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.foreign import qualified_type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.util.types import Attributes

_logger: Final = logging.getLogger("opentelemetry.sdk.metrics")
DEFAULT_LIMIT: Final = 2000
"""Maximum number of series of an instrument. Source: OpenTelemetry's specification of the metrics SDK."""


_AGGREGATIONS_FIX: Final = 'Remove its preferred_aggregation, or set engine="sdk" (FLEXT_OBSERVABILITY_ENGINE=sdk)'


@final
class EngineMeterProvider(MeterProvider):
    """Creates meters of one resource.

    Args:
        resource: Resource of all metrics.
        exemplar_filter: ``trace_based``, ``always_on`` or ``always_off``.
        cardinality_limit: Maximum number of series of an instrument.
        exponential: Whether histograms have exponential buckets.
        redact: Attributes of a new series → those without secrets.

    Attributes:
        lock: Held during a collection.
        readers: Readers that have deltas.
    """

    def __init__(
        self,
        resource: Resource,
        exemplar_filter: str = "trace_based",
        cardinality_limit: int = DEFAULT_LIMIT,
        *,
        exponential: bool = False,
        redact: Callable[[Clean], Clean] | None = None,
    ) -> None:
        self.resource = resource
        self.lock = ForkSafeLock()
        self.readers: tuple[EngineReader, ...] = ()
        self._options = StreamOptions(
            cardinality_limit,
            ExemplarFilter(exemplar_filter),
            exponential=exponential,
            cleaned=clean if redact is None else lambda attributes: redact(clean(attributes)),
        )
        self._foreign: dict[MetricReader, EngineReader] = {}
        self._copies: dict[MetricReader, MeterProvider] = {}
        self._meters_lock = ForkSafeLock()
        self._meters: dict[InstrumentationScope, EngineMeter] = {}
        self._is_shut_down = False

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> Meter:
        """Return the meter of a scope; one that discards without a name, and after a shutdown."""
        if self._is_shut_down or not name:
            _logger.warning("%s: the meter discards", "The provider is shut down" if name else "A meter needs a name")
            return NoOpMeter(name, version, schema_url)
        scope = InstrumentationScope(name, version, schema_url, attributes)
        with self._meters_lock:
            if scope not in self._meters:
                self._meters[scope] = EngineMeter(scope, self._options)
            meter = self._meters[scope]
        if not self._copies:
            return meter
        copies = [each.get_meter(name, version, schema_url, attributes) for each in self._copies.values()]
        return CopyingMeter(name, [meter, *copies])

    @property
    def is_copied(self) -> bool:
        """Whether readers have aggregations of their own: instruments pass their measurements to the SDK, too."""
        return bool(self._copies)

    def meters(self) -> list[EngineMeter]:
        """Return all meters, in the order of their creation."""
        return list(self._meters.values())

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shut the readers of the program down, and create no more meters. The pipeline closes its own readers."""
        self._is_shut_down = True
        for reader in (*self._foreign, *self._copies):
            _call(reader, "shutdown", timeout_millis)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush the readers of the program, in order; return whether all were flushed in time."""
        deadline = monotonic() + timeout_millis / 1000
        complete = True
        for reader in (*self._foreign, *self._copies):
            left = (deadline - monotonic()) * 1000
            complete = left > 0 and _call(reader, "force_flush", left) is not False and complete
        return complete

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Add a reader of the program.

        One with aggregations of its own reads a provider of the SDK, which the status says: meters, and instruments,
        have to be created again.
        """
        if metric_reader in self._foreign or metric_reader in self._copies:
            _logger.warning("MetricReader '%s' has been registered already!", metric_reader)
            return
        if has_own_aggregation(metric_reader):
            part = _reader_text(metric_reader)
            message = f"The SDK aggregates a copy of all measurements for {part}, which has its own aggregations"
            unusable_parts().note("metrics", part, message, _AGGREGATIONS_FIX)
            self._copies[metric_reader] = provider_of(metric_reader, self.resource)
            return
        reader = self._foreign[metric_reader] = EngineReader(self, delta_kinds(metric_reader))
        connect_reader(metric_reader, reader.observe_and_collect)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Shut down a reader that was added."""
        copied = self._copies.pop(metric_reader, None)
        if copied is not None:
            unusable_parts().drop("metrics", _reader_text(metric_reader))
            _call(cast("Any", copied), "shutdown", 30_000)
            return
        reader = self._foreign.pop(metric_reader, None)
        if reader is None:
            _logger.warning("MetricReader '%s' has not been registered!", metric_reader)
            return
        reader.close()
        connect_reader(metric_reader, None)
        close: Callable[[], object] = cast("Any", metric_reader).shutdown
        close()


def _reader_text(reader: MetricReader) -> str:
    return f"the metric reader {qualified_type_name(reader)}"


def _call(reader: MetricReader, method: str, timeout_millis: float) -> object:
    """Return the result of a method of a reader of the program; False if it raises, which is logged once."""
    try:
        return getattr(reader, method)(timeout_millis=timeout_millis)
    except BaseException as error:  # noqa: BLE001 - code of the program
        reraise_interrupt(error)
        report_once(f"{method} of a metric reader", error)
        return False


@final
class EngineReader:
    """Reads the metrics of a provider. Thread-safe.

    Args:
        provider: The provider.
        deltas: Kinds of instruments whose points have delta temporality. Others are cumulative.

    Attributes:
        collected_ns: Time of its last collection; 0 before the first one.
    """

    __slots__ = ("_provider", "collected_ns", "deltas")

    def __init__(self, provider: EngineMeterProvider, deltas: Collection[str] = ()) -> None:
        self._provider = provider
        self.deltas = frozenset(deltas)
        self.collected_ns = 0
        if self.deltas:
            with provider.lock:
                provider.readers = (*provider.readers, self)

    def close(self) -> None:
        """Keep no more deltas for this reader."""
        with self._provider.lock:
            self._provider.readers = tuple(each for each in self._provider.readers if each is not self)

    def observe_and_collect(self) -> MetricsData | None:
        """Call all callbacks, then return all points."""
        with observer().collection():
            return self.collect()

    def collect(self) -> MetricsData | None:
        """Return all points, or None without any."""
        from flext_observability.engine.metrics.collection import metrics_data  # with the SDK's classes of points

        with self._provider.lock:
            now_ns = time_ns()
            data = metrics_data(self._provider, self, now_ns)
            self.collected_ns = now_ns
        return data
