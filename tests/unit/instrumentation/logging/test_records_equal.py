"""Random records of ``logging`` are the same with the logger of the SDK and with ours, on the short way and without."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from decimal import Decimal
from inspect import signature
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider as SdkProvider
from opentelemetry.sdk.resources import Resource

from flext_observability.adapters.correlation import correlation_scope
from flext_observability.engine.compat import make_logger_provider
from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.logger import EngineLogger, EngineLoggerProvider
from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.instrumentation.logging.record_fields import fields_of, queue_if_plain
from flext_observability.instrumentation.logging.structured_record import make_record, set_extras
from flext_observability.instrumentation.logging.structured_text import structured_text
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter
from tests.unit.instrumentation.sink import quiet

EXAMPLES = 800
HAS_LIMITS = "log_record_limits" in signature(SdkProvider).parameters
RESOURCE = Resource({"service.name": "shop"})
pytestmark = [
    pytest.mark.usefixtures("restored_logging"),
    # An error, the SDK's warning about dropped attributes costs the record.
    pytest.mark.filterwarnings("ignore:Log record attributes were dropped"),
]


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)


class Unprintable:
    """A value without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class OwnRecord(logging.LogRecord):
    """A record of a factory of the program."""

    def getMessage(self) -> str:  # noqa: N802 - the name in logging
        return f"own {self.msg}"


def failure() -> ValueError:
    """Return an exception that was raised."""
    try:
        int("broken")
    except ValueError as error:
        error.add_note("a note")
        return error
    raise AssertionError


FAILURE = failure()
texts = st.sampled_from(["", "paid", "ä", "\ud800", "x" * 9000, "y" * 300_000])
plain = texts | st.integers(-5, 5) | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
unusual = st.sampled_from([Decimal("1.5"), Unprintable(), (1, 2), ["a", 1], {"k": "v"}, b"raw", object])
messages = st.sampled_from(["paid %s", "%d of %s", "%(a)s", "100 %", "%c", "%.3f", "x"]) | texts | unusual
arguments: st.SearchStrategy[tuple[Any, ...]] = (
    st.just(())
    | st.tuples(plain)
    | st.tuples(plain, plain | unusual)
    | st.tuples(st.just({"a": 1}))
    | st.just(({},))
    | st.just((1 << 40,))
)
names = st.sampled_from(["order", "user", "otelTraceID", "taskName2", "_logger", "é"])
extras = st.none() | st.dictionaries(names, plain, max_size=3) | st.dictionaries(names, plain | unusual, max_size=3)
levels = st.sampled_from([0, 1, 5, 10, 20, 25, 30, 40, 50, 99])
errors = st.sampled_from([None, None, None, (ValueError, FAILURE, FAILURE.__traceback__), (None, None, None)])
Change = Callable[[logging.LogRecord], object]


def replace(**fields: object) -> Change:
    """Return a change of a record that a filter might make."""
    return lambda record: record.__dict__.update(fields)


changes: st.SearchStrategy[Change] = st.sampled_from(
    [
        replace(),
        replace(),
        replace(pathname=None),
        replace(pathname="/ä.py"),
        replace(pathname="/\udcff.py"),
        replace(pathname="p" * 9000),
        replace(funcName="f" * 9000),
        replace(funcName="ä"),
        replace(levelname="l" * 9000),
        replace(funcName=None),
        replace(lineno=True),
        replace(lineno=1 << 70),
        replace(levelname="NOTICE"),
        replace(levelname="TRACE"),
        replace(levelname=7),
        replace(levelname="\ud800"),
        replace(exc_text="from elsewhere"),
        replace(stack_info="Stack: ä"),
        replace(message="set by a formatter", asctime="now"),
        replace(args=[1]),
        lambda record: record.__dict__.pop("processName"),
        lambda record: record.__dict__.update(process=record.__dict__.pop("process"), late="x"),
        lambda record: record.__dict__.update(name=record.__dict__.pop("name"), late="x"),
    ]
)
records = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["logging", "logging", "structured", "structlog", "own"]),
        "level": levels,
        "message": messages,
        "args": arguments,
        "extra": extras,
        "error": errors,
        "change": changes,
    }
)


def build(given: dict[str, Any]) -> logging.LogRecord:
    """Return a record of the kind."""
    logger, kind, extra = logging.getLogger("shop"), given["kind"], given["extra"] or {}
    if kind == "structured":
        record = make_record(logger, given["level"], given["message"], given["args"], extra, with_values=False)
    elif kind == "structlog":
        text = structured_text("event", extra)
        record = logging.LogRecord("shop", given["level"], "/a.py", 1, {"event": "x", **extra}, (), given["error"])
        record.__dict__.update(_logger=logger, _name="info")
        set_extras(record, text)
    else:
        logging.setLogRecordFactory(OwnRecord if kind == "own" else logging.LogRecord)
        try:
            location = "/shop.py", 7, given["message"], given["args"], given["error"], "sell", extra
            record = logger.makeRecord("shop", given["level"], *location)
        finally:
            logging.setLogRecordFactory(logging.LogRecord)
    given["change"](record)
    return record


def engine_logger(kept: Kept, count: int | None = None, length: int | None = None) -> EngineLogger:
    """Return the logger of the records' scope."""
    processor = ExportLogRecordProcessor(SignalCounter("logs"), [kept])  # type: ignore[list-item]  # a fake
    return EngineLoggerProvider(RESOURCE, (count, length), processor).get_logger("shop")


