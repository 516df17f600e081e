"""Programs that configure structlog themselves: each event is emitted once."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from flext_observability import emit_log_record, traced
from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.recorded import Recorded
from tests.unit.instrumentation.sink import Sink

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture(autouse=True)
def _restored_structlog() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def values(sink: Sink) -> dict[str, Any]:
    return {name: value for name, value in sink.values.items() if not name.startswith("exception.")}


def configure_printing(*processors: Any) -> io.StringIO:
    printed = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *processors,
            emit_log_record,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(printed),
    )
    return printed


def configure_logging(renderer: Any) -> None:
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.add_log_level, emit_log_record, renderer],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def test_printed_events_are_emitted(sink: Sink) -> None:
    printed = configure_printing()
    log = structlog.get_logger().bind(region="eu")
    log.debug("below the level of structlog")
    log.warning("paid", amount=3)
    (emitted,) = sink.records
    assert (emitted.log_record.body, emitted.log_record.severity_text) == ("paid", "WARNING")
    assert values(sink) == {"region": "eu", "amount": 3}
    assert sink.attributes["code.function.name"] == "test_printed_events_are_emitted"
    assert emitted.instrumentation_scope is not None
    assert emitted.instrumentation_scope.name == __name__
    assert printed.getvalue() == '{"amount": 3, "event": "paid", "level": "warning", "region": "eu"}\n'


def test_exception_and_name_are_emitted(sink: Sink) -> None:
    configure_printing()
    try:
        int("free")
    except ValueError:
        structlog.get_logger().exception("pay", logger="shop.pay", stack_info=True)
    (emitted,) = sink.records
    assert emitted.log_record.severity_text == "ERROR"
    assert sink.attributes["exception.type"] == "ValueError"
    assert emitted.instrumentation_scope is not None
    assert emitted.instrumentation_scope.name == "shop.pay"
    assert values(sink) == {"logger": "shop.pay"}


def test_ids_are_the_current_ones(recorded: Recorded) -> None:
    configure_printing()
    with traced("pay") as span:
        structlog.get_logger().info("paid")
    (record,) = recorded.logs()
    assert record.trace_id == span.get_span_context().trace_id


@pytest.mark.parametrize("renderer", ["render_to_log_kwargs", "wrap_for_formatter"])
def test_events_through_logging_are_emitted_once(sink: Sink, renderer: str) -> None:
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    configure_logging(structlog.stdlib.render_to_log_kwargs if renderer == "render_to_log_kwargs" else wrap)
    log = structlog.get_logger("shop")
    log.info("paid", amount=3, tags={"a": 1})
    assert sink.bodies == ["paid"]
    found = values(sink)
    assert found.pop("level", "info") == "info"
    assert found == {"amount": 3, "tags": '{"a":1}'}
    try:
        int("free")
    except ValueError:
        log.exception("pay")
    assert sink.bodies == ["paid", "pay"]
    assert sink.attributes["exception.type"] == "ValueError"


def test_events_below_the_level_and_before_the_start_are_not_emitted() -> None:
    printed = configure_printing()
    structlog.get_logger().info("before")
    emitted = Sink()
    logging_bridge.install("error", provider=emitted.provider)
    structlog.get_logger().info("below")
    structlog.get_logger().error("above")
    assert emitted.bodies == ["above"]
    assert printed.getvalue().count("\n") == 3


def test_direct_call_accepts_any_values(sink: Sink) -> None:
    event: dict[str, Any] = {"event": None, "level": 5, "logger": ["other"], "exc_info": "text"}
    assert emit_log_record(None, "shout", event) is event
    (emitted,) = sink.records
    assert (emitted.log_record.body, emitted.log_record.severity_text) == ("", "INFO")
    assert values(sink) == {"level": 5, "logger": ("other",)}


def test_failure_is_logged_once_and_the_event_is_returned(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    nothing: Any = None
    assert emit_log_record(None, "info", nothing) is None
    assert emit_log_record(None, "info", nothing) is None
    assert len([record for record in caplog.records if "Sending an event of structlog failed" in record.message]) == 1
    assert sink.bodies == []
