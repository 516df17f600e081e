"""Records of ``logging`` in the queue: their fields are computed later, from what was captured."""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from flext_observability.engine.log_record import LogOptions
from flext_observability.engine.standard_record import StandardLogRecord, severity_of

RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("shop")


@pytest.fixture
def record() -> StandardLogRecord:
    created = object.__new__(StandardLogRecord)
    created.made = None
    created.options = LogOptions(RESOURCE, SCOPE, None)
    created.context = Context()
    created.trace = SpanContext(5, 9, is_remote=False, trace_flags=TraceFlags(1))
    created.correlation_id = "order-7"
    created.created, created.observed_timestamp = 1.5, 7
    created.level, created.level_number = "INFO", 20
    created.message, created.args = "paid \udcff", ()
    created.path, created.function, created.line = "/shop.py", "sell", 3
    created.added = {"order": 7}
    return created


def test_an_exporter_gets_the_class_of_the_sdk(record: StandardLogRecord) -> None:
    assert isinstance(record, ReadableLogRecord)
    assert (record.resource, record.instrumentation_scope, record.limits) == (RESOURCE, SCOPE, None)
    assert record.dropped_attributes == 0
    assert json.loads(record.to_json())["body"] == "paid \ufffd"
    assert {record: 1}[record] == 1


def test_the_fields_are_those_that_were_captured(record: StandardLogRecord) -> None:
    made: Any = record.log_record
    assert (made.timestamp, made.observed_timestamp, made.body) == (1_500_000_000, 7, "paid \ufffd")
    assert (made.severity_text, made.severity_number) == ("INFO", SeverityNumber.INFO)
    assert (made.trace_id, made.span_id, made.trace_flags) == (5, 9, 1)
    assert (made.event_name, made.exception, made.context) == (None, None, {})
    assert list(made.attributes.items()) == [
        ("flext.correlation_id", "order-7"),
        ("code.file.path", "/shop.py"),
        ("code.function.name", "sell"),
        ("code.line.number", 3),
        ("order", 7),
    ]


def test_exporters_share_the_record_that_is_created_once(record: StandardLogRecord) -> None:
    record.log_record.body = "redacted"
    assert record.log_record.body == "redacted"
    other = replace(record, resource=Resource({"service.name": "billing"}))
    assert (other.resource.attributes["service.name"], other.log_record.body) == ("billing", "redacted")


def test_a_copy_has_the_same_fields(record: StandardLogRecord) -> None:
    copied = copy.copy(record)
    assert copied != record
    assert copied.to_json() == record.to_json()


@pytest.mark.parametrize(
    ("message", "args", "body"),
    [
        ("%d of %s", (3, "tea"), "3 of tea"),
        ("%d apples", ("many",), "%d apples"),
        ("%c", (-1,), "%c"),
        ("%.1f", (2.25,), "2.2"),
        (f"%{sys.maxsize}d", (1,), f"%{sys.maxsize}d"),
    ],
)
def test_arguments_that_do_not_fit_leave_the_message(
    record: StandardLogRecord, message: str, args: tuple[object, ...], body: str
) -> None:
    record.message, record.args = message, args
    assert record.log_record.body == body


@pytest.mark.parametrize(
    ("level", "name", "number"),
    [(0, "NOTSET", 0), (-5, "X", 0), (5, "TRACE", 1), (5, "Level 5", 3), (20, "INFO", 9), (1 << 70, "X", 24)],
)
def test_severity_numbers_keep_the_order_of_levels(level: int, name: str, number: int) -> None:
    assert severity_of(level, name).value == number