@settings(max_examples=EXAMPLES, deadline=None)
@given(records)
def test_the_short_way_gives_the_fields_of_the_long_one(program: dict[str, Any]) -> None:
    record, kept = build(program), Kept()
    is_plain = queue_if_plain(record, engine_logger(kept), Context())
    assert len(kept.items) == is_plain
    if is_plain:
        made = kept.items[0].log_record
        fields = made.timestamp, made.severity_text, made.severity_number, made.body, made.attributes
        assert repr(fields) == repr(fields_of(record))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records, st.sampled_from([None, 0, 2]), st.sampled_from([None, 3]), st.none() | st.just("order-7"))
def test_the_bytes_are_those_of_the_sdk(
    program: dict[str, Any], count: int | None, length: int | None, correlation_id: str | None
) -> None:
    if not HAS_LIMITS:
        count, length = 128, None
    theirs, ours, counter = Kept(), Kept(), SignalCounter("logs")
    stock: SdkProvider = make_logger_provider(RESOURCE, count, length)
    stock.add_log_record_processor(ExportLogRecordProcessor(counter, [theirs]))  # type: ignore[list-item]  # a fake
    engine, own = DelegatingLoggerProvider(), ExportLogRecordProcessor(counter, [ours])  # type: ignore[list-item]
    engine.set_delegate(EngineLoggerProvider(RESOURCE, (count, length), own))
    logger, record = quiet("shop"), build(program)
    for provider in (stock, engine):
        logging_bridge.install(provider=provider)
        if correlation_id is None:
            logger.callHandlers(record)
        else:
            with correlation_scope(correlation_id):
                logger.callHandlers(record)
        logging_bridge.uninstall()
    for item in (*theirs.items, *ours.items):
        item.log_record.observed_timestamp = 7
    expected, given = (encode_logs(items).SerializeToString() for items in (theirs.items, ours.items))
    assert given == expected
    assert len(ours.items) == 1


def test_a_missing_standard_field_hides_no_field_of_the_program() -> None:
    record = logging.getLogger("shop").makeRecord("shop", 20, "/shop.py", 7, "x", (), None, "sell", {"order": "7"})
    del record.processName
    kept = Kept()
    assert not queue_if_plain(record, engine_logger(kept), Context())
    assert kept.items == []
    assert fields_of(record)[-1]["order"] == "7"


@pytest.mark.parametrize(
    ("message", "args", "is_plain"),
    [
        ("%d of %s", (3, "tea"), True),
        ("%d of %s", ("many", "tea"), True),
        ("%d, %.1f, %s, %s", (1 << 29, 1.5, True, None), True),
        ("%s", (1 << 62,), True),
        ("%s", (-(1 << 70),), True),
        ("%.3s", ("x" * 1000,), True),
        ("%d", ("x" * 1000,), False),
        ("%d %d %d %d %d", (1, 2, 3, 4, 5), True),
        ("%d %d %d %d", (1, 2, 3, 4, 5), False),
        ("%s", (b"raw",), False),
        ("%s", (["raw"],), False),
        ("%s and %s", ("x" * 1000, b"raw"), False),
        ("x" * 300_000 + "%d", (1,), True),
        ("%d" + "x" * 300_000, ("many",), True),
        ("x" * 300_000, (), True),
        ("paid", None, True),
        ("paid %s", [], True),
        ("paid %s", ["late"], False),
    ],
)
def test_the_text_is_that_of_the_call(message: str, args: Any, *, is_plain: bool) -> None:
    record, kept = logging.LogRecord("shop", 20, "/shop.py", 7, message, (), None, "sell"), Kept()
    record.args = args
    assert queue_if_plain(record, engine_logger(kept), Context()) is is_plain
    expected = fields_of(record)[3]
    if isinstance(args, list):
        args.append("late")
    assert [item.log_record.body for item in kept.items] == [expected] * is_plain


def test_a_queued_record_keeps_no_large_argument() -> None:
    kept, shown = Kept(), "x" * 100_000
    record = logging.LogRecord("shop", 20, "/shop.py", 7, "%.3s", (shown,), None, "sell")
    assert queue_if_plain(record, engine_logger(kept), Context())
    del record
    before = sys.getrefcount(shown)
    kept.items.clear()
    assert sys.getrefcount(shown) == before


@pytest.mark.parametrize("created", [5, -1.5, 1e12, float("nan"), float("inf"), "now"])
def test_an_unusual_time_needs_the_long_way(created: object) -> None:
    record, kept = logging.LogRecord("shop", 20, "/shop.py", 7, "paid", (), None, "sell"), Kept()
    record.__dict__["created"] = created
    assert not queue_if_plain(record, engine_logger(kept), Context())
    assert kept.items == []


def test_a_long_text_is_cut_before_it_is_queued() -> None:
    kept = Kept()
    record = logging.LogRecord("shop", 20, "/shop.py", 7, "x" * 300_000, (), None, "sell")
    assert queue_if_plain(record, engine_logger(kept), Context())
    assert len(kept.items[0].message) < 300_000


def test_a_queued_record_shares_no_values_with_its_text() -> None:
    text, kept = structured_text("paid", {"name": "tea"}), Kept()  # a reserved name, so that no field has the value
    record = logging.LogRecord("shop", 20, "/shop.py", 7, text, (), None, "sell")
    assert queue_if_plain(record, engine_logger(kept), Context())
    text.attributes.clear()
    assert kept.items[0].log_record.attributes["name"] == "tea"
