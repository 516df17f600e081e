from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flext_observability.domain.trace import TRACE_STATUSES, FlextTrace


def test_a_new_trace_is_not_started() -> None:
    trace = FlextTrace(operation_name="checkout", service_name="orders")

    assert (trace.trace_id, trace.span_id, trace.status, trace.end_time) == ("", "", "unset", None)
    assert (trace.context, trace.parent_trace_id) == ({}, None)


def test_a_trace_is_mutable() -> None:
    trace = FlextTrace(operation_name="checkout", service_name="orders")
    trace.trace_id = "0" * 31 + "1"
    trace.status = "ok"
    trace.end_time = datetime.now(UTC)

    assert trace.validate_business_rules().success


@pytest.mark.parametrize("status", TRACE_STATUSES)
def test_known_statuses_are_valid(status: str) -> None:
    assert FlextTrace(operation_name="a", service_name="b", status=status).validate_business_rules().success


@pytest.mark.parametrize(
    ("operation", "service", "status", "prefix"),
    [
        ("", "orders", "unset", "Invalid operation name: "),
        (" \t", "orders", "unset", "Invalid operation name: "),
        ("checkout", "", "unset", "Invalid service name: "),
        ("checkout", "orders", "fine", "Invalid trace status: "),
    ],
)
def test_broken_rules_are_named(operation: str, service: str, status: str, prefix: str) -> None:
    result = FlextTrace(operation_name=operation, service_name=service, status=status).validate_business_rules()

    assert result.code == "invalid_trace"
    assert str(result.error).startswith(prefix)
