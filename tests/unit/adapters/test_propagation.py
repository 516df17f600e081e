"""Context written to and read from carriers by the public functions."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext

from flext_observability.adapters.correlation import (
    correlation_scope,
    current_correlation_id,
    flext_get_correlation_id,
    flext_set_correlation_id,
)
from flext_observability.adapters.propagation import extract_context, inject_context
from flext_observability.decorators.traced import traced
from flext_observability.providers.notices import Notices
from flext_observability.providers.propagation import install_propagators
from flext_observability.settings.config import FlextObservabilityConfig
from tests.hostile import Hostile

PARENT = "00-0000000000000000000000000000000a-000000000000000b-01"
SPAN = NonRecordingSpan(SpanContext(1, 1, is_remote=False))


@pytest.fixture
def _installed() -> Iterator[None]:
    before = propagate.get_global_textmap()
    config = FlextObservabilityConfig(propagators=("tracecontext", "baggage"), correlation_id_header="X-Correlation-ID")
    install_propagators(config, Notices())
    yield
    propagate.set_global_textmap(before)


def span_id(given: context.Context) -> int:
    return trace.get_current_span(given).get_span_context().span_id


def test_a_round_trip_without_any_id() -> None:
    carrier: dict[str, str] = {}
    assert inject_context(carrier) is carrier
    assert current_correlation_id(extract_context(carrier)) is None


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    "carrier",
    [
        {"Traceparent": PARENT, "Baggage": "tier=gold", "X-Correlation-Id": "order-7"},
        {"HTTP_TRACEPARENT": PARENT, "HTTP_BAGGAGE": "tier=gold", "HTTP_X_CORRELATION_ID": "order-7"},
        [(b"traceparent", PARENT.encode()), (b"baggage", b"tier=gold"), (b"x-correlation-id", b"order-7")],
        {
            "traceparent": PARENT,
            "tracestate": 5,
            "baggage": ["a=b", "tier=gold"],
            "x-correlation-id": [None, "order-7"],
        },
        {"traceparent": PARENT, "tracestate": ["a=1", "b=2"], "baggage": "tier=gold,flext.correlation_id=order-7"},
    ],
    ids=["title", "wsgi", "asgi", "wrong types", "repeated"],
)
def test_trace_baggage_and_correlation_id_of_any_carrier(carrier: Any) -> None:
    arrived = extract_context(carrier)
    assert span_id(arrived) == 0xB
    assert baggage.get_baggage("tier", arrived) == "gold"
    assert current_correlation_id(arrived) == "order-7"


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("carrier", [{}, [], [(b"", b"")]])
def test_all_headers_return_from_any_writable_carrier(carrier: Any) -> None:
    sent = trace.set_span_in_context(SPAN, baggage.set_baggage("tier", "gold"))
    token = context.attach(sent)
    with correlation_scope("order-7"):
        inject_context(carrier)
    context.detach(token)
    arrived = extract_context(carrier)
    assert (span_id(arrived), current_correlation_id(arrived)) == (1, "order-7")
    assert baggage.get_baggage("tier", arrived) == "gold"


@pytest.mark.usefixtures("_installed")
def test_a_request_without_an_id_inherits_none_from_start_up_but_the_one_of_a_scope() -> None:
    flext_set_correlation_id("start-up")
    ids: list[str] = []
    for _ in range(2):
        with traced("handle", parent=extract_context({"traceparent": PARENT})):
            ids.append(flext_get_correlation_id())
    assert len({*ids, "start-up"}) == 3
    with correlation_scope("job-7"), traced("handle", parent=extract_context({"traceparent": PARENT})):
        assert flext_get_correlation_id() == "job-7"


@pytest.mark.parametrize("carrier", [None, 5, object()])
def test_an_invalid_carrier_is_unchanged_and_logged_once(carrier: Any, caplog: pytest.LogCaptureFixture) -> None:
    with trace.use_span(SPAN):
        assert inject_context(carrier) is carrier
        inject_context(carrier)
        assert extract_context(carrier) is context.get_current()
    assert [record.message.partition(" failed: ")[0] for record in caplog.records] == [
        "Writing context into a carrier",
        "Reading context from a carrier",
    ]
    assert caplog.messages[0].endswith(". Pass a dict, or a list of (name, value) pairs.")


def test_a_carrier_that_always_raises_is_unchanged() -> None:
    hostile: Any = Hostile()
    with trace.use_span(SPAN):
        assert inject_context(hostile) is hostile
        assert extract_context(hostile) is context.get_current()


def test_the_readable_part_of_a_carrier_that_raises_is_used(caplog: pytest.LogCaptureFixture) -> None:
    def pairs() -> Iterator[tuple[str, str]]:
        yield "Traceparent", PARENT
        raise OSError("closed")

    assert span_id(extract_context(pairs())) == 0xB
    assert [message.partition(";")[0] for message in caplog.messages] == [
        "Reading context from a carrier failed: OSError: closed"
    ]


def test_an_immutable_carrier_is_logged_with_the_fix(caplog: pytest.LogCaptureFixture) -> None:
    carrier: Any = MappingProxyType({})
    with trace.use_span(SPAN):
        assert inject_context(carrier) is carrier
    (message,) = caplog.messages
    assert message.startswith("Writing context into a carrier failed: TypeError: 'mappingproxy'")
    assert message.endswith("Pass a dict, or a list of (name, value) pairs.")


class Broken(TextMapPropagator):
    """A propagator that raises."""

    def extract(self, *arguments: Any, **options: Any) -> Any:
        raise SystemExit

    inject = extract

    @property
    def fields(self) -> set[str]:
        return {"x"}


def test_a_global_propagator_that_raises_costs_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Broken())
    try:
        carrier: dict[str, str] = {}
        assert inject_context(carrier) is carrier
        assert extract_context({"traceparent": PARENT}) is context.get_current()
    finally:
        propagate.set_global_textmap(before)
    assert len(caplog.messages) == 2
