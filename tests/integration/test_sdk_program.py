"""A program on OpenTelemetry's API and SDK alone, beside the SDK's own providers and beside ours: the same output."""

from __future__ import annotations

import pytest

from tests.programs import run

STOCK = """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

resource, reader = Resource.create({"service.name": "own"}), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider(resource=resource))
metrics.set_meter_provider(MeterProvider([reader], resource))
_logs.set_logger_provider(LoggerProvider(resource=resource))
"""
OURS = """
from flext_observability import init_observability
assert init_observability(service_name="own", exporters=["memory"], console=False).is_success
"""
PROGRAM = """
import json, threading, warnings
from opentelemetry import _logs, baggage, context, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk import _logs as sdk_logs, metrics as sdk_metrics, trace as sdk_trace
from opentelemetry.trace import Link, SpanKind, StatusCode

warnings.simplefilter("ignore", DeprecationWarning)
seen = []

class Own(sdk_trace.SpanProcessor):
    def on_start(self, span, parent_context=None):
        assert isinstance(span, sdk_trace.Span) and span.is_recording()
        span.set_attribute("own.started", threading.current_thread() is threading.main_thread())

    def on_end(self, span):
        assert isinstance(span, sdk_trace.ReadableSpan)
        data = json.loads(span.to_json())
        exceptions = [event["attributes"].get("exception.type") for event in data["events"]]
        seen.append([
            data["name"], data["kind"], data["status"], data["attributes"], exceptions, len(data["links"]),
            span.parent is not None, span.resource.attributes["service.name"], span.instrumentation_scope.name,
            span.end_time >= span.start_time, span.dropped_attributes, span.context.trace_flags.sampled,
        ])

class OwnRecords(sdk_logs.LogRecordProcessor):
    def on_emit(self, log_data):
        record = log_data.log_record
        seen.append([record.body, record.severity_text, dict(record.attributes), bool(record.trace_id)])

    emit = on_emit  # SDKs before 1.36

    def shutdown(self): ...

    def force_flush(self, timeout_millis=30000):
        return True

tracers, meters, loggers = trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()
tracer, meter, logger = tracers.get_tracer("own", "1"), meters.get_meter("own", "1"), loggers.get_logger("own", "1")
counter, histogram = meter.create_counter("own.jobs", "{job}"), meter.create_histogram("own.time", "s")
gauge = meter.create_observable_gauge("own.level", [lambda options: [metrics.Observation(7, {"side": "left"})]])
checks = [
    isinstance(tracers, sdk_trace.TracerProvider), isinstance(tracer, sdk_trace.Tracer),
    isinstance(meters, sdk_metrics.MeterProvider), isinstance(meter, sdk_metrics.Meter),
    isinstance(loggers, sdk_logs.LoggerProvider), isinstance(logger, sdk_logs.Logger),
    isinstance(counter, sdk_metrics.Counter), isinstance(histogram, sdk_metrics.Histogram),
    isinstance(gauge, sdk_metrics.ObservableGauge), isinstance(counter, metrics.Counter),
    isinstance(counter, sdk_metrics.Histogram), isinstance(tracers, sdk_metrics.MeterProvider),
    tracers.resource.attributes["service.name"], tracers.sampler.get_description() != "",
    tracer.resource is tracers.resource, tracer.sampler is tracers.sampler, tracer.instrumentation_info.name,
    *(isinstance(each.id_generator, sdk_trace.IdGenerator) for each in (tracers, tracer)),
    isinstance(tracer.span_processor, sdk_trace.SpanProcessor), logger.resource.attributes["service.name"],
    hasattr(tracer, "nothing"), hasattr(tracer, "_nothing"), hasattr(logger, "nothing"),
]
tracers.add_span_processor(Own())
loggers.add_log_record_processor(OwnRecords())

@tracer.start_as_current_span("decorated")
def decorated(value):
    trace.get_current_span().add_event("called", {"value": value})
    return value * 2

with tracer.start_as_current_span("parent", kind=SpanKind.SERVER, attributes={"a": 1, "b": (1, 2)}) as parent:
    token = context.attach(baggage.set_baggage("tenant", "blue"))
    assert decorated(21) == 42 and baggage.get_baggage("tenant") == "blue"
    context.detach(token)
    child = tracer.start_span("child", links=[Link(parent.get_span_context(), {"why": "test"})], start_time=5)
    child.set_attributes({"c": 1.5, "d": None, "e": [True, False]})
    child.set_status(StatusCode.UNSET, "ignored"); child.set_status(StatusCode.ERROR, "broken")
    thread = threading.Thread(target=child.end, args=(9,))
    thread.start(); thread.join()
    child.end(); child.set_attribute("late", 1); parent.start()
    logger.emit(LogRecord(
        timestamp=3, severity_number=SeverityNumber.WARN, severity_text="WARN", body="careful", attributes={"k": "v"},
        context=context.get_current(),
    ))
try:
    with tracer.start_as_current_span("failing"):
        raise ValueError("no")
except ValueError:
    pass
with trace.use_span(tracer.start_span("used"), end_on_exit=True):
    counter.add(2, {"kind": "a"}); counter.add(3, {"kind": "a"}); histogram.record(0.25)
for provider in (tracers, meters, loggers):
    provider.force_flush(1000)  # some old SDKs return nothing
print(json.dumps([checks, seen]))
"""


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_a_program_on_the_sdk_alone_is_unchanged(engine: str) -> None:
    stock = run(STOCK + PROGRAM)
    ours = run(OURS + PROGRAM, FLEXT_OBSERVABILITY_ENGINE=engine)
    assert stock.code == 0
    messages = "Calling end() on an ended span.\nSetting attribute on ended span.\nCalling start() on a started span.\n"
    assert messages in stock.err
    assert (ours.code, ours.out, ours.err) == (0, stock.out, stock.err)
