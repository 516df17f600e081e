"""Content of emitted log records: body, severity, time, attributes, exception, trace context."""

from __future__ import annotations

import logging
import time
from decimal import Decimal

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import TracerProvider

from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.unit.instrumentation.sink import Sink, quiet

pytestmark = pytest.mark.usefixtures("restored_logging")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_record_has_message_level_time_and_location(sink: Sink, log: logging.Logger) -> None:
    before = time.time_ns()
    log.warning("sold %d of %s", 3, "tea")
    (emitted,) = sink.records
    record = emitted.log_record

    assert record.body == "sold 3 of tea"
    assert (record.severity_text, record.severity_number) == ("WARNING", SeverityNumber.WARN)
    assert record.timestamp is not None
    assert record.observed_timestamp is not None
    assert before - 1_000_000 <= record.timestamp <= record.observed_timestamp
    assert emitted.instrumentation_scope is not None
    assert emitted.instrumentation_scope.name == "shop"
    assert sink.attributes["code.file.path"] == __file__
    assert sink.attributes["code.function.name"] == "test_record_has_message_level_time_and_location"
    assert sink.attributes["code.line.number"] > 0


@pytest.mark.parametrize(
    ("level", "number"),
    [
        (0, 0),
        (1, 1),
        (5, 3),
        (9, 4),
        (10, 5),
        (15, 7),
        (20, 9),
        (25, 11),
        (30, 13),
        (40, 17),
        (50, 21),
        (59, 24),
        (60, 24),
        (1000, 24),
    ],
)
def test_severity_numbers_keep_the_order_of_levels(level: int, number: int) -> None:
    emitted = Sink()
    logging_bridge.install(provider=emitted.provider)
    logging.getLogger("shop").handle(logging.makeLogRecord({"name": "shop", "levelno": level, "msg": "x"}))

    assert [record.log_record.severity_number for record in emitted.records] == [SeverityNumber(number)]


def test_custom_level_keeps_its_name(sink: Sink, log: logging.Logger) -> None:
    record = logging.makeLogRecord({"name": "shop", "levelno": 25, "levelname": "NOTICE", "msg": "x"})
    log.handle(record)

    assert sink.records[0].log_record.severity_text == "NOTICE"


def test_extra_fields_become_attributes(sink: Sink, log: logging.Logger) -> None:
    log.info("x", extra={"order": 7, "price": Decimal("1.50"), "tags": ["a"], "nothing": None, "otelTraceID": "0"})

    assert {name: value for name, value in sink.attributes.items() if not name.startswith("code.")} == {
        "order": 7,
        "price": "1.50",
        "tags": ("a",),
    }


def test_exception_has_the_attributes_of_the_conventions(sink: Sink, log: logging.Logger) -> None:
    try:
        int("no tea")
    except ValueError:
        log.exception("failed")

    assert sink.attributes["exception.type"] == "ValueError"
    assert sink.attributes["exception.message"] == "invalid literal for int() with base 10: 'no tea'"
    assert sink.attributes["exception.stacktrace"].startswith("Traceback")
    assert "ValueError: invalid literal" in sink.attributes["exception.stacktrace"]


def test_exception_whose_text_raises_is_described(sink: Sink) -> None:
    quiet("shop.quiet").error("failed", exc_info=UnprintableError())

    assert sink.attributes["exception.type"] == f"{__name__}.UnprintableError"
    assert sink.attributes["exception.message"] == "<no readable message>"


def test_exc_info_without_an_exception_adds_no_attributes(sink: Sink, log: logging.Logger) -> None:
    log.error("failed", exc_info=True)  # noqa: LOG014 - what is tested

    assert not any(name.startswith("exception.") for name in sink.attributes)


def test_exception_text_is_kept(sink: Sink, log: logging.Logger) -> None:
    log.handle(logging.makeLogRecord({"name": "shop", "levelno": 40, "msg": "x", "exc_text": "Traceback: remote"}))

    assert sink.attributes["exception.stacktrace"] == "Traceback: remote"


def test_stack_info_is_kept(sink: Sink, log: logging.Logger) -> None:
    log.info("here", stack_info=True)

    assert "test_stack_info_is_kept" in sink.attributes["code.stacktrace"]


def test_record_that_cannot_be_formatted_keeps_its_template(sink: Sink) -> None:
    quiet("shop.quiet").info("%d apples", "many")
    quiet("shop.quiet").info(Unprintable())

    assert sink.bodies == ["%d apples", f"<unprintable {__name__}.Unprintable>"]


def test_any_message_is_emitted(sink: Sink) -> None:
    logger = quiet("shop.quiet")
    logger.info("a\ud800b")
    logger.info("x" * 1_000_000)
    logger.info({"a": 1})

    assert sink.bodies[0] == "a\ufffdb"
    assert len(str(sink.bodies[1]).encode()) <= 262_144
    assert sink.bodies[2] == "{'a': 1}"


def test_record_has_the_ids_of_the_current_span(sink: Sink, log: logging.Logger) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("sale") as span:
        log.info("inside")
    log.info("outside")

    assert [record.log_record.trace_id for record in sink.records] == [span.get_span_context().trace_id, 0]
