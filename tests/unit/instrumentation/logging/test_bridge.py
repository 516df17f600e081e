"""Which log records the bridge emits, once each; installation, replacement and removal."""

from __future__ import annotations

import logging
import logging.config
import logging.handlers
import queue
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from opentelemetry._logs import LoggerProvider as ApiLoggerProvider
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from flext_observability.engine.compat import suppress_instrumentation
from flext_observability.instrumentation.logging import bridge as logging_bridge
from tests.unit.instrumentation.sink import Sink, new_exporter, quiet

pytestmark = pytest.mark.usefixtures("restored_logging")

UVICORN: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"default": {"class": "logging.NullHandler"}, "access": {"class": "logging.NullHandler"}},
    "loggers": {
        "shop": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "shop.error": {"level": "INFO"},
        "shop.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}


def configure_basic() -> None:
    logging.basicConfig(level=logging.INFO, handlers=[logging.NullHandler(), logging.NullHandler()], force=True)


def configure_dict() -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"one": {"class": "logging.NullHandler"}, "two": {"class": "logging.NullHandler"}},
            "root": {"level": "INFO", "handlers": ["one", "two"]},
            "loggers": {"shop": {"handlers": ["one"], "level": "INFO"}},
        }
    )


def configure_uvicorn() -> None:
    logging.config.dictConfig(UVICORN)


CONFIGURATIONS = [configure_basic, configure_dict, configure_uvicorn]


@pytest.mark.parametrize("configure", CONFIGURATIONS)
def test_records_are_emitted_once_if_logging_is_configured_afterwards(
    sink: Sink, configure: Callable[[], None]
) -> None:
    configure()
    for name in ("shop", "shop.error", "shop.access"):
        logging.getLogger(name).info(name)

    assert sink.bodies == ["shop", "shop.error", "shop.access"]


@pytest.mark.parametrize("configure", CONFIGURATIONS)
def test_records_are_emitted_once_if_logging_was_configured_before(configure: Callable[[], None]) -> None:
    configure()
    emitted = Sink()
    logging_bridge.install("info", provider=emitted.provider)
    for name in ("shop", "shop.error", "shop.access"):
        logging.getLogger(name).info(name)

    assert emitted.bodies == ["shop", "shop.error", "shop.access"]


def test_record_that_a_handler_passes_on_is_emitted_once(sink: Sink, log: logging.Logger) -> None:
    class PassOn(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("shop.other").handle(record)

    other = logging.getLogger("shop.other")
    other.propagate = False
    log.addHandler(PassOn())
    log.info("x")

    assert sink.bodies == ["x"]


def test_record_created_by_a_handler_is_emitted(sink: Sink, log: logging.Logger) -> None:
    class LoggingHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("shop.other").info("about %s", record.getMessage())

    logging.getLogger("shop.other").propagate = False
    log.addHandler(LoggingHandler())
    log.info("x")

    assert sink.bodies == ["x", "about x"]


def test_record_through_a_queue_is_emitted_once(sink: Sink, log: logging.Logger) -> None:
    records: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, logging.NullHandler())
    log.addHandler(logging.handlers.QueueHandler(records))
    log.propagate = False
    listener.start()
    log.info("x")
    listener.stop()

    assert sink.bodies == ["x"]


def test_every_record_of_many_threads_is_emitted(sink: Sink) -> None:
    logger = quiet("shop.threads")

    def write() -> None:
        for _ in range(50):
            logger.info("x")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sink.bodies) == 200


