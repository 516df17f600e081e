"""Random records are the same with the logger of the SDK and with ours, and give the same bytes."""

from __future__ import annotations

import copy
import sys
import warnings
from collections import ChainMap, UserDict
from collections.abc import Callable
from contextlib import ExitStack
from inspect import signature
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings, strategies as st
from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider as SdkProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context, use_span

from flext_observability.adapters.correlation import correlation_scope
from flext_observability.engine.compat import make_log_record_limits, make_logger_provider, suppress_instrumentation
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.views.from_sdk import log_view
from flext_observability.wire.otlp.encoder import RequestEncoder

EXAMPLES = 800
RESOURCE = Resource({"service.name": "shop"})
HAS_EXCEPTION = "exception" in signature(LogRecord).parameters
HAS_LIMITS = "log_record_limits" in signature(SdkProvider).parameters


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)


class OwnRecord(LogRecord):
    """A record with a field that only its program knows."""

    own = "field"


class Redacting(LogRecordProcessor):
    """Changes what a program changes."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record: Any = log_record.log_record
        record.body = f"redacted {record.body}"
        record.attributes["password"] = "x" * 30
        record.attributes["nested"] = {"a": [1, None]}

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def as_bytes(record: Any) -> object:
    """Return what the stock encoder writes, after a check that ours writes the same; or why it cannot."""
    record.log_record.observed_timestamp = 7
    try:
        stock: bytes = encode_logs([record]).SerializeToString()
    except Exception as error:  # noqa: BLE001 - what the stock encoder raises
        return type(error)
    assert RequestEncoder("logs").encode([record]) == stock
    assert log_view(record).service == "shop"
    return stock, record.dropped_attributes, list(record.log_record.context), getattr(record.log_record, "own", None)


texts = st.sampled_from(["", "a", "bb", "x" * 20, "ä", "\ud800"])
plain = texts | st.booleans() | st.integers(-5, 5) | st.integers() | st.floats(allow_nan=False)
keys = st.sampled_from("abc")
values = (
    plain | st.none() | st.binary(max_size=3) | st.lists(plain, max_size=3) | st.dictionaries(keys, plain, max_size=2)
)
unusual = st.sampled_from([object, 1j, {1}, (1, "a"), (1, 2), ["x" * 9]])
rare_keys = st.sampled_from(["a", "b", "", "flext.correlation_id"])
plain_mappings = st.none() | st.dictionaries(keys, plain, max_size=3)
mappings = plain_mappings | st.dictionaries(rare_keys, values | unusual, max_size=3)
attributes = mappings | st.builds(
    lambda kind, given: kind(given or {}), st.sampled_from([MappingProxyType, ChainMap, UserDict]), mappings
)
spans = st.builds(
    lambda trace_id, span_id, flags: NonRecordingSpan(SpanContext(trace_id, span_id, False, TraceFlags(flags))),
    st.sampled_from([0, 5, 6]),
    st.sampled_from([0, 9]),
    st.sampled_from([0, 1]),
)
contexts = st.none() | st.just(Context()) | st.builds(lambda span: set_span_in_context(span, Context()), spans)
numbers = st.none() | st.sampled_from(SeverityNumber)
times = st.none() | st.integers(0, 1 << 62) | st.sampled_from([-1, 1.5])


def failure() -> ValueError:
    """Return an exception that was raised."""
    try:
        int("broken")
    except ValueError as error:
        return error
    raise AssertionError


FAILURE = failure()
calls = st.fixed_dictionaries(
    {"body": values | unusual | texts, "attributes": attributes},
    optional={
        "timestamp": times,
        "observed_timestamp": st.none() | st.integers(0, 1 << 62),
        "context": contexts,
        "severity_number": numbers,
        "severity_text": st.none() | texts,
        "event_name": st.none() | texts,
        **({"exception": st.none() | st.just(FAILURE)} if HAS_EXCEPTION else {}),
    },
)
steps = st.fixed_dictionaries(
    {
        "call": calls,
        "as": st.sampled_from(["arguments", "record", "twice", "own class", "readable"]),
        "span": st.none() | spans,
        "correlation_id": st.none() | st.just("order-7"),
        "suppressed": st.sampled_from([False, False, False, True]),
    }
)
limits = st.tuples(st.sampled_from([None, 0, 1, 3]), st.sampled_from([None, 0, 1, 30]))


def emit(logger: Any, step: dict[str, Any], fresh: Callable[[Any], Any]) -> None:
    """Emit the record of a step."""
    call, how = {**step["call"]}, step["as"]
    if how == "arguments":
        logger.emit(**call)
        return
    record = (OwnRecord if how == "own class" else LogRecord)(**call)
    if how == "readable":
        logger.emit(ReadWriteLogRecord(record, RESOURCE, limits=make_log_record_limits(2, None)))
        return
    logger.emit(fresh(record))
    if how == "twice":
        logger.emit(fresh(record))


def run(provider: LoggerProvider, kept: Kept, program: list[dict[str, Any]], fresh: Callable[[Any], Any]) -> list[Any]:
    """Return what an exporter gets, step by step."""
    logger = provider.get_logger("lib", "1", "https://schema", {"part": "x"})
    seen: list[Any] = []
    for step in program:
        with ExitStack() as stack:
            if step["span"] is not None:
                stack.enter_context(use_span(step["span"]))
            if step["correlation_id"] is not None:
                stack.enter_context(correlation_scope(step["correlation_id"]))
            if step["suppressed"]:
                stack.enter_context(suppress_instrumentation())
            emit(logger, step, fresh)
        seen.append([as_bytes(record) for record in kept.items])
        kept.items.clear()
    return seen


@settings(max_examples=EXAMPLES, deadline=None)
@given(limits, st.booleans(), st.lists(steps, min_size=1, max_size=3))
def test_programs(bounds: tuple[int | None, int | None], redacted: bool, program: list[dict[str, Any]]) -> None:
    if not HAS_LIMITS:
        bounds = 128, None
    theirs, ours = Kept(), Kept()
    counters = SignalCounter("logs"), SignalCounter("logs")
    stock = make_logger_provider(RESOURCE, *bounds)
    exporting = ExportLogRecordProcessor(counters[1], [ours])  # type: ignore[list-item]  # a fake
    engine = EngineLoggerProvider(RESOURCE, bounds, exporting)
    if redacted:
        stock.add_log_record_processor(Redacting())
        engine.add_log_record_processor(Redacting())
    stock.add_log_record_processor(ExportLogRecordProcessor(counters[0], [theirs]))  # type: ignore[list-item]  # a fake
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The SDK changes the attributes of a record that it is given, so that it is another record the second time.
        expected = run(stock, theirs, program, copy.copy)
        assert run(engine, ours, program, lambda record: record) == expected
    assert counters[1].counts() == counters[0].counts()
