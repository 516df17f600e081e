"""Settings, resource and exporters → meter provider, with one reader shared by push and pull exporters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    ExemplarFilter,
    ExemplarReservoir,
    Histogram,
    MeterProvider,
    ObservableCounter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
from flext_observability.extensions.ports import FlushOnlyExporter
from flext_observability.pipeline.exemplars import LatestPerBucketReservoir
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader
from flext_observability.values.foreign import qualified_type_name

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from flext_observability.providers.notices import Notices
    from flext_observability.settings.config import FlextObservabilityConfig

AnyMeterProvider = MeterProvider | EngineMeterProvider
EXEMPLAR_FILTERS: Mapping[str, Callable[[], ExemplarFilter]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}
_DELTA = AggregationTemporality.DELTA
TEMPORALITIES: Mapping[str, Mapping[type, Any]] = {
    "cumulative": {},
    "delta": {Counter: _DELTA, ObservableCounter: _DELTA, Histogram: _DELTA},
    "lowmemory": {Counter: _DELTA, Histogram: _DELTA},
}


DELTAS: Mapping[str, Collection[str]] = {
    "cumulative": (),
    "delta": ("counter", "observable_counter", "histogram"),
    "lowmemory": ("counter", "histogram"),
}
"""Kinds of instruments with delta temporality, by preference."""


class MetricReaders:
    """Readers of a meter provider: one cumulative reader for all, unless push exporters prefer another temporality.

    Pull exporters always read the cumulative reader. Reading deltas resets them, so each push exporter with delta
    temporality has its own reader. With the meter provider of the engine they share one aggregation.

    Args:
        config: Resolved configuration.
        resource: Resource of the metrics.
        push_count: Number of push exporters, flush-only ones excluded.
        foreign: Readers of exporters that have their own. Totals are not kept by a second start then.
        lean: Whether the engine aggregates, instead of the SDK.
    """

    def __init__(
        self,
        config: FlextObservabilityConfig,
        resource: Resource,
        push_count: int,
        foreign: Sequence[MetricReader] = (),
        *,
        lean: bool = False,
    ) -> None:
        preference = config.metrics_temporality_preference
        self.key = (*meter_key(config, resource, push_count), *foreign)
        self._foreign = foreign
        self.shared = preference == "cumulative"
        self._engine = make_engine(config, resource) if lean else None
        self.cumulative = self._make_reader(config, "cumulative")
        own = 0 if self.shared else push_count
        self._own = [self._make_reader(config, preference) for _ in range(own)]

    def for_push(self, exporters: Iterable[object]) -> Iterator[SharedMetricReader]:
        """Yield the reader of each push exporter: the cumulative one for flush-only exporters."""
        own = iter(self._own)
        for exporter in exporters:
            cumulative = self.shared or isinstance(exporter, FlushOnlyExporter)
            yield self.cumulative if cumulative else next(own)

    def readers(self) -> list[MetricReader]:
        """Return the SDK readers."""
        own = () if self._engine is not None else (self.cumulative, *self._own)
        return [*(each.reader for each in own), *self._foreign]

    def make_provider(self, config: FlextObservabilityConfig, resource: Resource) -> AnyMeterProvider:
        """Return a provider with these readers."""
        for reader in (self.cumulative, *self._own):
            reader.counts_calls = True
        return self._engine or MeterProvider(
            metric_readers=self.readers(),
            resource=resource,
            exemplar_filter=EXEMPLAR_FILTERS[config.metrics_exemplar_filter](),
            shutdown_on_exit=False,
            views=_views(config),
        )

    def _make_reader(self, config: FlextObservabilityConfig, preference: str) -> SharedMetricReader:
        if self._engine is not None:
            return SharedMetricReader(engine=EngineReader(self._engine, DELTAS[preference]))
        aggregation = _aggregation(config.metrics_default_histogram_aggregation)
        return SharedMetricReader(TEMPORALITIES[preference], aggregation)


def is_lean(config: FlextObservabilityConfig, foreign: Sequence[MetricReader], notices: Notices) -> bool:
    """Return whether the engine aggregates. Readers of other packages need the SDK, which is a notice."""
    if config.engine == "sdk":
        return False
    if foreign:
        kinds = ", ".join(sorted({qualified_type_name(each) for each in foreign}))
        notices.warn("metrics", f"The SDK aggregates the metrics, because an exporter has its own reader ({kinds})")
    return not foreign


def make_engine(config: FlextObservabilityConfig, resource: Resource) -> EngineMeterProvider:
    """Return the meter provider of the engine."""
    return EngineMeterProvider(
        resource,
        config.metrics_exemplar_filter,
        config.metrics_cardinality_limit,
        exponential=config.metrics_default_histogram_aggregation == "base2_exponential_bucket_histogram",
    )


def meter_key(config: FlextObservabilityConfig, resource: Resource, push_count: int) -> tuple[object, ...]:
    """Return the values that must be equal for a second start to keep the totals."""
    cumulative = config.metrics_temporality_preference == "cumulative"
    return (
        resource,
        config.metrics_temporality_preference,
        0 if cumulative else push_count,
        config.metrics_default_histogram_aggregation,
        config.metrics_exemplar_filter,
        config.metrics_cardinality_limit,
        config.engine,
    )


def _views(config: FlextObservabilityConfig) -> list[View]:
    """Return the view with our exemplar reservoir, for histograms with explicit buckets."""
    if config.metrics_default_histogram_aggregation != "explicit_bucket_histogram":
        return []
    return [View(instrument_type=Histogram, exemplar_reservoir_factory=_reservoirs)]


def _reservoirs(_aggregation: type) -> Callable[[dict[str, Any]], ExemplarReservoir]:
    # The SDK passes keywords, unlike its annotation.
    return cast("Callable[[dict[str, Any]], ExemplarReservoir]", LatestPerBucketReservoir)


def _aggregation(name: str) -> Mapping[type, Any]:
    if name == "base2_exponential_bucket_histogram":
        return {Histogram: ExponentialBucketHistogramAggregation()}
    return {}
