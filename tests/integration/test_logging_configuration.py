"""Records of logging are exported once for every configuration, before or after the start."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.backends.collector import Collector, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.programs import Finished, run

PROGRAM = """
import logging, logging.config, logging.handlers, queue, sys
from flext_observability import correlation_scope, init_observability, shutdown_observability, traced
BEFORE
handle = init_observability(console=False, service_name="logs").unwrap()
AFTER
logger = logging.getLogger("NAME")
with correlation_scope("order-1"), traced("outer"):
    logger.warning("inside %d", 1)
logger.error("outside")
END
report = shutdown_observability().unwrap()
assert report.complete, report
"""


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


def program(before: str = "", after: str = "", *, name: str = "app", end: str = "") -> str:
    parts = {"BEFORE": before, "AFTER": after, "NAME": name, "END": end}
    text = PROGRAM
    for word, part in parts.items():
        text = text.replace(word, textwrap.dedent(part))
    return text


def attributes(item: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in item.attributes}


def succeed(source: str, received: Collector, **settings: str) -> Finished:
    done = run(source, OTEL_EXPORTER_OTLP_ENDPOINT=received.url, OTEL_METRICS_EXPORTER="none", **settings)
    assert done.code == 0, done.err
    return done


def assert_each_once(received: Collector) -> None:
    """Check that both records were exported once: the first with the ids of the span, the second without."""
    (span,) = received.spans()
    records = {record.body.string_value: record for record in received.log_records()}
    assert sorted(record.body.string_value for record in received.log_records()) == ["inside 1", "outside"]
    inside, outside = records["inside 1"], records["outside"]
    assert (inside.trace_id, inside.span_id) == (span.trace_id, span.span_id)
    assert attributes(inside)["flext.correlation_id"] == "order-1"
    assert (outside.trace_id, outside.span_id) == (b"", b"")
    assert "flext.correlation_id" not in attributes(outside)


CONFIGURED = {
    "not at all": "",
    "basicConfig": "logging.basicConfig(level=logging.INFO)",
    "basicConfig by force": "logging.basicConfig(level=logging.INFO, force=True)",
    "dictConfig": """
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": True,
            "handlers": {"out": {"class": "logging.StreamHandler"}},
            "loggers": {"app": {"handlers": ["out"], "level": "INFO", "propagate": False}},
            "root": {"handlers": ["out"], "level": "WARNING"},
        })
    """,
    "dictConfig twice": """
        for _ in range(2):
            logging.config.dictConfig({
                "version": 1,
                "handlers": {"out": {"class": "logging.StreamHandler"}},
                "root": {"handlers": ["out", "out"], "level": "INFO"},
            })
    """,
    "no propagation": """
        logging.getLogger("app").propagate = False
        logging.getLogger("app").addHandler(logging.StreamHandler())
    """,
    "queue": """
        records = queue.Queue()
        logging.getLogger().addHandler(logging.handlers.QueueHandler(records))
        listener = logging.handlers.QueueListener(records, logging.StreamHandler())
        listener.start()
    """,
    "memory handler": """
        logging.getLogger().addHandler(logging.handlers.MemoryHandler(10, target=logging.StreamHandler()))
    """,
    "own class": """
        class Own(logging.Logger):
            def handle(self, record):
                super().handle(record)
        logging.setLoggerClass(Own)
    """,
    "own record factory": """
        plain = logging.getLogRecordFactory()
        def make(*args, **kwargs):
            record = plain(*args, **kwargs)
            record.host = "here"
            return record
        logging.setLogRecordFactory(make)
    """,
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", CONFIGURED)
def test_records_are_exported_once(how: str, when: str, received: Collector) -> None:
    end = "listener.stop()" if how == "queue" else ""
    parts = {when: CONFIGURED[how]}
    succeed(program(**parts, end=end), received)
    assert_each_once(received)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn"])
def test_records_are_exported_once_with_the_configuration_of_uvicorn(name: str, when: str, received: Collector) -> None:
    parts = {when: "from uvicorn.config import LOGGING_CONFIG\nlogging.config.dictConfig(LOGGING_CONFIG)"}
    succeed(program(**parts, name=name), received)
    assert_each_once(received)


def test_records_are_exported_once_after_a_second_start(received: Collector) -> None:
    again = 'handle = init_observability(console=False, service_name="logs").unwrap()'
    last = 'assert shutdown_observability().success\nlogger.error("over")\n' + again
    succeed(program(after=again, end=last), received)
    assert_each_once(received)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("provider", ["", "logger_provider=theirs"])
def test_records_are_exported_once_with_a_handler_of_opentelemetry(
    provider: str, when: str, received: Collector
) -> None:
    adopted = """
        from opentelemetry import _logs
        from opentelemetry.sdk._logs import LoggerProvider
        theirs = LoggerProvider()
        _logs.set_logger_provider(theirs)
    """
    handler = f"""
        import warnings
        warnings.simplefilter("ignore")  # the SDK's class is deprecated, but still in use
        from opentelemetry.sdk._logs import LoggingHandler
        logging.getLogger().addHandler(LoggingHandler({provider}))
    """
    parts = {"before": textwrap.dedent(adopted) if provider else "", "after": ""}
    parts[when] += textwrap.dedent(handler)
    succeed(program(**parts), received)
    assert sorted(record.body.string_value for record in received.log_records()) == ["inside 1", "outside"]
    (span,) = received.spans()
    assert sorted(record.trace_id for record in received.log_records()) == [b"", span.trace_id]


def test_handler_that_logs_and_traces_does_not_recurse(received: Collector) -> None:
    before = """
        class LoggingHandler(logging.Handler):
            def emit(self, record):
                logging.getLogger("app.inner").info("handled %s", record.getMessage())
                with traced("handling"):
                    pass
        logging.getLogger("app").addHandler(LoggingHandler())
        logging.getLogger("app.inner").propagate = False
        logging.getLogger("app.inner").setLevel(logging.INFO)
    """
    succeed(program(before), received)
    assert sorted(record.body.string_value for record in received.log_records()) == [
        "handled inside 1",
        "handled outside",
        "inside 1",
        "outside",
    ]
    assert sorted(span.name for span in received.spans()) == ["handling", "handling", "outer"]


def test_failing_handler_loses_no_record(received: Collector) -> None:
    before = """
        class Failing(logging.Handler):
            def emit(self, record):
                raise RuntimeError("broken handler")
        logging.raiseExceptions = False
        class Safe(Failing):
            def handle(self, record):
                try:
                    return super().handle(record)
                except RuntimeError:
                    return False
        logging.getLogger("app").addHandler(Safe())
    """
    succeed(program(before), received)
    assert_each_once(received)


def test_levels_and_filters_of_loggers_apply(received: Collector) -> None:
    end = """
        logger.debug("debug")
        logging.getLogger("silent").disabled = True
        logging.getLogger("silent").error("disabled")
        logging.getLogger("picky").addFilter(lambda record: False)
        logging.getLogger("picky").error("filtered")
    """
    succeed(program(end=end), received)
    assert_each_once(received)
    received.requests.clear()
    succeed(program(end=end), received, FLEXT_LOG_LEVEL="debug")
    assert sorted(record.body.string_value for record in received.log_records()) == ["debug", "inside 1", "outside"]


def test_unusual_records_are_exported(received: Collector) -> None:
    end = """
        logging.raiseExceptions = False
        logger.warning("wrong %d arguments", "many")
        logging.captureWarnings(True)
        import warnings
        warnings.warn("deprecated", DeprecationWarning)
        warnings.simplefilter("always")
        warnings.warn("deprecated", UserWarning)
        try:
            raise KeyError("lost")
        except KeyError:
            logger.exception("failed")
        logger.log(35, "between")
        logger.warning({"not": "text"})
        logger.warning("a\\ud800b")
    """
    succeed(program(end=end), received)
    records = {record.body.string_value: record for record in received.log_records()}
    assert len(received.log_records()) == 2 + 7
    assert attributes(records["failed"])["exception.type"] == "KeyError"
    assert "wrong %d arguments" in records
    assert records["between"].severity_number == 15
    assert any("deprecated" in body for body in records)
    assert "a\ufffdb" in records


# ---- records about exporting -----------------------------------------------------------------------------------------

ONE_LINE = """
import logging
from flext_observability import init_observability
logging.basicConfig(level=logging.DEBUG)
handle = init_observability(console=False).unwrap()
logging.getLogger("app").info("the line")
for _ in range(3):
    handle.flush(0.2)
