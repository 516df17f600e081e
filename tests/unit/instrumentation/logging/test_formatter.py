"""Lines of text with the current ids."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import logging.handlers
import pickle
import queue
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from flext_observability import TraceContextFormatter, correlation_scope, get_logger
from flext_observability.instrumentation.logging.formatter import CONTEXT_FIELD
from tests.unit.instrumentation.sink import Sink

pytestmark = pytest.mark.usefixtures("restored_logging")

SPAN = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
UNSAMPLED = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False))
TRACE_ID, SPAN_ID = f"{0xABC:032x}", f"{0xDEF:016x}"


def record(**fields: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "shop.pay", "levelname": "INFO", "msg": "paid", **fields})


def test_default_line_ends_with_the_ids() -> None:
    with use_span(SPAN), correlation_scope("order-7"):
        line = TraceContextFormatter().format(record())
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO shop\.pay: paid "
        rf"trace_id={TRACE_ID} span_id={SPAN_ID} correlation_id=order-7",
        line,
    )


def test_missing_ids_are_left_out() -> None:
    assert TraceContextFormatter().format(record()).endswith(" INFO shop.pay: paid")
    with correlation_scope("order-7"):
        assert TraceContextFormatter().format(record()).endswith(" paid correlation_id=order-7")


@pytest.mark.parametrize(
    ("style", "fmt"),
    [
        ("%", "%(trace_id)s|%(span_id)s|%(trace_sampled)s|%(correlation_id)s|%(message)s"),
        ("{", "{trace_id}|{span_id}|{trace_sampled}|{correlation_id}|{message}"),
        ("$", "${trace_id}|${span_id}|${trace_sampled}|${correlation_id}|${message}"),
    ],
)
def test_custom_format_uses_the_fields(style: Literal["%", "{", "$"], fmt: str) -> None:
    formatter = TraceContextFormatter(fmt, style=style)
    assert formatter.format(record()) == "||||paid"
    with use_span(SPAN), correlation_scope("order-7"):
        assert formatter.format(record()) == f"{TRACE_ID}|{SPAN_ID}|true|order-7|paid"
    with use_span(UNSAMPLED):
        assert formatter.format(record()) == f"{TRACE_ID}|{SPAN_ID}|false||paid"
    assert " INFO shop.pay: paid" in TraceContextFormatter(style=style).format(record())


def test_unknown_style_is_an_error() -> None:
    style: Any = "?"
    with pytest.raises(ValueError, match="Style must be one of"):
        TraceContextFormatter(style=style)


def test_fields_of_the_record_have_precedence() -> None:
    written = record(correlation_id="given")
    before = dict(written.__dict__)
    formatter = TraceContextFormatter("%(correlation_id)s %(trace_id)s %(more)s", defaults={"more": "m"})
    with use_span(SPAN), correlation_scope("current"):
        assert formatter.format(written) == f"given {TRACE_ID} m"
    assert {name: written.__dict__[name] for name in before} == before
    assert "trace_id" not in written.__dict__


def test_exception_follows_the_line() -> None:
    error = ValueError("no price")
    line = TraceContextFormatter("%(message)s").format(record(exc_info=(type(error), error, None)))
    assert line.splitlines()[0] == "paid"
    assert line.splitlines()[-1].startswith("ValueError: ")


@pytest.mark.parametrize("key", ["format", "fmt"])
def test_dictconfig_by_name(key: str) -> None:
    out = io.StringIO()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"ids": {"()": "flext_observability.TraceContextFormatter", key: "%(message)s %(trace_id)s"}},
            "handlers": {"out": {"class": "logging.StreamHandler", "stream": out, "formatter": "ids"}},
            "loggers": {"shop": {"handlers": ["out"], "level": "INFO", "propagate": False}},
        }
    )
    with use_span(SPAN):
        logging.getLogger("shop").info("paid")
        get_logger("shop").info("paid", amount=3)
    assert out.getvalue().splitlines() == [f"paid {TRACE_ID}", f"paid amount=3 {TRACE_ID}"]


def _through_queue(out: logging.Handler, write: Callable[[], None]) -> None:
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, out)
    logging.getLogger("shop").addHandler(logging.handlers.QueueHandler(records))
    listener.start()
    write()
    listener.stop()


def test_ids_are_those_of_the_creating_thread(sink: Sink) -> None:
    out = logging.StreamHandler(io.StringIO())
    out.setFormatter(TraceContextFormatter("%(message)s %(trace_id)s %(correlation_id)s"))

    def write() -> None:
        with use_span(SPAN), correlation_scope("order-7"):
            logging.getLogger("shop").info("inside")
            get_logger("shop").info("inside", a=1)
        logging.getLogger("shop").info("outside")

    _through_queue(out, write)
    assert out.stream.getvalue().splitlines() == [
        f"inside {TRACE_ID} order-7",
        f"inside a=1 {TRACE_ID} order-7",
        "outside  ",
    ]
    assert not any(CONTEXT_FIELD in (emitted.log_record.attributes or {}) for emitted in sink.records)


def test_without_telemetry_another_thread_has_no_ids() -> None:
    out = logging.StreamHandler(io.StringIO())
    out.setFormatter(TraceContextFormatter("%(message)s %(trace_id)s"))
    with use_span(SPAN):
        _through_queue(out, lambda: logging.getLogger("shop").warning("x"))
    assert out.stream.getvalue() == "x \n"


def test_context_is_plain_for_other_processes_and_is_written_once(sink: Sink) -> None:
    TraceContextFormatter()
    records: list[logging.LogRecord] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logging.getLogger("shop").addHandler(Collecting())
    with use_span(SPAN):
        logging.getLogger("shop").info("x")
    logging.getLogger("shop").handle(records[0])
    context = records[0].__dict__[CONTEXT_FIELD]
    assert type(context) is dict
    assert pickle.loads(pickle.dumps(context)) == {  # noqa: S301 - our own
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "trace_sampled": "true",
        "correlation_id": "",
    }
    arrived = logging.makeLogRecord({**records[0].__dict__, CONTEXT_FIELD: json.loads(json.dumps(context))})
    assert TraceContextFormatter("%(trace_id)s").format(arrived) == TRACE_ID
