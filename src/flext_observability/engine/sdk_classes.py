"""Virtual subclasses: ``isinstance`` checks of third-party code accept our providers and instruments as the SDK's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk import _logs, metrics, trace

from flext_observability.engine import delegating_logger, delegating_meter, delegating_tracer, logger, tracer

if TYPE_CHECKING:
    from abc import ABCMeta

PAIRS: Final[tuple[tuple[ABCMeta, type], ...]] = (
    (trace.TracerProvider, delegating_tracer.DelegatingTracerProvider),
    (trace.TracerProvider, tracer.EngineTracerProvider),
    (trace.Tracer, delegating_tracer.DelegatingTracer),
    (trace.Tracer, tracer.EngineTracer),
    (metrics.MeterProvider, delegating_meter.DelegatingMeterProvider),
    (metrics.Meter, delegating_meter.DelegatingMeter),
    (metrics.Counter, delegating_meter.DelegatingCounter),
    (metrics.UpDownCounter, delegating_meter.DelegatingUpDownCounter),
    (metrics.Histogram, delegating_meter.DelegatingHistogram),
    (metrics.ObservableCounter, delegating_meter.DelegatingObservableCounter),
    (metrics.ObservableUpDownCounter, delegating_meter.DelegatingObservableUpDownCounter),
    (metrics.ObservableGauge, delegating_meter.DelegatingObservableGauge),
    (_logs.LoggerProvider, delegating_logger.DelegatingLoggerProvider),
    (_logs.LoggerProvider, logger.EngineLoggerProvider),
    (_logs.Logger, delegating_logger.DelegatingLogger),
    (_logs.Logger, logger.EngineLogger),
)
"""The SDK's class, and our class with the same public attributes."""


def register_sdk_classes() -> None:
    """Register our classes with the SDK's, which are abstract base classes. Idempotent.

    Libraries ask ``isinstance(get_tracer_provider(), TracerProvider)`` before they add a span processor, and
    install a provider of their own otherwise.

    The SDK of metrics is imported by the start for another reason, too: imported in the background, it would meet
    imports of its submodules by the program, and Python ends one of two such imports with a deadlock error.
    """
    for base, ours in PAIRS:
        base.register(ours)
