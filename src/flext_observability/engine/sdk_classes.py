"""Virtual subclasses: ``isinstance`` checks of third-party code accept our providers and instruments as the SDK's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk import _logs, trace

from flext_observability.engine import delegating_logger, delegating_meter, delegating_tracer, logger, tracer
from flext_observability.runtime.after_import import call_after_import

if TYPE_CHECKING:
    from abc import ABCMeta
    from collections.abc import Iterable

_METRICS: Final = "opentelemetry.sdk.metrics"
PAIRS: Final[tuple[tuple[ABCMeta, type], ...]] = (
    (trace.TracerProvider, delegating_tracer.DelegatingTracerProvider),
    (trace.TracerProvider, tracer.EngineTracerProvider),
    (trace.Tracer, delegating_tracer.DelegatingTracer),
    (trace.Tracer, tracer.EngineTracer),
    (_logs.LoggerProvider, delegating_logger.DelegatingLoggerProvider),
    (_logs.LoggerProvider, logger.EngineLoggerProvider),
    (_logs.Logger, delegating_logger.DelegatingLogger),
    (_logs.Logger, logger.EngineLogger),
)
"""The SDK's class, and our class with the same public attributes."""


def metric_pairs() -> tuple[tuple[ABCMeta, type], ...]:
    """Return the same for metrics, whose SDK costs a tenth of the start: only programs that use it import it."""
    from opentelemetry.sdk import metrics

    return (
        (metrics.MeterProvider, delegating_meter.DelegatingMeterProvider),
        (metrics.Meter, delegating_meter.DelegatingMeter),
        (metrics.Counter, delegating_meter.DelegatingCounter),
        (metrics.UpDownCounter, delegating_meter.DelegatingUpDownCounter),
        (metrics.Histogram, delegating_meter.DelegatingHistogram),
        (metrics.ObservableCounter, delegating_meter.DelegatingObservableCounter),
        (metrics.ObservableUpDownCounter, delegating_meter.DelegatingObservableUpDownCounter),
        (metrics.ObservableGauge, delegating_meter.DelegatingObservableGauge),
    )


def register_sdk_classes() -> None:
    """Register our classes with the SDK's, which are abstract base classes. Idempotent.

    Libraries ask ``isinstance(get_tracer_provider(), TracerProvider)`` before they add a span processor, and
    install a provider of their own otherwise.

    For metrics, this is done once the program has imported the SDK's classes.
    """
    _register(PAIRS)
    call_after_import(_METRICS, lambda: _register(metric_pairs()))


def _register(pairs: Iterable[tuple[ABCMeta, type]]) -> None:
    for base, ours in pairs:
        base.register(ours)
