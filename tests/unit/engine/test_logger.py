"""Records of the engine: what processors and exporters receive, and what raising values cost."""

from __future__ import annotations

import copy
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.log_record import EngineLogRecord, with_exception
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter

HAS_EXCEPTION = "exception" in signature(LogRecord).parameters
RESOURCE = Resource({"service.name": "shop"})


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)

    def begin_flush(self) -> int:
        return 0

    def wait_flushed(self, *_: object) -> bool:
        return True


class Processor(LogRecordProcessor):
    """A processor of the program."""

    def __init__(self, *, flushed: object = True) -> None:
        self.bodies: list[object] = []
        self.flushed = flushed
        self.ended = False

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        assert type(log_record) is ReadWriteLogRecord
        self.bodies.append(log_record.log_record.body)

    def shutdown(self) -> None:
        self.ended = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.flushed  # type: ignore[return-value]  # foreign processors return anything


class Raising(Mapping[str, int]):
    """Attributes that cannot be read."""

    def __getitem__(self, key: str) -> int:
        raise RuntimeError("no item")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        return 1


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def provider(kept: Kept) -> EngineLoggerProvider:
    return make_provider(kept)


def make_provider(kept: Kept, count: int | None = None) -> EngineLoggerProvider:
    processor = ExportLogRecordProcessor(SignalCounter("logs"), [kept])  # type: ignore[list-item]  # a fake
    return EngineLoggerProvider(RESOURCE, (count, None), processor)


def test_an_exporter_gets_the_classes_of_the_sdk(provider: EngineLoggerProvider, kept: Kept) -> None:
    context = SpanContext(5, 9, is_remote=False, trace_flags=TraceFlags(1))
    with use_span(NonRecordingSpan(context)):
        provider.get_logger("lib", "1").emit(body="x", attributes={"a": 1}, severity_number=SeverityNumber.INFO)
    (record,) = kept.items
    assert isinstance(record, ReadableLogRecord)
    assert isinstance(record.log_record, LogRecord)
    assert (record.log_record.trace_id, record.log_record.span_id, record.log_record.trace_flags) == (5, 9, 1)
    assert record.instrumentation_scope is not None
    assert (record.instrumentation_scope.name, record.resource, record.dropped_attributes) == ("lib", RESOURCE, 0)
    assert provider.get_logger("lib", "1").instrumentation_scope == record.instrumentation_scope
    assert record.limits is not None
    assert json.loads(record.to_json())["attributes"] == {"a": 1}
    assert {record: 1}[record] == 1
    assert "EngineLogRecord" in repr(record)


def test_exporters_may_copy_and_change_records(provider: EngineLoggerProvider, kept: Kept) -> None:
    provider.get_logger("lib").emit(body="x", attributes={"a": 1})
    (record,) = kept.items
    other = replace(record, resource=Resource({"service.name": "billing"}))
    assert (other.resource.attributes["service.name"], other.log_record.body) == ("billing", "x")
    copied = copy.copy(record.log_record)
    copied.attributes = {"a": 2}
    copied.body = "y"
    assert (record.body, record.attributes) == ("x", {"a": 1})
    assert record != copied
    del copied.body
    assert not hasattr(copied, "body")


def test_a_scope_has_one_logger(provider: EngineLoggerProvider) -> None:
    assert provider.get_logger("lib", "1") is provider.get_logger("lib", "1")
    assert provider.get_logger("lib", "1") is not provider.get_logger("lib", "2")
    assert provider.get_logger("lib").enabled(severity_number=SeverityNumber.DEBUG)


def test_processors_are_called_for_existing_and_new_loggers(provider: EngineLoggerProvider, kept: Kept) -> None:
    before = provider.get_logger("before")
    processor = Processor()
    provider.add_log_record_processor(processor)
    before.emit(body="one")
    provider.get_logger("after").emit(LogRecord(body="two"))
    assert processor.bodies == ["one", "two"]
    assert [item.log_record.body for item in kept.items] == ["one", "two"]


def test_a_processor_that_raises_costs_no_record(kept: Kept) -> None:
    class Failing(Processor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            raise SystemExit

    delegating: Any = DelegatingLoggerProvider()
    delegating.set_delegate(make_provider(kept))
    delegating.add_log_record_processor(Failing())
    logger = delegating.get_logger("lib")
    logger.emit(body="x")
    type(logger).emit(logger, body="y")
    assert [item.log_record.body for item in kept.items] == ["x", "y"]


@pytest.mark.parametrize(("flushed", "complete"), [(True, True), (None, True), (False, False)])
def test_flush_and_shutdown_reach_the_processors(
    provider: EngineLoggerProvider, *, flushed: object, complete: bool
) -> None:
    processor = Processor(flushed=flushed)
    provider.add_log_record_processor(processor)
    assert provider.force_flush() is complete
    assert provider.force_flush(0) is False
    provider.shutdown()
    assert processor.ended


def test_attributes_that_raise_cost_only_themselves(provider: EngineLoggerProvider, kept: Kept) -> None:
    logger = provider.get_logger("lib")
    logger.emit(body="one", attributes=Raising())
    logger.emit(LogRecord(body="two", attributes=Raising()))
    assert [(item.log_record.body, dict(item.log_record.attributes)) for item in kept.items] == [
        ("one", {}),
        ("two", {}),
    ]


def test_a_warning_that_is_an_error_costs_no_record(kept: Kept) -> None:
    logger = make_provider(kept, 1).get_logger("lib")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logger.emit(body="x", attributes={"a": 1, "b": 2})
    (record,) = kept.items
    assert (dict(record.log_record.attributes), record.dropped_attributes) == ({"b": 2}, 1)


def test_arguments_that_are_no_record_do_not_raise(
    provider: EngineLoggerProvider, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    logger: Any = provider.get_logger("lib")
    logger.emit("no record")
    logger.emit(body="x", context="no context")
    assert kept.items == []
    assert "Emitting a log record failed" in caplog.text


def test_an_exception_without_a_text_is_described(provider: EngineLoggerProvider, kept: Kept) -> None:
    attributes = with_exception({"a": 1}, UnprintableError())
    assert attributes["exception.message"] == "<no readable message>"
    assert attributes["a"] == 1
    provider.get_logger("lib").emit(body="x", exception=UnprintableError())
    assert kept.items[0].log_record.attributes["exception.type"].endswith("UnprintableError")


@pytest.mark.skipif(not HAS_EXCEPTION, reason="the oldest API has no exceptions in records")
def test_a_record_with_an_exception_can_be_emitted_twice(kept: Kept) -> None:
    logger = make_provider(kept).get_logger("lib")
    record = LogRecord(body="x", attributes={"exception.type": "Own", "a": 1, "b": 2}, exception=ValueError("no"))
    logger.emit(ReadWriteLogRecord(record))  # type: ignore[arg-type]  # the SDK's logger accepts it, too
    logger.emit(record)
    assert [item.log_record.attributes["exception.type"] for item in kept.items] == ["Own", "Own"]
    assert [len(item.log_record.attributes) for item in kept.items] == [5, 5]


def test_a_record_keeps_the_number_of_dropped_attributes(provider: EngineLoggerProvider) -> None:
    bounded: Any = ReadWriteLogRecord(LogRecord(attributes={"a": 1})).log_record.attributes
    bounded.dropped = 3
    assert with_exception(bounded, ValueError("no")).dropped == 3  # type: ignore[attr-defined]  # BoundedAttributes
    assert EngineLogRecord(LogRecord(attributes=bounded), RESOURCE).dropped_attributes == 3
