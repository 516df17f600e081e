from __future__ import annotations

import logging
import logging.config
import logging.handlers
import queue
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NoReturn

import pytest
from opentelemetry._logs import LoggerProvider as ApiLoggerProvider
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from flext_observability.engine.compat import suppressed
from flext_observability.instrumentation import logging_bridge

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


def new_exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # OpenTelemetry's own lack of a hint


class Sink:
    """What reached OpenTelemetry."""

    def __init__(self) -> None:
        self.exporter = new_exporter()
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    @property
    def records(self) -> tuple[ReadableLogRecord, ...]:
        return tuple(self.exporter.get_finished_logs())

    @property
    def bodies(self) -> list[object]:
        return [record.log_record.body for record in self.records]

    @property
    def attributes(self) -> dict[str, Any]:
        return dict(self.records[-1].log_record.attributes or {})


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Shy:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, handlers, level = logging.getLogger(), list(logging.root.handlers), logging.root.level
    yield
    logging_bridge.uninstall()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith("shop") and isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
            logger.propagate = True


@pytest.fixture
def sink() -> Sink:
    taken = Sink()
    logging_bridge.install("info", provider=taken.provider)
    return taken


@pytest.fixture
def log() -> logging.Logger:
    return logging.getLogger("shop")


def quiet(name: str) -> logging.Logger:
    """Return a logger whose records reach no handler that complains."""
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


def test_record_carries_message_level_time_and_place(sink: Sink, log: logging.Logger) -> None:
    before = time.time_ns()
    log.warning("sold %d of %s", 3, "tea")
    (taken,) = sink.records
    record = taken.log_record

    assert record.body == "sold 3 of tea"
    assert (record.severity_text, record.severity_number) == ("WARNING", SeverityNumber.WARN)
    assert record.timestamp is not None
    assert record.observed_timestamp is not None
    assert before - 1_000_000 <= record.timestamp <= record.observed_timestamp
    assert taken.instrumentation_scope is not None
    assert taken.instrumentation_scope.name == "shop"
    assert sink.attributes["code.file.path"] == __file__
    assert sink.attributes["code.function.name"] == "test_record_carries_message_level_time_and_place"
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
def test_levels_keep_their_order(level: int, number: int) -> None:
    taken = Sink()
    logging_bridge.install(provider=taken.provider)
    logging.getLogger("shop").handle(logging.makeLogRecord({"name": "shop", "levelno": level, "msg": "x"}))

    assert [record.log_record.severity_number for record in taken.records] == [SeverityNumber(number)]


def test_level_of_its_own_keeps_its_name(sink: Sink, log: logging.Logger) -> None:
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


def test_exception_is_described_by_the_conventions(sink: Sink, log: logging.Logger) -> None:
    try:
        int("no tea")
    except ValueError:
        log.exception("failed")

    assert sink.attributes["exception.type"] == "ValueError"
    assert sink.attributes["exception.message"] == "invalid literal for int() with base 10: 'no tea'"
    assert sink.attributes["exception.stacktrace"].startswith("Traceback")
    assert "ValueError: invalid literal" in sink.attributes["exception.stacktrace"]


def test_exception_without_a_text_is_described_as_far_as_it_goes(sink: Sink) -> None:
    quiet("shop.odd").error("failed", exc_info=Odd())

    assert sink.attributes["exception.type"] == f"{__name__}.Odd"
    assert sink.attributes["exception.message"] == "<no readable message>"


def test_no_exception_gives_no_exception_attributes(sink: Sink, log: logging.Logger) -> None:
    log.error("failed", exc_info=True)  # noqa: LOG014 - what is tested

    assert not any(name.startswith("exception.") for name in sink.attributes)


def test_exception_that_came_as_text_is_kept(sink: Sink, log: logging.Logger) -> None:
    log.handle(logging.makeLogRecord({"name": "shop", "levelno": 40, "msg": "x", "exc_text": "Traceback: remote"}))

    assert sink.attributes["exception.stacktrace"] == "Traceback: remote"


def test_stack_is_kept_when_asked_for(sink: Sink, log: logging.Logger) -> None:
    log.info("here", stack_info=True)

    assert "test_stack_is_kept_when_asked_for" in sink.attributes["code.stacktrace"]


def test_record_that_cannot_be_formatted_is_kept_as_its_template(sink: Sink) -> None:
    quiet("shop.odd").info("%d apples", "many")
    quiet("shop.odd").info(Shy())

    assert sink.bodies == ["%d apples", f"<unprintable {__name__}.Shy>"]


def test_any_message_can_be_sent(sink: Sink) -> None:
    logger = quiet("shop.odd")
    logger.info("a\ud800b")
    logger.info("x" * 1_000_000)
    logger.info({"a": 1})

    assert sink.bodies[0] == "a\ufffdb"
    assert len(str(sink.bodies[1]).encode()) <= 262_144
    assert sink.bodies[2] == "{'a': 1}"


def test_record_belongs_to_the_current_span(sink: Sink, log: logging.Logger) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("sale") as span:
        log.info("inside")
    log.info("outside")

    assert [record.log_record.trace_id for record in sink.records] == [span.get_span_context().trace_id, 0]


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
def test_records_are_taken_once_when_logging_is_configured_afterwards(
    sink: Sink, configure: Callable[[], None]
) -> None:
    configure()
    for name in ("shop", "shop.error", "shop.access"):
        logging.getLogger(name).info(name)

    assert sink.bodies == ["shop", "shop.error", "shop.access"]


