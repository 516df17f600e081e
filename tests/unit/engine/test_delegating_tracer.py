"""Delegating tracers: they follow each new delegate."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, Tracer, get_current_span

from flext_observability.adapters.correlation import current_correlation_id, flext_get_correlation_id
from flext_observability.adapters.id_holder import with_new_holder
from flext_observability.engine.delegating_tracer import DelegatingTracer, DelegatingTracerProvider
from flext_observability.engine.unusable import unusable_parts
from flext_observability.values.names import SERVICE_NAME_ATTRIBUTE


class Sdk:
    """An SDK provider and its finished spans."""

    def __init__(self, name: str = "sdk") -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> list[Any]:
        return list(self._exporter.get_finished_spans())


def test_spans_are_not_recorded_without_a_delegate() -> None:
    with DelegatingTracerProvider().get_tracer("t").start_as_current_span("work") as span:
        assert not span.is_recording()


def test_a_current_span_has_the_id_of_its_parent_context() -> None:
    tracer = DelegatingTracerProvider().get_tracer("t")
    request = with_new_holder(Context(), "request-1")
    with tracer.start_as_current_span("GET", context=request, kind=SpanKind.SERVER):
        assert current_correlation_id() == "request-1"
        with tracer.start_as_current_span("inner"):
            assert current_correlation_id() == "request-1"
    assert current_correlation_id() is None


def test_an_id_that_is_created_in_a_current_span_ends_with_it() -> None:
    tracer = DelegatingTracerProvider().get_tracer("t")
    with tracer.start_as_current_span("root"):
        with tracer.start_as_current_span("inner"):
            created = flext_get_correlation_id()
        assert current_correlation_id() == created
    assert current_correlation_id() is None


def test_an_early_tracer_follows_the_delegate() -> None:
    provider, first, second = DelegatingTracerProvider(), Sdk(), Sdk()
    tracer = provider.get_tracer("t", "1.0", "https://schema", {"a": 1})
    provider.set_delegate(first.provider)
    tracer.start_span("one").end()
    provider.set_delegate(second.provider)
    tracer.start_span("two").end()
    assert [span.name for span in first.spans] == ["one"]
    assert [span.name for span in second.spans] == ["two"]
    scope = first.spans[0].instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url, dict(scope.attributes)) == (
        "t",
        "1.0",
        "https://schema",
        {"a": 1},
    )


def test_a_delegate_receives_encoded_attributes() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    provider.get_tracer("t").start_span("one", raw={"a": 1, "b": {"c": 2}}).end()
    provider.get_tracer("t").start_span("two", raw={"a": 1, "b": "plain"}).end()
    assert [dict(span.attributes) for span in sdk.spans] == [{"a": 1, "b": '{"c":2}'}, {"a": 1, "b": "plain"}]


@pytest.mark.parametrize("name", ["id_generator", "instrumentation_info", "resource", "sampler", "span_processor"])
def test_attributes_of_the_sdk_are_those_of_the_delegate(name: str) -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()
    tracer = provider.get_tracer("t")
    assert not hasattr(tracer, name)
    provider.set_delegate(sdk.provider)
    assert getattr(tracer, name) is getattr(tracer.delegate, name)


def test_fields_of_a_tracer_are_read_without_a_function() -> None:
    """With ``__getattr__`` the interpreter reads each field slowly, at each span."""
    assert not hasattr(DelegatingTracer, "__getattr__")


def test_the_started_span_is_current_and_has_all_arguments() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    with provider.get_tracer("t").start_as_current_span("work", kind=SpanKind.SERVER, attributes={"a": 1}) as span:
        assert get_current_span() is span
    finished = sdk.spans[0]
    assert (finished.kind, dict(finished.attributes)) == (SpanKind.SERVER, {"a": 1})


def test_exceptions_are_recorded_and_propagate() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    with pytest.raises(KeyError), provider.get_tracer("t").start_as_current_span("work"):
        raise KeyError("gone")
    assert sdk.spans[0].status.status_code is StatusCode.ERROR
    assert [event.name for event in sdk.spans[0].events] == ["exception"]


def test_a_decorated_function_follows_the_delegate() -> None:
    provider, first, second = DelegatingTracerProvider(), Sdk(), Sdk()

    @provider.get_tracer("t").start_as_current_span("call")
    def function() -> int:
        return 7

    provider.set_delegate(first.provider)
    assert function() == 7
    provider.set_delegate(second.provider)
    assert function() == 7
    assert (len(first.spans), len(second.spans)) == (1, 1)


def test_a_decorated_coroutine_is_one_span() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()
    provider.set_delegate(sdk.provider)

    @provider.get_tracer("t").start_as_current_span("call")
    async def function() -> int:
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(function()) == 7
    assert [span.name for span in sdk.spans] == ["call"]


def test_a_service_name_in_the_scope_selects_the_provider() -> None:
    provider, own, other = DelegatingTracerProvider(), Sdk("own"), Sdk("other")
    early = provider.get_tracer("t", attributes={"flext.service.name": "other"})
    provider.set_delegate(own.provider, {"other": other.provider}.__getitem__)
    early.start_span("one").end()
    provider.get_tracer("t").start_span("two").end()
    assert ([span.name for span in own.spans], [span.name for span in other.spans]) == (["two"], ["one"])


def test_other_attributes_come_from_the_delegate() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk("shop")
    provider.set_delegate(sdk.provider)
    assert provider.resource.attributes["service.name"] == "shop"  # type: ignore[attr-defined]  # dynamic attribute
    with pytest.raises(AttributeError):
        _ = provider._nothing


def test_a_tracer_that_the_provider_rejects_costs_no_other() -> None:
    sdk = Sdk()

    class Choosy(TracerProvider):
        """A provider that has no tracer of one name."""

        def get_tracer(self, instrumenting_module_name: str, *scope: Any, **options: Any) -> Tracer:
            if instrumenting_module_name == "bad":
                raise SystemExit
            return sdk.provider.get_tracer(instrumenting_module_name, *scope, **options)

    provider = DelegatingTracerProvider()
    tracers = [provider.get_tracer(name) for name in ("bad", "good")]
    provider.set_delegate(Choosy(shutdown_on_exit=False))
    for tracer in (*tracers, provider.get_tracer("bad")):
        tracer.start_span("work").end()
    assert len(sdk.spans) == 1
    assert [notice.signal for notice in unusable_parts().notices()] == ["traces"]
    provider.set_delegate(sdk.provider)
    assert unusable_parts().notices() == ()


def test_a_route_that_raises_costs_its_tracer() -> None:
    provider, sdk = DelegatingTracerProvider(), Sdk()

    def fail(_: str) -> TracerProvider:
        raise KeyError("service")

    provider.set_delegate(sdk.provider, fail)
    for attributes in ({SERVICE_NAME_ATTRIBUTE: "other"}, {}):
        provider.get_tracer("t", attributes=attributes).start_span("work").end()
    assert len(sdk.spans) == 1
