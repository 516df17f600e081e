"""Virtual subclasses: ``isinstance`` checks of third-party code accept our providers and instruments as the SDK's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk import _logs, trace

from flext_observability.engine import delegating_logger, delegating_meter, delegating_tracer, logger, tracer
from flext_observability.runtime.after_import import call_after_import

if TYPE_CHECKING:
    from abc import ABCMeta

_METRICS = "opentelemetry.sdk.metrics"


def pairs() -> tuple[tuple[ABCMeta, type], ...]:
    """Return the SDK's classes of traces and logs, each with our class that has the same public attributes."""
    return (
        (trace.TracerProvider, delegating_tracer.DelegatingTracerProvider),
        (trace.TracerProvider, tracer.EngineTracerProvider),
        (trace.Tracer, delegating_tracer.DelegatingTracer),
        (trace.Tracer, tracer.EngineTracer),
        (_logs.LoggerProvider, delegating_logger.DelegatingLoggerProvider),
        (_logs.LoggerProvider, logger.EngineLoggerProvider),
        (_logs.Logger, delegating_logger.DelegatingLogger),
        (_logs.Logger, logger.EngineLogger),
    )


def metric_pairs() -> tuple[tuple[ABCMeta, type], ...]:
    """Return the same for metrics, whose SDK is imported by the first collection."""
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
    """
    for base, ours in pairs():
        base.register(ours)
    call_after_import(_METRICS, _register_metrics)


def _register_metrics() -> None:
    for base, ours in metric_pairs():
        base.register(ours)