def test_pipeline_that_logs_does_not_feed_itself(sink: Sink, log: logging.Logger) -> None:
    class LoggingHandler(SimpleLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            logging.getLogger("shop.inner").info("inner")

    sink.provider.add_log_record_processor(LoggingHandler(new_exporter()))
    log.info("outer")

    assert sink.bodies == ["outer"]


@pytest.mark.parametrize("name", ["opentelemetry", "opentelemetry.sdk.trace", "flext_observability.pipeline"])
def test_records_about_telemetry_are_left_out(sink: Sink, name: str) -> None:
    logging.getLogger(name).warning("x")

    assert sink.bodies == []


def test_similar_names_are_not_left_out(sink: Sink) -> None:
    logging.getLogger("opentelemetry_shop").warning("x")

    assert sink.bodies == ["x"]


def test_records_created_while_exporting_are_left_out(sink: Sink, log: logging.Logger) -> None:
    with suppress_instrumentation():
        log.info("connecting")
    log.info("x")

    assert sink.bodies == ["x"]


def test_handlers_of_the_program_still_get_every_record(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry.sdk").warning("one")
    logging.getLogger("shop").info("two")

    assert [record.message for record in caplog.records] == ["one", "two"]


def test_root_level_is_lowered_and_restored(log: logging.Logger) -> None:
    logging.root.setLevel(logging.WARNING)
    emitted = Sink()
    logging_bridge.install("DEBUG", provider=emitted.provider)
    log.debug("x")
    logging_bridge.uninstall()

    assert emitted.bodies == ["x"]
    assert logging.root.level == logging.WARNING


def test_root_level_changed_by_the_program_is_kept() -> None:
    logging.root.setLevel(logging.WARNING)
    logging_bridge.install("debug")
    logging.root.setLevel(logging.ERROR)
    logging_bridge.uninstall()

    assert logging.root.level == logging.ERROR


def test_records_below_the_level_are_left_out_and_a_lower_root_level_stays(log: logging.Logger) -> None:
    logging.root.setLevel(logging.DEBUG)
    emitted = Sink()
    logging_bridge.install("error", provider=emitted.provider)
    log.warning("below")
    log.error("above")

    assert emitted.bodies == ["above"]
    assert logging.root.level == logging.DEBUG


def test_without_a_level_the_loggers_decide(log: logging.Logger) -> None:
    logging.root.setLevel(logging.WARNING)
    emitted = Sink()
    logging_bridge.install(provider=emitted.provider)
    log.info("below")
    log.warning("above")

    assert emitted.bodies == ["above"]


def test_second_install_replaces_the_first(sink: Sink, log: logging.Logger) -> None:
    again = Sink()
    logging_bridge.install("info", provider=again.provider)
    log.info("x")

    assert (sink.bodies, again.bodies) == ([], ["x"])


def test_uninstall_restores_the_method(sink: Sink, log: logging.Logger) -> None:
    logging_bridge.uninstall()
    before = logging.Logger.callHandlers
    logging_bridge.install("info", provider=sink.provider)
    logging_bridge.uninstall()
    logging_bridge.uninstall()
    log.info("x")

    assert logging.Logger.callHandlers is before
    assert sink.bodies == []


def test_patch_of_another_library_stays_and_records_are_emitted_once(
    sink: Sink, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    patched = logging.Logger.callHandlers

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        called.append(record.getMessage())
        patched(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", call_handlers)
    logging_bridge.uninstall()
    log.warning("one")
    logging_bridge.install("info", provider=sink.provider)
    log.warning("two")
    logging_bridge.uninstall()

    assert called == ["one", "two"]
    assert sink.bodies == ["two"]


def test_failing_provider_is_logged_once_and_does_not_affect_the_program(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(ApiLoggerProvider):
        def get_logger(self, *_: object, **__: object) -> NoReturn:
            raise RuntimeError("no provider")

    logging_bridge.install("info", provider=Failing())
    log.info("one")
    log.info("two")

    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("flext_observability")]
    assert warnings == ["Log records cannot be emitted: RuntimeError: no provider"]
    assert [record.getMessage() for record in caplog.records if record.name == "shop"] == ["one", "two"]


def test_global_provider_is_the_default(log: logging.Logger) -> None:
    logging_bridge.install("info")
    log.info("x")
