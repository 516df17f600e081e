"""OTLP encoding, compared with OpenTelemetry's encoder. Both give the same bytes, or the case fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from benchmarks.cases.sides import ATTRIBUTES, RESOURCE, started
from benchmarks.measure import interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import memory_store
from flext_observability.domain.report import Signal
from flext_observability.wire.otlp.encode import encode_request
from flext_observability.wire.otlp.encoder import RequestEncoder

ITEMS = 512
UNIQUE: Sequence[dict[str, Any]] = [
    {"request.id": f"{number:032x}", "attempt": number, "seconds": number / 7} for number in range(ITEMS)
]
HTTP: Sequence[dict[str, Any]] = [
    {
        "http.request.method": ("GET", "POST", "PUT")[number % 3],
        "http.route": f"/shops/{{shop}}/items/{number % 20}",
        "url.path": f"/shops/{number % 50}/items/{number}",
        "url.scheme": "https",
        "server.address": "shop.example",
        "server.port": 443,
        "client.address": f"192.0.2.{number % 200}",
        "http.response.status_code": (200, 201, 404)[number % 3],
        "network.protocol.version": "1.1",
        "user_agent.original": f"client/{number % 10}",
    }
    for number in range(ITEMS)
]


def traces(settings: Settings) -> list[Reading]:
    """G6: spans with few distinct values, of HTTP requests with cold caches, and with all values distinct."""
    few: Sequence[dict[str, Any]] = [dict(ATTRIBUTES) for _ in range(ITEMS)]
    return [
        _compare(settings, "G6 few", "traces", _ours(few), _stock(few)),
        _compare(settings, "G6 http", "traces", _ours(HTTP), _stock(HTTP), cold=True),
        _compare(settings, "G6 unique", "traces", _ours(UNIQUE), _stock(UNIQUE)),
    ]


def logs_and_metrics(settings: Settings) -> list[Reading]:
    """G7: log records and metric points."""
    records, points = _logs(), _points()
    return [
        _compare(settings, "G7 logs", "logs", records, records),
        _compare(settings, "G7 metrics", "metrics", points, points),
    ]


def _compare(
    settings: Settings,
    key: str,
    signal: Signal,
    ours: Sequence[object],
    theirs: Sequence[object],
    *,
    cold: bool = False,
) -> Reading:
    encoder = RequestEncoder(signal)
    if encoder.encode(theirs) != encode_request(signal, theirs):
        raise RuntimeError(f"the encoders of {signal} give different bytes")

    def encode() -> bytes:
        return (RequestEncoder(signal) if cold else encoder).encode(ours)

    def repeat(work: Callable[[], bytes]) -> Callable[[int], None]:
        def encode_batches(count: int) -> None:
            for _ in range(max(1, count // ITEMS)):
                work()

        return encode_batches

    sides = {"ours": repeat(encode), "theirs": repeat(lambda: encode_request(signal, theirs))}
    rounds = interleave(sides, ITEMS if settings.quick else 2 * ITEMS, settings.rounds)
    return reading(key, rounds.ratio("theirs", "ours"), rounds.best("ours"), rounds.best("theirs"))


def _ours(attributes: Sequence[dict[str, Any]]) -> Sequence[object]:
    """Return spans of the tracer of this library, as its exporters get them."""
    with started(exporters="memory") as handle:
        from opentelemetry import trace

        _record(trace.get_tracer("bench"), attributes)
        handle.flush()
        spans: list[object] = list(memory_store().spans)
        memory_store().clear()
    return spans


def _stock(attributes: Sequence[dict[str, Any]]) -> Sequence[ReadableSpan]:
    kept, provider = InMemorySpanExporter(), TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    _record(provider.get_tracer("bench"), attributes)
    return kept.get_finished_spans()


def _record(tracer: Tracer, attributes: Sequence[dict[str, Any]]) -> None:
    for each in attributes:
        tracer.start_span("work", kind=SpanKind.SERVER, attributes=each).end()


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
