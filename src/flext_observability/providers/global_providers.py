"""OpenTelemetry's three globals: our delegating providers, or a provider that another library installed first."""

from __future__ import annotations

from opentelemetry import _logs, metrics, trace

from flext_observability.domain.report import Signal
from flext_observability.engine import compat
from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.delegating_tracer import DelegatingTracerProvider
from flext_observability.engine.sdk_classes import register_sdk_classes
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.runtime import current_runtime


class GlobalProviders:
    """One delegating provider for each global; None while the global holds a foreign provider."""

    def __init__(self) -> None:
        self.tracers: DelegatingTracerProvider | None = None
        self.meters: DelegatingMeterProvider | None = None
        self.loggers: DelegatingLoggerProvider | None = None
        register_fork_aware(self)

    def install(self) -> None:
        """Install a delegating provider in each unused global. Idempotent."""
        if compat.is_unset(trace.get_tracer_provider):
            trace.set_tracer_provider(DelegatingTracerProvider())
        if compat.is_unset(metrics.get_meter_provider):
            metrics.set_meter_provider(DelegatingMeterProvider())
        if compat.is_unset(_logs.get_logger_provider):
            _logs.set_logger_provider(DelegatingLoggerProvider())
        register_sdk_classes()
        # Read back: a former runtime of this process may have installed them.
        tracers, meters = trace.get_tracer_provider(), metrics.get_meter_provider()
        loggers = _logs.get_logger_provider()
        self.tracers = tracers if isinstance(tracers, DelegatingTracerProvider) else None
        self.meters = meters if isinstance(meters, DelegatingMeterProvider) else None
        self.loggers = loggers if isinstance(loggers, DelegatingLoggerProvider) else None

    def disable(self, *signals: Signal) -> None:
        """Discard these signals. Foreign providers are not changed."""
        if "traces" in signals and self.tracers is not None:
            self.tracers.set_delegate(trace.NoOpTracerProvider())
        if "metrics" in signals and self.meters is not None:
            self.meters.set_delegate(metrics.NoOpMeterProvider())
        if "logs" in signals and self.loggers is not None:
            self.loggers.set_delegate(_logs.NoOpLoggerProvider())

    def reinit_after_fork(self) -> None:
        """Free the SDK's lock of meter providers."""
        compat.reset_reader_lock()


def global_providers() -> GlobalProviders:
    """Return the global providers of the process."""
    return current_runtime().get(GlobalProviders)
