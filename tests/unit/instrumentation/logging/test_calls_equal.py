"""Random calls of ``logging`` give the records of the SDK's logger, although other code changes these records.

The short way computes most fields when the record is exported. So after each call, this program changes all that it
can reach of the record.
"""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from opentelemetry._logs import LoggerProvider
from opentelemetry.context import attach, detach, get_current, set_value
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, use_span

from flext_observability.adapters.correlation import correlation_id_in, correlation_scope, current_correlation_id
from flext_observability.adapters.id_holder import HOLDER_KEY, IdHolder
from flext_observability.engine.compat import make_logger_provider
from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.engine.span_options import SamplingRule, SpanSink
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter

EXAMPLES = 800
RESOURCE = Resource({"service.name": "shop"})
SPAN = NonRecordingSpan(SpanContext(5, 9, is_remote=True, trace_flags=TraceFlags(1)))
pytestmark = pytest.mark.usefixtures("restored_logging")


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)


class FixedIds(IdGenerator):
    """Generates the same ids each time."""

    def generate_trace_id(self) -> int:
        return 6

    def generate_span_id(self) -> int:
        return 8


class OwnRecord(logging.LogRecord):
    """A record of a factory of the program."""


def with_field(*arguments: Any, **options: Any) -> logging.LogRecord:
    """Return a record with a field that the factory adds."""
    record = logging.LogRecord(*arguments, **options)
    record.region = "eu"
    return record


class Late(logging.Handler):
    """A handler that changes every field of the record, and the values that can be changed."""

    def emit(self, record: logging.LogRecord) -> None:
        for value in (*record.__dict__.values(), *(record.args if isinstance(record.args, tuple) else ())):
            if isinstance(value, list | dict):
                value.clear()
        for name in list(record.__dict__):
            setattr(record, name, "changed")
        record.late = "added"


class Twice(logging.Logger):
    """A logger whose records reach the bridge twice, each time with another provider."""

    providers: tuple[LoggerProvider, ...]

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        stock, engine = self.providers
        late = Late()
        for provider, each in ((stock, copy.copy(record)), (engine, record)):
            logging_bridge.install(provider=provider)
            if each is record:
                self.addHandler(late)
            super().callHandlers(each)
            logging_bridge.uninstall()
        self.removeHandler(late)


class Prefix(logging.LoggerAdapter[logging.Logger]):
    """An adapter that changes the message and adds fields."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return f"[shop] {msg}", {**kwargs, "extra": {**(kwargs.get("extra") or {}), "shop": 1}}


def fill(record: logging.LogRecord) -> bool:
    """Add a field, as a filter."""
    record.filtered = True
    return True


def rewrite(record: logging.LogRecord) -> bool:
    """Change the message, as a filter."""
    record.msg, record.args = "secret", None
    return True


def hide(record: logging.LogRecord) -> bool:
    """Remove a standard field and add another one, as a filter."""
    del record.processName
    record.hidden = 1
    return True


@contextmanager
def own_span(kind: SpanKind) -> Iterator[None]:
    """Make a span of the engine current."""
    rule = SamplingRule(1 << 64, parent_based=False)
    provider = EngineTracerProvider(
        resource=RESOURCE, sampler=ALWAYS_ON, rule=rule, limits=SpanLimits(), sink=SpanSink(), ids=FixedIds()
    )
    with provider.get_tracer("shop").start_as_current_span("sale", kind=kind):
        yield


@contextmanager
def ambient() -> Iterator[None]:
    """Have an id from outside requests, scopes and spans."""
    token = attach(set_value(HOLDER_KEY, IdHolder("start-up", ambient=True)))
    try:
        yield
    finally:
        detach(token)


texts = st.sampled_from(["", "paid", "ä", "\ud800", "x" * 9000, "y" * 300_000, "%", "z" * 200])
plain = texts | st.integers(-5, 5) | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
unusual: st.SearchStrategy[Any] = (
    st.builds(list, st.just((1, 2))) | st.builds(dict, st.just({"a": 1})) | st.just(b"raw") | st.just(1j)
)
messages = st.sampled_from(["order %s", "%d of %s", "%d", "%.2s", "%(a)s", "100 %", "%c", "%*d", "x"]) | texts | unusual
arguments = st.lists(plain | unusual, max_size=2) | st.lists(plain, max_size=6)
extras = st.none() | st.dictionaries(st.sampled_from(["order", "user", "é"]), plain | unusual, max_size=3)
scopes = st.sampled_from(
    [
        lambda: use_span(SPAN),
        lambda: own_span(SpanKind.SERVER),
        lambda: own_span(SpanKind.INTERNAL),
        lambda: correlation_scope("order-7"),
        ambient,
    ]
)
calls = st.fixed_dictionaries(
    {
        "level": st.sampled_from([5, 10, 20, 25, 30, 40, 50, 99]),
        "message": messages,
        "args": arguments,
        "extra": extras,
        "stack_info": st.sampled_from([False, False, True]),
        "exc_info": st.sampled_from([None, None, ValueError("no")]),
        "adapter": st.booleans(),
        "filter": st.sampled_from([None, None, fill, rewrite, hide]),
        "factory": st.sampled_from([logging.LogRecord, logging.LogRecord, OwnRecord, with_field]),
        "scopes": st.lists(scopes, max_size=2),
    }
)


def make_logger(stock: Kept, own: Kept) -> Twice:
    """Return a logger for the SDK's records, and for ours."""
    counter = SignalCounter("logs")
    sdk = make_logger_provider(RESOURCE, 128, None)
    sdk.add_log_record_processor(ExportLogRecordProcessor(counter, [stock]))  # type: ignore[list-item]  # a fake
    engine, exporting = DelegatingLoggerProvider(), ExportLogRecordProcessor(counter, [own])  # type: ignore[list-item]
    engine.set_delegate(EngineLoggerProvider(RESOURCE, (128, None), exporting))
    logger = Twice("shop.twice", 1)
    logger.providers = sdk, engine
    logger.addHandler(logging.NullHandler())
    return logger


def call(logger: logging.Logger, given: dict[str, Any]) -> None:
    """Log as the program does."""
    options = {name: given[name] for name in ("extra", "stack_info", "exc_info")}
    used = Prefix(logger, {}) if given["adapter"] else logger
    if given["filter"] is not None:
        logger.addFilter(given["filter"])
    logging.setLogRecordFactory(given["factory"])
    try:
        with ExitStack() as stack:
            for scope in given["scopes"]:
                stack.enter_context(scope())
            used.log(given["level"], given["message"], *given["args"], **options)
    finally:
        logging.setLogRecordFactory(logging.LogRecord)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls)
def test_calls(given: dict[str, Any]) -> None:
    theirs, ours = Kept(), Kept()
    call(make_logger(theirs, ours), given)
    for item in (*theirs.items, *ours.items):
        item.log_record.observed_timestamp = 7
    expected, encoded = (encode_logs(items).SerializeToString() for items in (theirs.items, ours.items))
    assert encoded == expected
    assert len(ours.items) == 1


def test_a_request_does_not_have_the_id_from_outside() -> None:
    with ambient():
        assert correlation_id_in(get_current()) == "start-up"
        with own_span(SpanKind.SERVER):
            assert correlation_id_in(get_current()) is current_correlation_id() is None
