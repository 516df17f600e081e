"""Which records of structured loggers reach handlers and pipeline; errors do not affect the caller."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from flext_observability import FlextStructuredLogger, get_logger
from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.unit.instrumentation.sink import Sink, new_exporter

pytestmark = pytest.mark.usefixtures("restored_logging")


# ---- levels ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def handled() -> Iterator[list[str]]:
    """Messages of the program's handler."""
    messages: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler = Handler()
    logging.root.addHandler(handler)
    yield messages
    logging.root.removeHandler(handler)


def test_info_is_emitted_at_the_default_root_level(handled: list[str]) -> None:
    logging.root.setLevel(logging.WARNING)
    emitted = Sink()
    logging_bridge.install(provider=emitted.provider)
    log = get_logger("shop")
    for method in (log.debug, log.info, log.warning):
        method("x")
    assert [record.log_record.severity_text for record in emitted.records] == ["INFO", "WARNING"]
    assert handled == ["x"]
    assert (log.isEnabledFor(logging.INFO), log.is_enabled_for("debug")) == (True, False)


@pytest.mark.parametrize(
    ("root", "log_level", "own", "expected"),
    [
        (logging.WARNING, "", None, ["info", "warning", "error"]),
        (logging.INFO, "", None, ["info", "warning", "error"]),
        (logging.DEBUG, "", None, ["debug", "info", "warning", "error"]),
        (logging.ERROR, "", None, ["error"]),
        (logging.WARNING, "debug", None, ["debug", "info", "warning", "error"]),
        (logging.WARNING, "error", None, ["error"]),
        (logging.WARNING, "", logging.DEBUG, ["debug", "info", "warning", "error"]),
        (logging.WARNING, "", logging.ERROR, ["error"]),
        (logging.WARNING, "debug", logging.ERROR, ["error"]),
    ],
)
@pytest.mark.parametrize("name", ["shop", "shop.pay"])
def test_levels_that_reach_the_pipeline(
    root: int, log_level: str, own: int | None, expected: list[str], name: str
) -> None:
    logging.root.setLevel(root)
    logging.getLogger("shop").setLevel(own or logging.NOTSET)
    emitted = Sink()
    logging_bridge.install(log_level, provider=emitted.provider)
    logging.root.setLevel(root)  # the program may set it after the start
    for method in ("debug", "info", "warning", "error"):
        getattr(get_logger(name), method)(method)
    assert emitted.bodies == expected


def test_logger_disabled_by_dictconfig_is_emitted_but_not_handled(sink: Sink, handled: list[str]) -> None:
    logging.getLogger("shop").disabled = True
    try:
        get_logger("shop").error("x")
    finally:
        logging.getLogger("shop").disabled = False
    assert (sink.bodies, handled) == (["x"], [])


def test_logging_disable_is_respected(sink: Sink) -> None:
    logging.disable(logging.INFO)
    try:
        get_logger("shop").info("off")
        get_logger("shop").warning("on")
    finally:
        logging.disable(logging.NOTSET)
    assert sink.bodies == ["on"]


def test_structured_root_logger() -> None:
    logging.root.setLevel(logging.WARNING)
    emitted = Sink()
    logging_bridge.install(provider=emitted.provider)
    get_logger("root").info("x")
    assert emitted.bodies == ["x"]


def test_before_the_start_only_handlers_get_records(handled: list[str]) -> None:
    logging.root.setLevel(logging.WARNING)
    get_logger("shop").info("not handled")
    get_logger("shop").warning("paid", amount=3)
    assert handled == ["paid amount=3"]


def test_filter_of_the_logger_applies_to_handlers_and_pipeline(handled: list[str]) -> None:
    emitted = Sink()
    logging.root.setLevel(logging.WARNING)
    logging_bridge.install(provider=emitted.provider)

    def keep(record: logging.LogRecord) -> bool:
        record.__dict__["card"] = "***"
        return "secret" not in record.getMessage()

    logging.getLogger("shop").addFilter(keep)
    try:
        for method in (get_logger("shop").info, get_logger("shop").warning):
            method("paid", card="4111")
            method("secret")
    finally:
        logging.getLogger("shop").removeFilter(keep)
    assert emitted.bodies == ["paid", "paid"]
    assert [(record.log_record.attributes or {})["card"] for record in emitted.records] == ["***", "***"]
    assert len(handled) == 1


def test_filter_may_return_another_record() -> None:
    class Filtered(logging.Logger):
        def filter(self, record: logging.LogRecord) -> Any:
            return logging.makeLogRecord({**record.__dict__, "msg": "another"})

    emitted = Sink()
    logging.root.setLevel(logging.WARNING)
    logging_bridge.install(provider=emitted.provider)
    logging.setLoggerClass(Filtered)
    try:
        log = get_logger("shop.filtered")
    finally:
        logging.setLoggerClass(logging.Logger)
    log.info("x")
    assert emitted.bodies == ["another"]


# ---- errors do not affect the caller ---------------------------------------------------------------------------------


def test_handler_or_factory_that_raises_is_logged_once(
    sink: Sink, shop: FlextStructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("broken handler")

    def factory(*_: Any, **__: Any) -> logging.LogRecord:
        raise RuntimeError("broken factory")

    logging.getLogger("shop").addHandler(Broken())
    shop.info("one")
    asyncio.run(shop.ainfo("two"))
    plain = logging.getLogRecordFactory()
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("flext_observability")]
    logging.setLogRecordFactory(factory)
    try:
        shop.info("three")
    finally:
        logging.setLogRecordFactory(plain)
    assert sink.bodies == ["one", "two"]
    assert warnings == [
        "Writing a structured log record failed: RuntimeError: broken handler; the program continues without it"
    ]


def test_fields_of_a_record_factory_are_attributes(sink: Sink, shop: FlextStructuredLogger) -> None:
    plain = logging.getLogRecordFactory()

    def factory(*args: Any, **keywords: Any) -> logging.LogRecord:
        record = plain(*args, **keywords)
        record.__dict__.update(host="here", user="factory")
        return record

    logging.setLogRecordFactory(factory)
    try:
        shop.info("x", user="call")
    finally:
        logging.setLogRecordFactory(plain)
    assert sink.values == {"host": "here", "user": "call"}


def test_pipeline_that_logs_structured_does_not_feed_itself(sink: Sink, shop: FlextStructuredLogger) -> None:
    class LoggingProcessor(SimpleLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            get_logger("shop.inner").info("inner")

    logging.root.setLevel(logging.WARNING)  # only the bridge gets it
    sink.provider.add_log_record_processor(LoggingProcessor(new_exporter()))
    shop.info("outer")
    assert sink.bodies == ["outer"]


def test_records_of_many_threads_are_emitted_once(sink: Sink) -> None:
    def write(worker: int) -> None:
        log = get_logger("shop", worker=worker)
        for number in range(50):
            log.info("x", number=number)

    threads = [threading.Thread(target=write, args=[worker]) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [emitted.log_record.attributes or {} for emitted in sink.records]
    assert sorted((each["worker"], each["number"]) for each in found) == [
        (worker, number) for worker in range(8) for number in range(50)
    ]
