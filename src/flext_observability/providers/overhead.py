"""CPU time of the telemetry in this process: threads of this library, and the recording of spans and log records.

The program's own items are counted anyway, so that nothing is added to them. Their cost is measured by recording a few
items of the same shape without an exporter, in the calling thread, at most once in ``CALIBRATION_SECONDS``. The shape
is that of spans which wait in the export queues.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from flext_observability.domain.overhead import Overhead
from flext_observability.engine.compat import make_logger_provider
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.engine.shedding import Shedding
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import Ledger, SignalCounter
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.runtime.thread_cpu import cpu_clock
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

    from flext_observability.pipeline.export_worker import ExportWorker

CALIBRATION_SECONDS: Final = 60.0
"""Time for which the cost of recording is valid, while shape and detail of the spans stay the same."""
MAX_SHAPE: Final = 32
"""Maximum number of attributes and of events of a measured span."""
TRACES_PREFIX: Final = "flext-traces-"
"""Beginning of the names of workers for spans."""
_ITEMS: Final = 50
_ROUNDS: Final = 5
_ATTRIBUTES: Final[tuple[tuple[str, str | int], ...]] = (
    ("http.request.method", "GET"),
    ("http.route", "/items/{id}"),
    ("http.response.status_code", 200),
    *((f"app.attribute.{number}", "a value of usual length") for number in range(MAX_SHAPE - 3)),
)


class SpanShape(NamedTuple):
    """Shape of the program's spans: number of attributes and of events, as the program records them."""

    attributes: int = 3
    events: int = 0


class Costs(NamedTuple):
    """CPU seconds for recording one item."""

    span: float
    unsampled_span: float
    record: float


class Usage(NamedTuple):
    """Time and items of a period; times in seconds.

    Attributes:
        elapsed: Duration.
        threads: CPU time of the threads of this library.
        process: CPU time of the process.
        spans: Recorded spans.
        unsampled_spans: Spans that the sampler dropped.
        records: Log records.
    """

    elapsed: float
    threads: float
    process: float
    spans: int
    unsampled_spans: int
    records: int

    def since(self, earlier: Usage) -> Usage:
        """Return the difference to an earlier total."""
        return Usage(*(now - then for now, then in zip(self, earlier, strict=True)))  # type: ignore[arg-type]

    def recording(self, costs: Costs) -> float:
        """Return the CPU seconds for recording the items."""
        return self.spans * costs.span + self.unsampled_spans * costs.unsampled_span + self.records * costs.record

    def percent(self, costs: Costs) -> float:
        """Return the share of the telemetry in the CPU time of the process, in percent."""
        return _percent(self.threads + self.recording(costs), self.process)


def _percent(part: float, whole: float) -> float:
    return min(100 * part / max(whole, 1e-9), 100.0)


@final
class OverheadMeter:
    """Measures the cost of one configuration, from now on. Thread-safe.

    Args:
        ledger: Counts of the items.
        engine: ``lean`` or ``sdk``.
        workers: Workers of all signals. The queues of spans are read while other threads change them.
        began: The ``cpu_clock`` at the start of the configuration.

    Attributes:
        shedding: What spans leave out at present.
    """

    def __init__(
        self, ledger: Ledger, engine: str, workers: Sequence[ExportWorker[Any]], began: tuple[float, float, float]
    ) -> None:
        self.shedding = Shedding()
        self._ledger = ledger
        self._engine = engine
        self._workers = workers
        self._shape = SpanShape()
        self._began = Usage(*began, 0, 0, 0)

    def usage(self) -> Usage:
        """Return what has been used since the start."""
        spans, records = self._ledger.counters["traces"], self._ledger.counters["logs"]
        unsampled = spans.unrecorded()
        items = spans.counts().started - unsampled, unsampled, records.counts().started
        return Usage(*cpu_clock(), *items).since(self._began)

    def costs(self) -> Costs:
        """Return the cost of recording items with the shape of recent spans."""
        queues = (worker.items for worker in self._workers if worker.name.startswith(TRACES_PREFIX))
        self._shape = _shape_of(queues) or self._shape
        return current_runtime().get(_Calibration).costs(self._engine, self._shape, self.shedding)

    def measure(self) -> Overhead:
        """Return the cost since the start, without a budget."""
        usage, costs = self.usage(), self.costs()
        micros = [round(seconds * 1e6, 3) for seconds in costs]
        return Overhead(
            round(usage.percent(costs), 3),
            round(_percent(usage.threads, usage.process), 3),
            round(_percent(usage.threads, usage.elapsed), 3),
            round(usage.threads, 6),
            round(usage.recording(costs), 6),
            micros[0],
            micros[1],
            micros[2],
        )


