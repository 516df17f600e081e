from __future__ import annotations

import logging

import pytest
from opentelemetry import trace as otel_trace

from flext_observability.adapters.service_tracers import MAX_SERVICE_NAMES, ServiceTracers, service_tracers
from tests.recorded import Recorded


def test_a_service_name_has_one_tracer_whose_spans_have_its_resource(recorded: Recorded) -> None:
    tracer = service_tracers().find("payments")
    assert tracer is not None
    assert service_tracers().find("payments") is tracer
    tracer.start_span("charge").end()
    assert recorded.span("charge").resource.attributes["service.name"] == "payments"


def test_the_tracer_of_the_process_is_not_counted() -> None:
    tracers = ServiceTracers()
    assert tracers.process_tracer() is tracers.process_tracer()
    assert all(tracers.find(f"service-{number}") for number in range(MAX_SERVICE_NAMES))
    assert tracers.find("one-more") is None


def test_surplus_names_are_counted_logged_once_and_named_in_the_status(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    tracers = service_tracers()
    with caplog.at_level(logging.WARNING):
        found = [tracers.find(f"service-{number}") for number in range(MAX_SERVICE_NAMES + 3)]
    assert [tracer is None for tracer in found] == [False] * MAX_SERVICE_NAMES + [True] * 3
    (notice,) = recorded.handle.status()["traces"].notices
    assert f"'service-{MAX_SERVICE_NAMES}'" in notice.message
    assert notice.message.endswith("(spans: 3)")
    assert caplog.text.count("More than 64 service names") == 1


def test_without_surplus_names_there_is_no_notice() -> None:
    tracers = ServiceTracers()
    tracers.find("payments")
    assert tracers.notices() == ()


def test_tracers_follow_the_global_provider() -> None:
    assert isinstance(ServiceTracers().process_tracer(), otel_trace.Tracer)
