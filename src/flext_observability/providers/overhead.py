"""CPU time of the telemetry in this process: threads of this library, and the recording of spans and log records.

The cost of recording is measured by recording a few items without an exporter, in the calling thread, at most once
in ``CALIBRATION_SECONDS``. The program's own spans and records are counted anyway, so that nothing is added to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple, final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from flext_observability.engine.compat import make_logger_provider
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.runtime.thread_cpu import thread_cpu

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider

    from flext_observability.domain.report import LedgerSnapshot

CALIBRATION_SECONDS: Final = 60.0
"""Time for which the cost of recording is valid."""
_ITEMS: Final = 50
_ROUNDS: Final = 5
_ATTRIBUTES: Final[Mapping[str, str | int]] = {
    "http.request.method": "GET",
    "http.route": "/items/{id}",
    "http.response.status_code": 200,
}


class Overhead(NamedTuple):
    """CPU time of the telemetry, in seconds.

    Attributes:
        threads_seconds: Time of the threads of this library, since the start of the process.
        recording_seconds: Time for recording the spans and log records of the current configuration.
        process_seconds: Time of the process.
        seconds_per_span: Time for recording a span with three attributes.
        seconds_per_record: Time for recording a log record with three attributes, without the library ``logging``.
    """

    threads_seconds: float
    recording_seconds: float
    process_seconds: float
    seconds_per_span: float
    seconds_per_record: float

    @property
    def percent(self) -> float:
        """Share of the telemetry in the CPU time of the process, in percent."""
        return min(100 * (self.threads_seconds + self.recording_seconds) / max(self.process_seconds, 1e-9), 100.0)

    def to_dict(self) -> dict[str, float]:
        """Return the values for the page ``/status``."""
        return {
            "cpu_percent": round(self.percent, 3),
            "threads_cpu_seconds": round(self.threads_seconds, 6),
            "recording_cpu_seconds": round(self.recording_seconds, 6),
            "microseconds_per_span": round(self.seconds_per_span * 1e6, 3),
            "microseconds_per_record": round(self.seconds_per_record * 1e6, 3),
        }


def measure(snapshot: LedgerSnapshot, engine: str) -> Overhead:
    """Return the overhead of the process.

    Args:
        snapshot: Counts of the current configuration.
        engine: ``lean`` or ``sdk``.
    """
    per_span, per_record = current_runtime().get(_Calibration).costs(engine)
    started = {counts.signal: counts.started for counts in snapshot.signals}
    recording = started.get("traces", 0) * per_span + started.get("logs", 0) * per_record
    return Overhead(thread_cpu().seconds(), recording, time.process_time(), per_span, per_record)


@final
class _Calibration:
    """Cost of recording one item on this machine. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._measured_at = -inf
        self._costs: tuple[str, float, float] = ("", 0.0, 0.0)
        self._calls: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {}

    def costs(self, engine: str) -> tuple[float, float]:
        """Return the CPU seconds of a span and of a log record."""
        with self._lock:
            if self._costs[0] != engine or time.monotonic() - self._measured_at > CALIBRATION_SECONDS:
                if engine not in self._calls:
                    self._calls[engine] = _span_recorder(engine), _record_emitter(engine)
                record, emit = self._calls[engine]
                self._costs = engine, _best(record), _best(emit)
                self._measured_at = time.monotonic()
            return self._costs[1:]


def _best(record: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, in the best of a few rounds."""
    best = inf
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for _ in range(_ITEMS):
            record()
        best = min(best, time.thread_time() - began)
    return best / _ITEMS


def _span_recorder(engine: str) -> Callable[[], object]:
    resource, limits = Resource({}), SpanLimits()
    provider: TracerProvider
    if engine == "sdk":
        provider = SdkTracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, span_limits=limits)
    else:
        rule = SamplingRule(1 << 64, parent_based=False)
        provider = EngineTracerProvider(resource=resource, sampler=ALWAYS_ON, rule=rule, limits=limits, sink=SpanSink())
    tracer = provider.get_tracer("calibration")
    return lambda: tracer.start_span("calibration", attributes=_ATTRIBUTES).end()


def _record_emitter(engine: str) -> Callable[[], object]:
    resource, processor = Resource({}), ExportLogRecordProcessor(SignalCounter("logs"), ())
    provider: LoggerProvider
    if engine == "sdk":
        provider = make_logger_provider(resource, None, None)
    else:
        provider = EngineLoggerProvider(resource, (None, None), processor)
    logger = provider.get_logger("calibration")
    return lambda: logger.emit(body="calibration", attributes=_ATTRIBUTES)
