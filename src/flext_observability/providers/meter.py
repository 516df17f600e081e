"""Settings, resource and exporters → a meter provider with one state that every push and page reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

from flext_observability.pipeline.exemplars import LatestPerBucketReservoir
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from flext_observability.settings.config import FlextObservabilityConfig

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


class MetricReaders:
    """The states behind a meter provider: one cumulative state for all, unless push prefers another temporality.

    A page always reads the cumulative state. Who reads a delta takes it away, so each push exporter then has a state of its own; each costs every
    measurement once more.

    Args:
        config: Resolved settings.
        resource: What the measurements are about.
        pushes: Number of push exporters.
    """

    def __init__(self, config: FlextObservabilityConfig, resource: Resource, pushes: int) -> None:
        aggregation = _aggregation(config.metrics_default_histogram_aggregation)
        preference = config.metrics_temporality_preference
        self.key = meter_key(config, resource, pushes)
        self.shared = preference == "cumulative"
        self.cumulative = SharedMetricReader(preferred_aggregation=aggregation)
        own = 0 if self.shared else pushes
        self._own = [SharedMetricReader(TEMPORALITIES[preference], aggregation) for _ in range(own)]

    def for_push(self, pushes: int) -> Sequence[SharedMetricReader]:
        """Return the state of each push exporter; a cumulative one serves any number, now and after a second start."""
        return [self.cumulative] * pushes if self.shared else self._own

    def readers(self) -> list[MetricReader]:
        """Return the SDK readers of all states."""
        return [state.reader for state in (self.cumulative, *self._own)]

    def make_provider(self, config: FlextObservabilityConfig, resource: Resource) -> MeterProvider:
        """Return the SDK provider that feeds the states."""
        for state in (self.cumulative, *self._own):
            state.counts_calls = True
        return MeterProvider(
            metric_readers=self.readers(),
            resource=resource,
            exemplar_filter=EXEMPLAR_FILTERS[config.metrics_exemplar_filter](),
            shutdown_on_exit=False,
            views=_views(config),
        )


def meter_key(config: FlextObservabilityConfig, resource: Resource, pushes: int) -> tuple[object, ...]:
    """Return what must stay the same for totals to be kept by a second start."""
    cumulative = config.metrics_temporality_preference == "cumulative"
    return (
        resource,
        config.metrics_temporality_preference,
        0 if cumulative else pushes,
        config.metrics_default_histogram_aggregation,
        config.metrics_exemplar_filter,
    )


def _views(config: FlextObservabilityConfig) -> list[View]:
    """Return the view that gives histograms with fixed buckets our reservoir of exemplars."""
    if config.metrics_default_histogram_aggregation != "explicit_bucket_histogram":
        return []
    return [View(instrument_type=Histogram, exemplar_reservoir_factory=_reservoirs)]


def _reservoirs(_aggregation: type) -> Callable[[dict[str, Any]], ExemplarReservoir]:
    return cast(
        "Callable[[dict[str, Any]], ExemplarReservoir]", LatestPerBucketReservoir
    )  # the SDK's annotation says a mapping where it gives keywords


def _aggregation(name: str) -> Mapping[type, Any]:
    if name == "base2_exponential_bucket_histogram":
        return {Histogram: ExponentialBucketHistogramAggregation()}
    return {}
