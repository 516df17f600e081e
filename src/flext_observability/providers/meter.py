"""Settings, resource and exporters → a meter provider with one state that every push and page reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    ExemplarFilter,
    Histogram,
    MeterProvider,
    ObservableCounter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from flext_observability.pipeline.metric_state import MetricState

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


class MeterState:
    """The states behind a meter provider: cumulative for all, and the preferred temporality for push when that differs.

    A page always reads the cumulative state; a second state costs each measurement a second time, so it is made only on request.
    """

    def __init__(self, config: FlextObservabilityConfig, resource: Resource) -> None:
        aggregation = _aggregation(config.metrics_default_histogram_aggregation)
        self.key = meter_key(config, resource)
        self.cumulative = config.metrics_temporality_preference == "cumulative"
        self.for_pages = MetricState(preferred_aggregation=aggregation)
        self.for_push = self.for_pages
        if not self.cumulative:
            self.for_push = MetricState(TEMPORALITIES[config.metrics_temporality_preference], aggregation)

    def readers(self) -> list[MetricReader]:
        """Return the SDK readers of all states."""
        return [self.for_pages.reader] if self.cumulative else [self.for_pages.reader, self.for_push.reader]

    def make_provider(self, config: FlextObservabilityConfig, resource: Resource) -> MeterProvider:
        """Return the SDK provider that feeds the states."""
        return MeterProvider(
            metric_readers=self.readers(),
            resource=resource,
            exemplar_filter=EXEMPLAR_FILTERS[config.metrics_exemplar_filter](),
            shutdown_on_exit=False,
        )


def meter_key(config: FlextObservabilityConfig, resource: Resource) -> tuple[object, ...]:
    """Return what must stay the same for totals to be kept by a second start."""
    return (
        resource,
        config.metrics_temporality_preference,
        config.metrics_default_histogram_aggregation,
        config.metrics_exemplar_filter,
    )


def _aggregation(name: str) -> Mapping[type, Any]:
    if name == "base2_exponential_bucket_histogram":
        return {Histogram: ExponentialBucketHistogramAggregation()}
    return {}