def _shape_of(queues: Iterable[Any]) -> SpanShape | None:
    """Return the mean shape of the latest span of each queue; None without one."""
    shapes: list[SpanShape] = []
    for queue in queues:
        try:
            span = queue[-1]
            attributes, events = len(span.attributes or ()), len(span.events)
            shapes.append(SpanShape(attributes + span.dropped_attributes, events + span.dropped_events))
        except BaseException as error:  # noqa: BLE001 - empty, or a span of another library, of any class
            reraise_interrupt(error)
    if not shapes:
        return None
    return SpanShape(*(min(round(sum(each) / len(shapes)), MAX_SHAPE) for each in zip(*shapes, strict=True)))


@final
class _Calibration:
    """Cost of recording one item on this machine. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._measured_at = -inf
        self._key: object = None
        self._costs = Costs(0.0, 0.0, 0.0)

    def costs(self, engine: str, shape: SpanShape, shedding: Shedding) -> Costs:
        """Return the costs of one configuration."""
        key = engine, shape, shedding._replace(halvings=0)
        with self._lock:
            if self._key != key or time.monotonic() - self._measured_at > CALIBRATION_SECONDS:
                calls = (
                    _span_recorder(engine, shape, shedding, is_sampled=True),
                    _span_recorder(engine, shape, shedding, is_sampled=False),
                    _record_emitter(engine),
                )
                self._costs = Costs(*map(_best, calls))
                self._key, self._measured_at = key, time.monotonic()
            return self._costs


def _best(record: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, in the best of a few rounds."""
    best = inf
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for _ in range(_ITEMS):
            record()
        best = min(best, time.thread_time() - began)
    return best / _ITEMS


def _span_recorder(engine: str, shape: SpanShape, shedding: Shedding, *, is_sampled: bool) -> Callable[[], object]:
    resource, limits, sampler = Resource({}), SpanLimits(), ALWAYS_ON if is_sampled else ALWAYS_OFF
    provider: TracerProvider
    if engine == "sdk":
        provider = SdkTracerProvider(sampler, resource, shutdown_on_exit=False, span_limits=limits)
    else:
        rule = SamplingRule((1 << 64) if is_sampled else 0, parent_based=False)
        provider = EngineTracerProvider(resource=resource, sampler=sampler, rule=rule, limits=limits, sink=SpanSink())
        provider.shed(shedding._replace(halvings=0))
    tracer = provider.get_tracer("calibration")
    attributes = dict(_ATTRIBUTES[: shape.attributes])

    def record() -> None:
        span = tracer.start_span("calibration", attributes=attributes)
        for _ in range(shape.events):
            span.add_event("calibration", {"number": 1})
        span.end()

    return record


def _record_emitter(engine: str) -> Callable[[], object]:
    resource, processor = Resource({}), ExportLogRecordProcessor(SignalCounter("logs"), ())
    provider: LoggerProvider
    if engine == "sdk":
        provider = make_logger_provider(resource, None, None)
    else:
        provider = EngineLoggerProvider(resource, (None, None), processor)
    logger = provider.get_logger("calibration")
    attributes: dict[str, AttributeValue] = dict(_ATTRIBUTES[:3])
    return lambda: logger.emit(body="calibration", attributes=attributes)
