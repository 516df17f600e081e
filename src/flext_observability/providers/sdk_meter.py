"""Settings and readers → meter provider of the SDK, for ``engine="sdk"`` and for readers of other packages."""

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


def make_sdk_provider(
    config: FlextObservabilityConfig, resource: Resource, readers: Sequence[MetricReader]
) -> MeterProvider:
    """Return a provider with these readers."""
    return MeterProvider(
        metric_readers=readers,
        resource=resource,
        exemplar_filter=EXEMPLAR_FILTERS[config.metrics_exemplar_filter](),
        shutdown_on_exit=False,
        views=_views(config),
    )


def default_aggregation(name: str) -> Mapping[type, Any]:
    """Return the aggregation of histograms by its name in the settings."""
    if name == "base2_exponential_bucket_histogram":
        return {Histogram: ExponentialBucketHistogramAggregation()}
    return {}


def _views(config: FlextObservabilityConfig) -> list[View]:
    """Return the view with our exemplar reservoir, for histograms with explicit buckets."""
    if config.metrics_default_histogram_aggregation != "explicit_bucket_histogram":
        return []
    return [View(instrument_type=Histogram, exemplar_reservoir_factory=_reservoirs)]


def _reservoirs(_aggregation: type) -> Callable[[dict[str, Any]], ExemplarReservoir]:
    # The SDK passes keywords, unlike its annotation.
    return cast("Callable[[dict[str, Any]], ExemplarReservoir]", LatestPerBucketReservoir)