counts = handle.status()["logs"].counts
rows = handle.status()["logs"].deliveries
print(counts.started, counts.finished, [row.finished for row in rows])
handle.shutdown(0.1)
"""


@pytest.mark.parametrize("exporter", ["otlp_http", "otlp_grpc"])
@pytest.mark.parametrize("state", ["refusing", "silent"])
def test_exporter_failures_create_no_records(exporter: str, state: str) -> None:
    settings = {"FLEXT_OBSERVABILITY_EXPORTERS": exporter, "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    with refusing_port() as port, raw_server(silent) as server:
        endpoint = f"http://127.0.0.1:{port}" if state == "refusing" else server.url
        done = run(ONE_LINE, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **settings)
    assert done.out == "1 1 [1]\n"
    internal = [line for line in done.err.splitlines() if "flext_observability" in line or "opentelemetry" in line]
    assert len([line for line in internal if "is down" in line]) == 1
    assert len([line for line in internal if "lost" in line]) == 1
    assert "Traceback" not in done.err


def test_failures_of_third_party_exporters_create_no_records() -> None:
    """OpenTelemetry's exporter logs, retries, and uses libraries that log each connection."""
    wrapped = """
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from flext_observability import register_exporter
from flext_observability.exporters.third_party import WrappedExporter
class Factory:
    def signals(self):
        return ("logs",)
    def create(self, signal, config):
        return WrappedExporter(signal, "stock", OTLPLogExporter(timeout=0.2))
register_exporter("stock", Factory())
"""
    with refusing_port() as port:
        done = run(
            wrapped + ONE_LINE,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
            FLEXT_OBSERVABILITY_EXPORTERS="stock",
        )
    assert done.out == "1 1 [1]\n", done.err
