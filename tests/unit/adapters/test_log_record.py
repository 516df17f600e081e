from __future__ import annotations

import pytest
from opentelemetry._logs import SeverityNumber

from flext_observability import FlextLogEntry, correlation_scope, traced
from flext_observability.adapters.log_record import emit_entry
from flext_observability.values.timestamps import to_unix_nanos
from tests.recorded import Recorded


@pytest.mark.parametrize(
    ("level", "number", "text"),
    [
        ("trace", SeverityNumber.TRACE, "TRACE"),
        ("Debug", SeverityNumber.DEBUG, "DEBUG"),
        ("info", SeverityNumber.INFO, "INFO"),
        ("WARN", SeverityNumber.WARN, "WARNING"),
        ("error", SeverityNumber.ERROR, "ERROR"),
        ("fatal", SeverityNumber.FATAL, "CRITICAL"),
    ],
)
def test_level_becomes_severity(recorded: Recorded, level: str, number: SeverityNumber, text: str) -> None:
    emit_entry(FlextLogEntry(level=level, message="hello"))
    (record,) = recorded.logs()
    assert (record.severity_number, record.severity_text, record.body) == (number, text, "hello")


def test_record_is_in_the_current_trace_with_time_and_context(recorded: Recorded) -> None:
    entry = FlextLogEntry(level="info", message="hello", context={"count": 1, "nested": {"a": b"x"}})
    with traced("work") as span:
        emit_entry(entry)
    (record,) = recorded.logs()
    context = span.get_span_context()
    assert (record.trace_id, record.span_id) == (context.trace_id, context.span_id)
    assert record.timestamp == to_unix_nanos(entry.timestamp)
    assert record.attributes == {"count": 1, "nested": '{"a":"x"}'}


def test_the_correlation_id_of_the_entry_wins(recorded: Recorded) -> None:
    with correlation_scope("current"):
        emit_entry(FlextLogEntry(level="info", message="own", correlation_id="own"))
        emit_entry(FlextLogEntry(level="info", message="current"))
    assert [record.attributes["flext.correlation_id"] for record in recorded.logs()] == ["own", "current"]


def test_a_huge_message_with_a_surrogate_is_truncated_and_valid(recorded: Recorded) -> None:
    emit_entry(FlextLogEntry(level="info", message="\ud800" + "x" * 1_000_000))
    (record,) = recorded.logs()
    assert len(record.body.encode()) <= 65_536
