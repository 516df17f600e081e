"""Propagators by name, and the correlation id as header and baggage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.propagators.textmap import Getter, TextMapPropagator, default_getter, default_setter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from flext_observability.adapters.carrier import HeaderSetter
from flext_observability.adapters.correlation import (
    correlation_scope,
    current_correlation_id,
    flext_set_correlation_id,
)
from flext_observability.providers.notices import Notices
from flext_observability.providers.propagation import (
    CorrelationPropagator,
    IndependentPropagators,
    install_propagators,
    make_propagators,
)
from flext_observability.settings.config import FlextObservabilityConfig
from tests.installed import install

Settings = Callable[..., FlextObservabilityConfig]
HEADER = "00-0000000000000000000000000000000a-000000000000000b-01"
PARENT = SpanContext(0xA, 0xB, is_remote=True, trace_flags=TraceFlags(1))

PROPAGATORS = """
from opentelemetry.propagators.textmap import TextMapPropagator

class Works(TextMapPropagator):
    fields = {"x-own"}
    def extract(self, carrier, context=None, getter=None):
        return context
    def inject(self, carrier, context=None, setter=None):
        setter.set(carrier, "x-own", "1")

class Broken(Works):
    def __init__(self):
        raise RuntimeError("no licence")
"""


def standard(notices: Notices, header: str = "X-Correlation-ID") -> CorrelationPropagator:
    return CorrelationPropagator(IndependentPropagators(make_propagators(["tracecontext", "baggage"], notices)), header)


def test_trace_baggage_and_correlation_id_round_trip(notices: Notices) -> None:
    propagator, carrier = standard(notices), dict[str, str]()
    outgoing = trace.set_span_in_context(NonRecordingSpan(PARENT), baggage.set_baggage("tier", "gold"))
    with correlation_scope("order-7"):
        propagator.inject(carrier, outgoing)
    assert carrier["X-Correlation-ID"] == "order-7"
    assert set(carrier) == {"traceparent", "baggage", "X-Correlation-ID"}
    arrived = propagator.extract(carrier, context.Context())
    assert trace.get_current_span(arrived).get_span_context().span_id == 0xB
    assert baggage.get_baggage("tier", arrived) == "gold"
    assert current_correlation_id(arrived) == "order-7"


def test_no_correlation_id_is_injected_without_one(notices: Notices) -> None:
    carrier: dict[str, str] = {}
    standard(notices).inject(carrier, context.Context())
    assert carrier == {}


def test_default_context_is_the_current_one(notices: Notices) -> None:
    propagator, carrier = standard(notices), dict[str, str]()
    with correlation_scope("order-7"):
        propagator.inject(carrier)
    assert current_correlation_id(propagator.extract(carrier)) == "order-7"


def test_lower_case_header_names(notices: Notices) -> None:
    arrived = standard(notices).extract({"x-correlation-id": "order-7"}, context.Context())
    assert current_correlation_id(arrived) == "order-7"


def test_correlation_id_from_baggage_without_valid_header(notices: Notices) -> None:
    carrier = {"X-Correlation-ID": "bad id\n", "baggage": "flext.correlation_id=order-7"}
    assert current_correlation_id(standard(notices).extract(carrier, context.Context())) == "order-7"


@pytest.mark.parametrize("bad", ["x" * 129, "a b", "\x00", ""])
def test_invalid_remote_ids_are_ignored(notices: Notices, bad: str) -> None:
    carrier = {"X-Correlation-ID": bad}
    assert current_correlation_id(standard(notices).extract(carrier, context.Context())) is None


@pytest.mark.parametrize(
    "carrier",
    [
        {"TRACEPARENT": HEADER, "X-CORRELATION-ID": "order-7"},
        {"traceparent": [5, HEADER], "x-correlation-id": b"order-7", "baggage": 5},
        {"Traceparent": HEADER, "tracestate": None, "Baggage": "flext.correlation_id=order-7"},
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_headers_in_any_case_and_values_of_wrong_types(notices: Notices, carrier: Any, foreign: bool) -> None:
    getter = ItemGetter() if foreign else default_getter
    arrived = standard(notices).extract(carrier, context.Context(), getter)
    assert trace.get_current_span(arrived).get_span_context().span_id == 0xB
    assert current_correlation_id(arrived) == "order-7"


def test_a_request_inherits_no_id(notices: Notices) -> None:
    flext_set_correlation_id("start-up")
    assert current_correlation_id(standard(notices).extract({})) is None
    with correlation_scope("job"):
        assert current_correlation_id(standard(notices).extract({})) is None


class ItemGetter(Getter[Any]):
    """Getter of another library."""

    def get(self, carrier: Any, key: str) -> Any:
        return carrier.get(key)

    def keys(self, carrier: Any) -> Any:
        return carrier


class Broken(TextMapPropagator):
    """A propagator that raises."""

    def extract(self, *arguments: Any, **options: Any) -> Any:
        raise SystemExit

    inject = extract

    @property
    def fields(self) -> set[str]:
        raise OSError


def test_a_propagator_that_raises_is_skipped(notices: Notices, caplog: pytest.LogCaptureFixture) -> None:
    both = IndependentPropagators([Broken(), *make_propagators(["tracecontext"], notices)])
    for propagator in (both, CorrelationPropagator(both, "X-Correlation-ID")):
        carrier: dict[str, str] = {}
        propagator.inject(carrier, trace.set_span_in_context(NonRecordingSpan(PARENT)))
        assert carrier == {"traceparent": HEADER}
        arrived = propagator.extract(carrier)
        assert trace.get_current_span(arrived).get_span_context().span_id == 0xB
    assert caplog.messages == [
        "Injecting context failed: SystemExit: ; the program continues without it",
        "Extracting context failed: SystemExit: ; the program continues without it",
    ]


def test_a_carrier_that_cannot_be_written_does_not_break_the_caller(
    notices: Notices, caplog: pytest.LogCaptureFixture
) -> None:
    carrier: Any = MappingProxyType({})
    for setter in (default_setter, type(default_setter)(), HeaderSetter()):
        with correlation_scope("order-7"):
            standard(notices).inject(carrier, setter=setter)
    assert [message.partition(":")[0] for message in caplog.messages] == ["Injecting context failed"]


def test_fields(notices: Notices) -> None:
    assert {"traceparent", "baggage", "X-Request-ID"} <= standard(notices, "X-Request-ID").fields


def test_propagators_are_distinct_and_none_has_none(notices: Notices) -> None:
    assert make_propagators(["none"], notices) == []
    assert len(make_propagators(["baggage", "baggage"], notices)) == 1
    assert notices.all() == ()


def test_installed_propagators(notices: Notices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"opentelemetry_propagator": {"own": "own_propagators:Works", "broken": "own_propagators:Broken"}}
    install(tmp_path, monkeypatch, "own_propagators", PROPAGATORS, points)
    carrier: dict[str, str] = {}
    (own,) = make_propagators(["own", "broken"], notices)
    CorrelationPropagator(own, "X-Correlation-ID").inject(carrier)
    assert carrier == {"x-own": "1"}
    assert [notice.message for notice in notices.all()] == ["The propagator 'broken' failed: RuntimeError: no licence"]


def test_missing_propagator_is_a_notice_with_its_package(notices: Notices) -> None:
    assert make_propagators(["b3", "homemade"], notices) == []
    fixes = [notice.fix for notice in notices.all()]
    assert fixes == ["pip install opentelemetry-propagator-b3", "pip install opentelemetry-propagator-homemade"]


def test_install_propagators_sets_the_global_one(settings: Settings, notices: Notices) -> None:
    before = propagate.get_global_textmap()
    try:
        install_propagators(settings(correlation_id_header="X-Request-ID"), notices)
        carrier: dict[str, str] = {}
        with correlation_scope("order-7"):
            propagate.inject(carrier)
        assert carrier["X-Request-ID"] == "order-7"
    finally:
        propagate.set_global_textmap(before)