@pytest.mark.parametrize("configure", CONFIGURATIONS)
def test_records_are_taken_once_when_logging_was_configured_before(configure: Callable[[], None]) -> None:
    configure()
    taken = Sink()
    logging_bridge.install("info", provider=taken.provider)
    for name in ("shop", "shop.error", "shop.access"):
        logging.getLogger(name).info(name)

    assert taken.bodies == ["shop", "shop.error", "shop.access"]


def test_record_that_a_handler_passes_on_is_taken_once(sink: Sink, log: logging.Logger) -> None:
    class PassOn(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("shop.other").handle(record)

    other = logging.getLogger("shop.other")
    other.propagate = False
    log.addHandler(PassOn())
    log.info("x")

    assert sink.bodies == ["x"]


def test_record_that_a_handler_writes_itself_is_taken_too(sink: Sink, log: logging.Logger) -> None:
    class Talkative(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("shop.other").info("about %s", record.getMessage())

    logging.getLogger("shop.other").propagate = False
    log.addHandler(Talkative())
    log.info("x")

    assert sink.bodies == ["x", "about x"]


def test_record_through_a_queue_is_taken_once(sink: Sink, log: logging.Logger) -> None:
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(waiting, logging.NullHandler())
    log.addHandler(logging.handlers.QueueHandler(waiting))
    log.propagate = False
    listener.start()
    log.info("x")
    listener.stop()

    assert sink.bodies == ["x"]


def test_every_record_of_many_threads_is_taken(sink: Sink) -> None:
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
    class Talkative(SimpleLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            logging.getLogger("shop.inner").info("inner")

    sink.provider.add_log_record_processor(Talkative(new_exporter()))
    log.info("outer")

    assert sink.bodies == ["outer"]


@pytest.mark.parametrize("name", ["opentelemetry", "opentelemetry.sdk.trace", "flext_observability.pipeline"])
def test_records_about_telemetry_are_left_out(sink: Sink, name: str) -> None:
    logging.getLogger(name).warning("x")

    assert sink.bodies == []


def test_similar_names_are_not_left_out(sink: Sink) -> None:
    logging.getLogger("opentelemetry_shop").warning("x")

    assert sink.bodies == ["x"]


def test_records_written_while_exporting_are_left_out(sink: Sink, log: logging.Logger) -> None:
    with suppressed():
        log.info("connecting")
    log.info("x")

    assert sink.bodies == ["x"]


def test_handlers_of_the_program_still_get_every_record(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("opentelemetry.sdk").warning("one")
    logging.getLogger("shop").info("two")

    assert [record.message for record in caplog.records] == ["one", "two"]


def test_stricter_root_is_opened_and_closed_again(log: logging.Logger) -> None:
    logging.root.setLevel(logging.WARNING)
    taken = Sink()
    logging_bridge.install("DEBUG", provider=taken.provider)
    log.debug("x")
    logging_bridge.uninstall()

    assert taken.bodies == ["x"]
    assert logging.root.level == logging.WARNING


def test_root_that_the_program_has_changed_since_is_left_alone() -> None:
    logging.root.setLevel(logging.WARNING)
    logging_bridge.install("debug")
    logging.root.setLevel(logging.ERROR)
    logging_bridge.uninstall()

    assert logging.root.level == logging.ERROR


def test_records_below_the_level_are_left_out_and_an_open_root_stays_open(log: logging.Logger) -> None:
    logging.root.setLevel(logging.DEBUG)
    taken = Sink()
    logging_bridge.install("error", provider=taken.provider)
    log.warning("quiet")
    log.error("loud")

    assert taken.bodies == ["loud"]
    assert logging.root.level == logging.DEBUG


def test_without_a_level_the_loggers_decide(log: logging.Logger) -> None:
    logging.root.setLevel(logging.WARNING)
    taken = Sink()
    logging_bridge.install(provider=taken.provider)
    log.info("quiet")
    log.warning("loud")

    assert taken.bodies == ["loud"]


def test_installing_again_replaces_the_bridge(sink: Sink, log: logging.Logger) -> None:
    again = Sink()
    logging_bridge.install("info", provider=again.provider)
    log.info("x")

    assert (sink.bodies, again.bodies) == ([], ["x"])


def test_uninstalling_puts_the_method_back(sink: Sink, log: logging.Logger) -> None:
    logging_bridge.uninstall()
    before = logging.Logger.callHandlers
    logging_bridge.install("info", provider=sink.provider)
    logging_bridge.uninstall()
    logging_bridge.uninstall()
    log.info("x")

    assert logging.Logger.callHandlers is before
    assert sink.bodies == []


def test_patch_of_another_library_stays_and_nothing_is_taken_twice(
    sink: Sink, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    ours = logging.Logger.callHandlers

    def theirs(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        ours(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", theirs)
    logging_bridge.uninstall()
    log.warning("one")
    logging_bridge.install("info", provider=sink.provider)
    log.warning("two")
    logging_bridge.uninstall()

    assert seen == ["one", "two"]
    assert sink.bodies == ["two"]


def test_provider_that_fails_never_reaches_the_program_and_is_told_once(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(ApiLoggerProvider):
        def get_logger(self, *_: object, **__: object) -> NoReturn:
            raise RuntimeError("no provider today")

    logging_bridge.install("info", provider=Failing())
    log.info("one")
    log.info("two")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("flext_observability")]
    assert ours == ["Log records cannot be recorded: RuntimeError: no provider today"]
    assert [record.getMessage() for record in caplog.records if record.name == "shop"] == ["one", "two"]


def test_global_provider_is_used_unless_one_is_given(log: logging.Logger) -> None:
    logging_bridge.install("info")
    log.info("x")
