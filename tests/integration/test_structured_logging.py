"""Structured loggers in separate programs: one record per call, for every configuration, thread and fork."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.backends.collector import Collector, collector
from tests.programs import Finished, run

PROGRAM = """
import logging, logging.config
from flext_observability import correlation_scope, get_logger, init_observability, shutdown_observability, traced
log = get_logger("app", region="eu")
log.info("before the start")
BEFORE
handle = init_observability(console=False, service_name="logs").unwrap()
AFTER
with correlation_scope("order-1"), traced("outer"):
    log.info("inside %d", 1, amount=3)
log.warning("outside", amount=4)
END
report = shutdown_observability().unwrap()
assert report.complete, report
"""
DISABLING = """
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": True,
        "handlers": {"out": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["out"], "level": "WARNING"},
    })
"""
CONFIGURED = {
    "not at all": ("", ["outside region=eu amount=4"]),
    "basicConfig": (
        'logging.basicConfig(level=logging.INFO, format="%(message)s")',
        ["inside 1 region=eu amount=3", "outside region=eu amount=4"],
    ),
    "basicConfig at WARNING": (
        'logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)',
        ["outside region=eu amount=4"],
    ),
    "dictConfig that disables": (DISABLING, []),
    "uvicorn": (
        "from uvicorn.config import LOGGING_CONFIG\nlogging.config.dictConfig(LOGGING_CONFIG)",
        ["outside region=eu amount=4"],
    ),
}


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


def attributes(item: Any) -> dict[str, Any]:
    found = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in item.attributes}
    return {name: value for name, value in found.items() if not name.startswith("code.")}


def succeed(source: str, received: Collector, **settings: str) -> Finished:
    done = run(source, OTEL_EXPORTER_OTLP_ENDPOINT=received.url, OTEL_METRICS_EXPORTER="none", **settings)
    assert done.code == 0, done.err
    return done


def program(**parts: str) -> str:
    text = PROGRAM
    for word in ("BEFORE", "AFTER", "END"):
        text = text.replace(word, textwrap.dedent(parts.get(word.lower(), "")))
    return text


def assert_each_once(received: Collector) -> None:
    (span,) = received.spans()
    inside, outside = sorted(received.log_records(), key=lambda record: str(record.body.string_value))
    assert (inside.body.string_value, inside.severity_text) == ("inside 1", "INFO")
    assert attributes(inside) == {"region": "eu", "amount": 3, "flext.correlation_id": "order-1"}
    assert (inside.trace_id, inside.span_id) == (span.trace_id, span.span_id)
    assert (outside.body.string_value, outside.severity_text) == ("outside", "WARNING")
    assert attributes(outside) == {"region": "eu", "amount": 4}
    assert (outside.trace_id, outside.span_id) == (b"", b"")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", CONFIGURED)
def test_records_are_exported_once_and_handled_as_configured(how: str, when: str, received: Collector) -> None:
    configuration, handled = CONFIGURED[how]
    done = succeed(program(**{when: configuration}), received)
    assert_each_once(received)
    assert done.err.splitlines() == handled


def test_records_are_exported_once_after_a_second_start(received: Collector) -> None:
    again = 'handle = init_observability(console=False, service_name="logs").unwrap()'
    last = 'assert shutdown_observability().success\nlog.error("over")\n' + again
    succeed(program(after=again, end=last), received)
    assert_each_once(received)


def test_disabled_logs_reach_handlers_only(received: Collector) -> None:
    done = succeed(program(), received, FLEXT_OBSERVABILITY_LOGS_ENABLED="false")
    assert received.log_records() == []
    assert done.err == "outside region=eu amount=4\n"


def test_records_are_exported_once_with_a_handler_of_opentelemetry(received: Collector) -> None:
    handler = """
        import warnings
        warnings.simplefilter("ignore")  # the SDK's class is deprecated, but still in use
        from opentelemetry.sdk._logs import LoggingHandler
        logging.getLogger().addHandler(LoggingHandler())
    """
    succeed(program(after=handler), received)
    inside, outside = sorted(received.log_records(), key=lambda record: str(record.body.string_value))
    assert (inside.body.string_value, outside.body.string_value) == ("inside 1", "outside region=eu amount=4")
    assert attributes(outside) == {"region": "eu", "amount": 4}


def test_records_are_printed_once() -> None:
    source = """
        from flext_observability import get_logger, init_observability
        with init_observability(exporters="console", service_name="logs").unwrap():
            get_logger("app").warning("paid", amount=3)
    """
    done = run(source)
    assert (done.out + done.err).count("paid") == 1


def test_records_of_many_threads_are_exported_once(received: Collector) -> None:
    source = """
        import threading
        from flext_observability import get_logger, init_observability
        handle = init_observability(console=False, service_name="logs", traces_enabled=False).unwrap()
        def work(worker):
            log = get_logger("app", worker=worker)
            for number in range(1000):
                log.info("work", number=number)
                if number % 250 == 249:
                    assert handle.flush(10).unwrap().complete
        threads = [threading.Thread(target=work, args=[worker]) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = handle.shutdown(10).unwrap()
        assert report.complete, report
    """
    succeed(source, received)
    counts = Counter((found["worker"], found["number"]) for found in map(attributes, received.log_records()))
    assert counts == Counter((worker, number) for worker in range(8) for number in range(1000))


def test_records_of_a_forked_child_are_exported_once(received: Collector) -> None:
    source = """
        import os
        from flext_observability import get_logger, init_observability
        handle = init_observability(console=False, service_name="logs").unwrap()
        log = get_logger("app", user=7)
        log.info("before")
        assert handle.flush(10).unwrap().complete
        child = os.fork()
        log.info("child" if child == 0 else "parent", child=child == 0)
        assert handle.shutdown(10).unwrap().complete
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """
    succeed(source, received)
    found = {record.body.string_value: attributes(record) for record in received.log_records()}
    assert len(received.log_records()) == 3
    assert found == {
        "before": {"user": 7},
        "child": {"user": 7, "child": True},
        "parent": {"user": 7, "child": False},
    }


def test_invalid_remote_correlation_ids_are_ignored(received: Collector) -> None:
    source = """
        from opentelemetry import context
        from flext_observability import extract_context, get_logger, init_observability
        handle = init_observability(console=False, service_name="logs").unwrap()
        log = get_logger("app")
        ids = {"good": "x" * 128, "long": "x" * 129, "enormous": "x" * 1_000_000, "newline": "order\\n7",
               "escape": "\\x1b[31mred", "null": "a\\0b", "blank": " ", "empty": "", "not ASCII": "ünï"}
        for name, given in ids.items():
            for carrier in ({"X-Correlation-ID": given}, {"x-correlation-id": given}):
                token = context.attach(extract_context(carrier))
                log.info(name)
                context.detach(token)
        assert handle.shutdown(10).unwrap().complete
    """
    succeed(source, received)
    found = [(record.body.string_value, attributes(record)) for record in received.log_records()]
    assert len(found) == 18
    assert [found for name, found in found if name == "good"] == [{"flext.correlation_id": "x" * 128}] * 2
    assert [found for name, found in found if name != "good"] == [{}] * 16


def test_structlog_is_loaded_on_use() -> None:
    source = """
        import sys
        from flext_observability import TraceContextFormatter, flext_create_log_entry, init_observability
        with init_observability(exporters="none").unwrap():
            TraceContextFormatter()
            assert flext_create_log_entry("info", "x").success
        assert "structlog" not in sys.modules
        from flext_observability import get_logger
        assert get_logger().name == "__main__"
    """
    assert run(source).code == 0
