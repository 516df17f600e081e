"""Intake: spans and records are counted, marked and handed to every exporter."""

from __future__ import annotations

import time
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult

from flext_observability.adapters.correlation import correlation_scope
from flext_observability.adapters.id_holder import with_new_holder
from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor, ExportSpanProcessor, SpanProcessors
from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.sampling import CountingSampler
from flext_observability.pipeline.schedule import Schedule
from tests.fakes import ScriptedExporter


class RecordOnly(Sampler):
    def should_sample(self, *args: Any, **options: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "record only"


class Bench:
    """One SDK provider of each kind with our intake behind it, and two exporters."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self.counter = SignalCounter("traces")
        self.exporters = [ScriptedExporter(), ScriptedExporter()]
        self.workers = [self._delivery(exporter) for exporter in self.exporters]
        resource = Resource({"service.name": "shop"})
        self.traces = TracerProvider(
            sampler=CountingSampler(sampler, self.counter), resource=resource, shutdown_on_exit=False
        )
        self.traces.add_span_processor(ExportSpanProcessor(self.counter, self.workers))
        self.logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logs.add_log_record_processor(ExportLogRecordProcessor(self.counter, self.workers))

    @staticmethod
    def _delivery(exporter: ScriptedExporter) -> ExportWorker[Any]:
        return ExportWorker(
            name="flext-fake",
            exporter=exporter,
            queue=ExportQueue(100),
            schedule=Schedule(60, 1, 100),
            report=lambda outcome, overflow: None,
        )

    def delivered(self) -> list[list[Any]]:
        deadline = time.monotonic() + 5
        for worker in self.workers:
            worker.begin_close(deadline)
            worker.wait_closed(deadline)
        return [[item for batch in exporter.batches for item in batch] for exporter in self.exporters]


def test_every_exporter_gets_the_same_span() -> None:
    bench = Bench()
    bench.traces.get_tracer("t").start_span("work").end()
    first, second = bench.delivered()
    assert [span.name for span in first] == ["work"]
    assert first[0] is second[0]


def test_spans_that_are_not_recorded_are_counted_as_sampled_out() -> None:
    bench = Bench(ALWAYS_OFF)
    bench.traces.get_tracer("t").start_span("work").end()
    counts = bench.counter.counts()
    assert (counts.started, counts.sampled_out, counts.open) == (1, 1, 0)
    assert bench.delivered() == [[], []]


def test_spans_recorded_but_not_sampled_are_not_exported() -> None:
    bench = Bench(RecordOnly())
    bench.traces.get_tracer("t").start_span("work").end()
    counts = bench.counter.counts()
    assert (counts.started, counts.sampled_out, counts.open) == (1, 1, 0)
    assert bench.delivered() == [[], []]


def test_the_counting_sampler_describes_itself_as_the_inner_one() -> None:
    assert CountingSampler(ALWAYS_OFF, SignalCounter("traces")).get_description() == ALWAYS_OFF.get_description()


def test_spans_carry_the_correlation_id() -> None:
    bench = Bench()
    with correlation_scope("order-7"):
        bench.traces.get_tracer("t").start_span("work").end()
    assert bench.delivered()[0][0].attributes["flext.correlation_id"] == "order-7"


def test_spans_carry_the_id_that_arrived_with_their_parent_context() -> None:
    bench = Bench()
    bench.traces.get_tracer("t").start_span("work", with_new_holder(context.get_current(), "from-outside")).end()
    assert bench.delivered()[0][0].attributes["flext.correlation_id"] == "from-outside"


class Listing(SpanProcessor):
    """Keeps the calls of all processors that have the same list."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        self.calls.append(f"{self.name} start {span.name} {parent_context}")

    def _on_ending(self, span: Any) -> None:
        self.calls.append(f"{self.name} ending {span.name} {span.is_recording()}")

    def on_end(self, span: Any) -> None:
        self.calls.append(f"{self.name} end {span.name} {span.end_time}")

    def shutdown(self) -> None:
        self.calls.append(f"{self.name} shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.calls.append(f"{self.name} flush")
        return True


def calls_of(processors: SynchronousMultiSpanProcessor, calls: list[str]) -> list[str]:
    """Return the calls of the processors for spans before and after a second one is added."""
    provider = TracerProvider(active_span_processor=processors, shutdown_on_exit=False)
    tracer = provider.get_tracer("t")
    tracer.start_span("alone", Context()).end(1)
    open_span = tracer.start_span("open")
    provider.add_span_processor(Listing("second", calls))
    open_span.end(2)
    tracer.start_span("both").end(3)
    assert provider.force_flush()
    provider.shutdown()
    return calls


def test_processors_are_called_as_those_of_the_sdk() -> None:
    ours: list[str] = []
    theirs: list[str] = []
    multiple = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # OTel has no types here
    multiple.add_span_processor(Listing("first", theirs))
    assert calls_of(SpanProcessors(Listing("first", ours)), ours) == calls_of(multiple, theirs)
    assert len(ours) >= 12


def test_a_foreign_resource_keeps_the_service_name_as_an_attribute() -> None:
    bench = Bench()
    other = bench.traces.get_tracer("t", attributes={"flext.service.name": "billing"})
    other.start_span("charge").end()
    own = bench.traces.get_tracer("t", attributes={"flext.service.name": "shop"})
    own.start_span("sell").end()
    charge, sell = bench.delivered()[0]
    assert charge.attributes == {"flext.service.name": "billing"}
    assert sell.attributes == {}


def test_records_reach_every_exporter_with_the_correlation_id() -> None:
    bench = Bench()
    with correlation_scope("order-7"):
        bench.logs.get_logger("l").emit(LogRecord(body="sold", attributes={"n": 1}))
    first, second = bench.delivered()
    assert first[0] is second[0]
    assert dict(first[0].log_record.attributes) == {"n": 1, "flext.correlation_id": "order-7"}
    assert first[0].resource.attributes["service.name"] == "shop"


def test_records_without_an_id_are_left_as_they_are() -> None:
    bench = Bench()
    bench.logs.get_logger("l").emit(LogRecord(body="sold"))
    assert not bench.delivered()[0][0].log_record.attributes


def test_an_id_that_a_record_brings_is_its_own() -> None:
    bench = Bench()
    with correlation_scope("in-force"):
        bench.logs.get_logger("l").emit(LogRecord(body="x", attributes={"flext.correlation_id": "own"}))
    assert bench.delivered()[0][0].log_record.attributes["flext.correlation_id"] == "own"


def test_records_about_exporting_never_enter() -> None:
    bench = Bench()
    with suppress_instrumentation():
        bench.logs.get_logger("l").emit(LogRecord(body="connection refused"))
    assert bench.counter.counts().started == 0
    assert bench.delivered() == [[], []]


def test_a_record_without_a_resource_gets_an_empty_one() -> None:
    bench = Bench()
    logger: Any = bench.logs.get_logger("l")  # the SDK's logger takes what the API's does not name
    logger.emit(ReadWriteLogRecord(LogRecord(body="x"), resource=None))
    assert dict(bench.delivered()[0][0].resource.attributes) == {}


@pytest.mark.parametrize("call", ["shutdown", "force_flush"])
def test_the_provider_cannot_end_what_belongs_to_the_handle(call: str) -> None:
    bench = Bench()
    getattr(bench.logs, call)()
    bench.logs.get_logger("l").emit(LogRecord(body="still here"))
    assert len(bench.delivered()[0]) == 1


def following(*, is_added: bool) -> tuple[Bench, Bench, ExportSpanProcessor, ExportSpanProcessor]:
    """Return two providers, the processor of the first, and that of the second, which follows it."""
    first, second = Bench(), Bench()
    earlier = ExportSpanProcessor(first.counter, first.workers)
    later = ExportSpanProcessor(second.counter, second.workers)
    later.follow(earlier, is_added=is_added)
    return first, second, earlier, later


def test_a_processor_that_is_followed_passes_its_spans_on() -> None:
    first, second, earlier, later = following(is_added=False)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(earlier)
    provider.get_tracer("t").start_span("work").end()
    assert (earlier.is_followed, later.is_followed) == (True, False)
    assert [[span.name for span in spans] for spans in second.delivered()] == [["work"], ["work"]]
    assert first.delivered() == [[], []]
    counts = second.counter.counts()
    assert (counts.started, counts.open, counts.finished) == (1, 0, 1)


def test_processors_of_one_provider_get_each_span_once() -> None:
    first, second, earlier, later = following(is_added=True)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(earlier)
    provider.add_span_processor(later)
    provider.get_tracer("t").start_span("work").end()
    assert [len(spans) for spans in (*first.delivered(), *second.delivered())] == [0, 0, 1, 1]


def test_a_span_without_a_context_is_sampled_out() -> None:
    bench = Bench()
    ExportSpanProcessor(bench.counter, bench.workers).on_end(ReadableSpan("work"))
    assert bench.counter.counts().sampled_out == 1
