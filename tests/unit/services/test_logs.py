from __future__ import annotations

from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber

from flext_observability import FlextContainer, FlextLogEntry, FlextLoggingService
from tests.recorded import Recorded


@pytest.fixture
def service() -> FlextLoggingService:
    return FlextLoggingService(FlextContainer())


def test_an_entry_is_written_once(recorded: Recorded, service: FlextLoggingService) -> None:
    entry = FlextLogEntry(level="info", message="hello")
    for _ in range(2):
        assert service.log(entry).data is entry
    assert [record.body for record in recorded.logs()] == ["hello"]


def test_level_message_and_context(recorded: Recorded, service: FlextLoggingService) -> None:
    service.log("warning", "hello", {"a": 1, "level": "x"}, a=2, message="y")
    service.log("info", "plain", {"a": 1})
    service.log("info", "bare")
    first, second, third = recorded.logs()
    assert first.attributes == {"a": 2, "level": "x", "message": "y"}
    assert second.attributes == {"a": 1}
    assert third.attributes == {}


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("loud", "hello"), "Invalid log level"),
        ((5, "hello"), "Invalid log level"),
        (("info",), "Invalid log message"),
        (("info", 5), "Invalid log message"),
        (("info", "hello", 5), "Invalid log context"),
        (("info", "hello", {1: 2}), "Invalid log context"),
        ((FlextLogEntry(level="info", message=" "),), "Invalid log message"),
    ],
)
def test_invalid_arguments_fail(
    recorded: Recorded, service: FlextLoggingService, arguments: tuple[Any, ...], start: str
) -> None:
    result = service.log(*arguments)
    assert (str(result.error)[: len(start)], result.code) == (start, "invalid_log")
    assert recorded.logs() == []


def test_before_the_start_it_succeeds(service: FlextLoggingService) -> None:
    assert service.log("info", "hello").success


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("trace", SeverityNumber.TRACE),
        ("debug", SeverityNumber.DEBUG),
        ("info", SeverityNumber.INFO),
        ("warning", SeverityNumber.WARN),
        ("error", SeverityNumber.ERROR),
        ("critical", SeverityNumber.FATAL),
        ("exception", SeverityNumber.ERROR),
    ],
)
def test_each_level_has_a_method(recorded: Recorded, service: FlextLoggingService, method: str, number: Any) -> None:
    written = getattr(service, method)("hello", {"a": 1}, b=2)
    assert (written.unwrap().message, written.unwrap().context) == ("hello", {"a": 1, "b": 2})
    assert getattr(service, method)(" ").code == "invalid_log"
    (record,) = recorded.logs()
    assert (record.body, record.attributes, record.severity_number) == ("hello", {"a": 1, "b": 2}, number)


def test_exception_records_the_exception_being_handled(recorded: Recorded, service: FlextLoggingService) -> None:
    try:
        int("free")
    except ValueError:
        service.exception("pay", order=7)
    (record,) = recorded.logs()
    assert record.attributes["exception.type"] == "ValueError"
    assert record.attributes["exception.message"].endswith("'free'")
    assert "int(" in record.attributes["exception.stacktrace"]
    assert record.attributes["order"] == 7


def test_a_cyclic_context_and_an_enormous_message_are_written(recorded: Recorded, service: FlextLoggingService) -> None:
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = cycle
    assert service.info("x" * 1_000_000, cycle=cycle).success
    (record,) = recorded.logs()
    assert record.attributes["cycle"] == '{"a":1,"self":"…"}'
    assert len(record.body) < 65_536
