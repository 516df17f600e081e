"""OTel's three globals → our stable proxies in them, or the foreign provider that was there first."""

from __future__ import annotations

from opentelemetry import _logs, metrics, trace

from flext_observability.domain.report import Signal
from flext_observability.engine import compat
from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.delegating_tracer import DelegatingTracerProvider, Route


class GlobalProviders:
    """One proxy for each of OTel's globals; a proxy is None while a foreign provider holds the global."""

    def __init__(self) -> None:
        self.tracers: DelegatingTracerProvider | None = None
        self.meters: DelegatingMeterProvider | None = None
        self.loggers: DelegatingLoggerProvider | None = None

    def claim(self) -> None:
        """Put a proxy into each global that nobody holds; calling again changes nothing."""
        if compat.no_tracer_provider_yet():
            self.tracers = DelegatingTracerProvider()
            trace.set_tracer_provider(self.tracers)
        if compat.no_meter_provider_yet():
            self.meters = DelegatingMeterProvider()
            metrics.set_meter_provider(self.meters)
        if compat.no_logger_provider_yet():
            self.loggers = DelegatingLoggerProvider()
            _logs.set_logger_provider(self.loggers)

    def set_tracer_provider(self, provider: trace.TracerProvider, route: Route | None = None) -> None:
        """Send spans to this provider from now on."""
        if self.tracers is not None:
            self.tracers.set_delegate(provider, route)

    def turn_metrics(self, provider: metrics.MeterProvider) -> None:
        """Send measurements to this provider from now on."""
        if self.meters is not None:
            self.meters.set_delegate(provider)

    def turn_logs(self, provider: _logs.LoggerProvider) -> None:
        """Send log records to this provider from now on."""
        if self.loggers is not None:
            self.loggers.set_delegate(provider)

    def turn_off(self, *signals: Signal) -> None:
        """Send these signals nowhere."""
        if "traces" in signals:
            self.set_tracer_provider(trace.NoOpTracerProvider())
        if "metrics" in signals:
            self.turn_metrics(metrics.NoOpMeterProvider())
        if "logs" in signals:
            self.turn_logs(_logs.NoOpLoggerProvider())

    def reset_locks(self) -> None:
        """Make all locks usable in a forked child."""
        compat.reset_reader_lock()
        for seat in (self.tracers, self.meters, self.loggers):
            if seat is not None:
                seat.reset_locks()


GLOBAL_PROVIDERS = GlobalProviders()
