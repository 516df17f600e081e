from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace as otel_trace
from opentelemetry.trace import StatusCode, format_trace_id

from flext_observability import (
    FlextContainer,
    FlextTrace,
    FlextTracingService,
    flext_create_trace,
    flext_get_correlation_id,
    traced,
)
from flext_observability.services.trace_registry import started_traces
from tests.recorded import Recorded, recording
from tests.threads import in_threads


class ManualClock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def time_ns(self) -> int:
        return int(self.seconds * 1e9)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def service() -> FlextTracingService:
    return FlextTracingService()


def new_trace(**fields: Any) -> FlextTrace:
    return FlextTrace.model_validate({"operation_name": "charge", "service_name": "payments", **fields})


class TestStart:
    def test_the_same_entity_is_returned_with_ids(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = new_trace()
        assert service.start_trace(trace).data is trace
        assert (len(trace.trace_id), len(trace.span_id), trace.status, trace.end_time) == (32, 16, "unset", None)
        service.complete_trace(trace)

    def test_a_name_starts_a_trace_of_this_process(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace("charge", context={"amount": 3}).unwrap()
        assert trace.service_name == recorded.handle.config.service_name
        assert service.complete_trace(trace).success
        assert (recorded.span("charge").attributes or {})["amount"] == 3

    def test_starting_again_changes_nothing(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        ids = trace.trace_id, trace.span_id
        assert service.start_trace(trace).data is trace
        assert service.start_trace(trace.model_copy()).success
        service.complete_trace(trace)
        assert (trace.trace_id, trace.span_id) == ids
        assert len(recorded.spans("charge")) == 1

    @pytest.mark.parametrize(
        ("given", "start"),
        [
            (None, "Invalid operation name"),
            (5, "Invalid operation name"),
            ("", "Invalid operation name"),
            (FlextTrace(operation_name=" ", service_name="x"), "Invalid operation name"),
            (FlextTrace(operation_name="x", service_name=""), "Invalid service name"),
        ],
    )
    def test_invalid_arguments_fail(self, service: FlextTracingService, given: Any, start: str) -> None:
        result = service.start_trace(given)
        assert (str(result.error)[: len(start)], result.code) == (start, "invalid_trace")

    def test_it_is_not_made_current(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        assert not otel_trace.get_current_span().get_span_context().is_valid
        service.complete_trace(trace)

    def test_awaited(self, recorded: Recorded, service: FlextTracingService) -> None:
        async def main() -> str:
            trace = (await service.start_trace("charge")).unwrap()
            await service.complete_trace(trace)
            return trace.status

        assert asyncio.run(main()) == "ok"


class TestParent:
    def test_current_span_by_default(self, recorded: Recorded, service: FlextTracingService) -> None:
        with traced("current") as span:
            service.complete_trace(service.start_trace(new_trace()).unwrap())
        assert recorded.span("charge").parent == span.get_span_context()

    @pytest.mark.parametrize("where", ["field", "context"])
    @pytest.mark.parametrize("which", ["id", "trace_id"])
    def test_entity_id_or_trace_id_also_when_ended_and_from_another_thread(
        self, recorded: Recorded, service: FlextTracingService, where: str, which: str
    ) -> None:
        parent = service.start_trace(new_trace(operation_name="parent")).unwrap()
        service.complete_trace(parent)
        parent_id = str(getattr(parent, which))
        child = (
            new_trace(parent_trace_id=parent_id)
            if where == "field"
            else new_trace(context={"parent_trace_id": parent_id})
        )

        def work() -> None:
            service.start_trace(child)
            service.complete_trace(child)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert recorded.span("charge").parent == recorded.span("parent").context
        assert recorded.span("charge").attributes == {"flext.id": child.id}

    def test_trace_id_of_the_current_span(self, recorded: Recorded, service: FlextTracingService) -> None:
        with traced("current") as span:
            trace_id = format_trace_id(span.get_span_context().trace_id)
            service.complete_trace(service.start_trace(new_trace(parent_trace_id=trace_id.upper())).unwrap())
        assert recorded.span("charge").parent == span.get_span_context()

    @pytest.mark.parametrize("parent_id", ["unknown", "0" * 31 + "1"])
    def test_an_unknown_parent_gives_a_root_span_with_its_id(
        self, recorded: Recorded, service: FlextTracingService, parent_id: str
    ) -> None:
        with traced("current"):
            service.complete_trace(service.start_trace(new_trace(parent_trace_id=parent_id)).unwrap())
        span = recorded.span("charge")
        assert span.parent is None
        assert (span.attributes or {})["flext.parent.id"] == parent_id

    def test_a_parent_of_any_type_in_the_context_is_accepted(
        self, recorded: Recorded, service: FlextTracingService
    ) -> None:
        assert service.start_trace(new_trace(context={"parent_trace_id": 5})).success

    def test_a_parent_from_before_the_start_gives_its_trace_id(self, service: FlextTracingService) -> None:
        parent = flext_create_trace("early", "orders").unwrap()
        with recording() as started:
            child = flext_create_trace("late", "orders", parent_trace_id=parent.id).unwrap()
            service.complete_trace(child)
            service.complete_trace(parent)
            assert [span.name for span in started.spans()] == ["late"]
        assert child.trace_id == parent.trace_id


class TestEnd:
    def test_completed(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        assert service.complete_trace(trace).data is trace
        assert trace.status == "ok"
        assert trace.end_time is not None
        assert trace.end_time >= trace.start_time
        assert recorded.span("charge").status.status_code is StatusCode.OK

    def test_failed_with_a_message(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        assert service.error_trace(trace, "card \ud800 declined").unwrap().status == "error"
        status = recorded.span("charge").status
        assert (status.status_code, status.description) == (StatusCode.ERROR, "card \ufffd declined")

    def test_failed_without_a_message(self, recorded: Recorded, service: FlextTracingService) -> None:
        service.error_trace(service.start_trace(new_trace()).unwrap())
        assert recorded.span("charge").status.description is None

    def test_failed_with_an_exception(self, recorded: Recorded, service: FlextTracingService) -> None:
        service.error_trace(service.start_trace(new_trace()).unwrap(), ValueError("declined"))
        span = recorded.span("charge")
        assert span.status.description == "ValueError: declined"
        assert [event.name for event in span.events] == ["exception"]

    def test_another_service_object_and_a_copy_can_end_it(
        self, recorded: Recorded, service: FlextTracingService
    ) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        copy = trace.model_copy()
        assert FlextTracingService(FlextContainer()).complete_trace(copy).success
        assert trace.status == copy.status == "ok"
        assert trace.end_time == copy.end_time

    def test_ending_twice(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        service.complete_trace(trace)
        end_time = trace.end_time
        assert service.complete_trace(trace).success
        assert service.error_trace(trace, "late").code == "trace_ended"
        assert (trace.status, trace.end_time) == ("ok", end_time)

    def test_a_trace_that_was_not_started(self, service: FlextTracingService) -> None:
        assert service.complete_trace(new_trace()).code == "trace_not_started"

    @pytest.mark.parametrize("given", [None, 5, "id"])
    def test_an_object_that_is_not_a_trace(self, service: FlextTracingService, given: Any) -> None:
        result = service.complete_trace(given)
        assert (result.code, str(result.error)[:13]) == ("invalid_trace", "Invalid trace")


class TestContextManager:
    def test_the_span_is_current_in_the_body_and_ends_as_ok(
        self, recorded: Recorded, service: FlextTracingService
    ) -> None:
        with service.trace("charge", "payments") as started:
            trace = started.unwrap()
            with traced("inner"):
                pass
        assert trace.status == "ok"
        assert recorded.span("inner").parent == recorded.span("charge").context
        assert not otel_trace.get_current_span().get_span_context().is_valid

    def test_an_exception_ends_it_as_failed_and_is_raised(
        self, recorded: Recorded, service: FlextTracingService
    ) -> None:
        trace = new_trace()
        with pytest.raises(ValueError, match="declined"), service.trace(trace):
            raise ValueError("declined")
        assert trace.status == "error"
        assert recorded.span("charge").status.description == "ValueError: declined"

    @pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
    def test_a_cancellation_or_an_interruption_is_not_an_error(
        self, recorded: Recorded, service: FlextTracingService, error: type[BaseException]
    ) -> None:
        trace = new_trace()
        with pytest.raises(error), service.trace(trace):
            raise error
        assert (trace.status, trace.end_time is None) == ("unset", False)
        assert (recorded.span("charge").attributes or {})["flext.outcome"] == "cancelled"

    def test_a_correlation_id_of_the_body_ends_with_it(self, recorded: Recorded, service: FlextTracingService) -> None:
        ids: list[str] = []
        for name in ("first", "second"):
            with service.trace(name):
                with traced("inner"):
                    ids.append(flext_get_correlation_id())
                assert flext_get_correlation_id() == ids[-1]
        assert ids[0] != ids[1]

    def test_the_body_may_end_the_trace(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = new_trace()
        with service.trace(trace):
            service.error_trace(trace, "declined")
        assert trace.status == "error"

    def test_a_body_that_ends_in_another_thread_ends_it(
        self, recorded: Recorded, service: FlextTracingService, caplog: pytest.LogCaptureFixture
    ) -> None:
        block, before = service.trace("charge"), otel_trace.get_current_span()
        thread = threading.Thread(target=block.__enter__)
        thread.start()
        thread.join()
        block.__exit__(None, None, None)
        assert recorded.span("charge").status.status_code is StatusCode.OK
        assert otel_trace.get_current_span() is before
        assert caplog.messages == []

    def test_the_body_runs_also_when_the_start_failed(self, service: FlextTracingService) -> None:
        with service.trace("") as started:
            ran = True
        assert ran
        assert started.code == "invalid_trace"

    def test_a_trace_that_has_ended_is_not_made_current(self, recorded: Recorded, service: FlextTracingService) -> None:
        trace = service.start_trace(new_trace()).unwrap()
        service.complete_trace(trace)
        with service.trace(trace):
            assert not otel_trace.get_current_span().get_span_context().is_valid


class TestAbandoned:
    @pytest.fixture(autouse=True)
    def _empty_registry(self) -> Iterator[None]:
        started_traces().evict(float("inf"))
        yield
        started_traces().evict(float("inf"))

    def test_a_trace_older_than_an_hour_is_ended_as_abandoned_by_the_next_start(self, recorded: Recorded) -> None:
        clock, container = ManualClock(), FlextContainer()
        container.register("clock", clock)
        service = FlextTracingService(container)
        abandoned = service.start_trace(new_trace(operation_name="abandoned")).unwrap()
        clock.seconds += 3601
        service.complete_trace(service.start_trace(new_trace()).unwrap())
        assert abandoned.status == "abandoned"
        assert abandoned.end_time is not None
        span = recorded.span("abandoned")
        assert (span.attributes or {})["flext.outcome"] == "abandoned"
        assert span.status.status_code is StatusCode.UNSET
        assert service.complete_trace(abandoned).code == "trace_ended"


def test_span_is_the_same_as_traced(recorded: Recorded, service: FlextTracingService) -> None:
    with service.span("hot", {"a": 1}, span_kind="server", b=2) as span:
        assert span.is_recording()
    assert recorded.span("hot").attributes == {"a": 1, "b": 2}


def test_service_names_past_the_limit_are_a_span_attribute(recorded: Recorded, service: FlextTracingService) -> None:
    for number in range(70):
        trace = service.start_trace(new_trace(service_name=f"service {number}")).unwrap()
        service.complete_trace(trace)
    spans = recorded.spans("charge")
    others = [span for span in spans if "flext.service.name" in (span.attributes or {})]
    assert 6 <= len(others) < 70 == len(spans)
    assert {str((span.attributes or {})["flext.service.name"]) for span in others} == {
        f"service {number}" for number in range(70 - len(others), 70)
    }


def test_after_shutdown_traces_have_a_status_and_are_not_recorded(service: FlextTracingService) -> None:
    with recording() as started:
        trace = service.start_trace(new_trace()).unwrap()
        assert started.spans() == []
    assert service.complete_trace(trace).success
    later = service.start_trace(new_trace()).unwrap()
    assert service.complete_trace(later).unwrap().status == "ok"


def test_one_trace_started_by_many_threads_is_one_span(recorded: Recorded, service: FlextTracingService) -> None:
    trace = new_trace()
    in_threads(lambda _: service.start_trace(trace).unwrap())
    service.complete_trace(trace)
    assert len(recorded.spans("charge")) == 1
