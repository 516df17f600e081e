from __future__ import annotations

from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, set_span_in_context

from flext_observability import FlextTrace, traced
from flext_observability.adapters.service_tracers import MAX_SERVICE_NAMES
from flext_observability.adapters.trace import process_service_name, start, start_non_recording
from flext_observability.values.timestamps import to_unix_nanos
from tests.recorded import Recorded


def new_trace(**fields: object) -> FlextTrace:
    return FlextTrace.model_validate({"operation_name": "charge", "service_name": "payments", **fields})


def test_entity_becomes_a_span_with_its_context_and_time(recorded: Recorded) -> None:
    trace = new_trace(context={"amount": 3, "parent_trace_id": "x", "raw": b"y"})
    start(trace, None).end()
    span = recorded.span("charge")
    assert span.attributes == {"flext.id": trace.id, "amount": 3, "raw": "y"}
    assert span.start_time == to_unix_nanos(trace.start_time)
    assert span.context is not None
    assert (int(trace.trace_id, 16), int(trace.span_id, 16)) == (span.context.trace_id, span.context.span_id)


def test_another_service_has_its_own_resource(recorded: Recorded) -> None:
    own = recorded.handle.config.service_name
    start(new_trace(), None).end()
    start(new_trace(service_name=own), None).end()
    other, same = recorded.spans("charge")
    assert [span.resource.attributes["service.name"] for span in (other, same)] == ["payments", own]
    assert process_service_name() == own


def test_a_surplus_service_is_an_attribute(recorded: Recorded) -> None:
    for number in range(MAX_SERVICE_NAMES + 1):
        start(new_trace(service_name=f"service-{number}", context={"flext.service.name": "given"}), None).end()
    *_, last, surplus = recorded.spans("charge")
    assert last.resource.attributes["service.name"] == f"service-{MAX_SERVICE_NAMES - 1}"
    assert surplus.resource.attributes["service.name"] == recorded.handle.config.service_name
    assert surplus.attributes is not None
    assert surplus.attributes["flext.service.name"] == f"service-{MAX_SERVICE_NAMES}"


def test_long_and_invalid_names_become_valid_text(recorded: Recorded) -> None:
    for name in ("x" * 1_000_000, "pay \ud800"):
        start(new_trace(operation_name=name, service_name=name), None).end()
    spans = recorded.spans()
    # After 64 service names in this process, the name is an attribute.
    services = [
        (span.attributes or {}).get("flext.service.name", span.resource.attributes["service.name"]) for span in spans
    ]
    names = [(span.name, str(service)) for span, service in zip(spans, services, strict=True)]
    assert [len(text.encode()) for pair in names for text in pair] == [1024, 1024, 7, 7]
    assert names[1] == ("pay \ufffd", "pay \ufffd")


def test_the_current_span_is_the_default_parent(recorded: Recorded) -> None:
    with traced("current") as current:
        start(new_trace(), None).end()
        start(new_trace(), INVALID_SPAN_CONTEXT).end()
    child, root = recorded.spans("charge")
    assert child.parent == current.get_span_context()
    assert root.parent is None


def test_without_a_provider_the_entity_gets_its_own_ids() -> None:
    first, second, child = new_trace(), new_trace(), new_trace()
    start(first, None)
    span = start_non_recording(second, None)
    start_non_recording(child, span.get_span_context())
    assert len({first.trace_id, second.trace_id}) == len({first.span_id, second.span_id, child.span_id}) - 1 == 2
    assert child.trace_id == second.trace_id
    assert (len(first.trace_id), len(first.span_id)) == (32, 16)
    assert process_service_name() == "unknown_service"


def test_without_a_provider_a_child_keeps_the_trace_of_a_remote_parent() -> None:
    remote, trace = new_trace(), new_trace()
    parent = start_non_recording(remote, None).get_span_context()
    from opentelemetry import context

    token = context.attach(set_span_in_context(NonRecordingSpan(parent)))
    start(trace, None)
    context.detach(token)
    assert trace.trace_id == remote.trace_id
    assert trace.span_id != remote.span_id
