"""Time of OTLP encoding in microseconds per item, compared with OpenTelemetry's encoder. Both give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import TracerProvider as TracerProviderApi

from benchmarks.hot_path import ATTRIBUTES
from benchmarks.measure import Row, interleave
from flext_observability.domain.report import Signal
from flext_observability.engine.tracer import EngineTracerProvider, SamplingRule
from flext_observability.wire.otlp.encode import encode_request
from flext_observability.wire.otlp.encoder import RequestEncoder

ITEMS = 512
RESOURCE = Resource({"service.name": "bench"})


class Finished(SpanProcessor):
    """Keeps finished spans."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def rows() -> list[Row]:
    """Encode a batch of each signal with both encoders."""
    unique = [{"request.id": f"{number:032x}", "attempt": number, "seconds": number / 7} for number in range(ITEMS)]
    return [
        _row(
            "OTLP encoding, span, few distinct values",
            "traces",
            _engine([ATTRIBUTES] * ITEMS),
            _sdk([ATTRIBUTES] * ITEMS),
        ),
        _row("OTLP encoding, span, all values distinct", "traces", _engine(unique), _sdk(unique)),
        _row("OTLP encoding, log record", "logs", _logs(), _logs()),
        _row("OTLP encoding, metric point", "metrics", _points(), _points()),
    ]


def _row(name: str, signal: Signal, ours: Sequence[object], theirs: Sequence[object]) -> Row:
    encoder = RequestEncoder(signal)

    def repeat(encode: Callable[[], bytes]) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count // ITEMS):
                encode()

        return work

    sides = {"ours": lambda: encoder.encode(ours), "theirs": lambda: encode_request(signal, theirs)}
    best = interleave({side: repeat(encode) for side, encode in sides.items()}, 4 * ITEMS)
    return Row(name, best["ours"], best["theirs"], "OpenTelemetry's encoder")


def _engine(attributes: Sequence[dict[str, Any]]) -> list[ReadableSpan]:
    kept = Finished()
    provider = EngineTracerProvider(
        resource=RESOURCE,
        sampler=ALWAYS_ON,
        rule=SamplingRule(1 << 64, parent_based=False),
        limits=SpanLimits(),
        dropped=list,
        exporting=kept,
    )
    return _spans(provider, kept, attributes)


def _sdk(attributes: Sequence[dict[str, Any]]) -> list[ReadableSpan]:
    kept, provider = Finished(), TracerProvider(resource=RESOURCE, sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    return _spans(provider, kept, attributes)


def _spans(provider: TracerProviderApi, kept: Finished, attributes: Sequence[dict[str, Any]]) -> list[ReadableSpan]:
    tracer = provider.get_tracer("bench")
    for each in attributes:
        tracer.start_span("work", attributes=each).end()
    return kept.spans


def _logs() -> Sequence[object]:
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK has no annotation there
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    logger = provider.get_logger("bench")
    for number in range(ITEMS):
        logger.emit(
            LogRecord(
                timestamp=number + 1,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body=f"order {number} was paid",
                attributes=ATTRIBUTES,
            )
        )
    return kept.get_finished_logs()


def _points() -> Sequence[object]:
    reader = InMemoryMetricReader()
    meter: Meter = MeterProvider([reader], RESOURCE, shutdown_on_exit=False).get_meter("bench")
    counter, histogram = meter.create_counter("sold"), meter.create_histogram("seconds")
    for number in range(ITEMS // 2):
        counter.add(1, {**ATTRIBUTES, "shop": f"shop-{number}"})
        histogram.record(number / 7, {**ATTRIBUTES, "shop": f"shop-{number}"})
    return [reader.get_metrics_data()]
