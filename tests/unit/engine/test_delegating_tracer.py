"""Stable tracers: handed out once, they follow every swap."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from flext_observability.engine.delegating_tracer import DelegatingTracerProvider


class Sdk:
    """An SDK provider and the spans that it finished."""

    def __init__(self, name: str = "sdk") -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> list[Any]:
        return list(self._exporter.get_finished_spans())


def test_before_any_provider_spans_are_not_recorded() -> None:
    with DelegatingTracerProvider().get_tracer("t").start_as_current_span("work") as span:
        assert not span.is_recording()


def test_a_tracer_taken_early_records_later_and_moves_on() -> None:
    stable, first, second = DelegatingTracerProvider(), Sdk(), Sdk()
    tracer = stable.get_tracer("t", "1.0", "https://schema", {"a": 1})
    stable.set_delegate(first.provider)
    tracer.start_span("one").end()
    stable.set_delegate(second.provider)
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


def test_the_current_span_is_the_started_one_with_all_that_was_given() -> None:
    stable, sdk = DelegatingTracerProvider(), Sdk()
    stable.set_delegate(sdk.provider)
    with stable.get_tracer("t").start_as_current_span("work", kind=SpanKind.SERVER, attributes={"a": 1}) as span:
        assert get_current_span() is span
    finished = sdk.spans[0]
    assert (finished.kind, dict(finished.attributes)) == (SpanKind.SERVER, {"a": 1})


def test_exceptions_are_recorded_and_go_on() -> None:
    stable, sdk = DelegatingTracerProvider(), Sdk()
    stable.set_delegate(sdk.provider)
    with pytest.raises(KeyError), stable.get_tracer("t").start_as_current_span("work"):
        raise KeyError("gone")
    assert sdk.spans[0].status.status_code is StatusCode.ERROR
    assert [event.name for event in sdk.spans[0].events] == ["exception"]


def test_a_decorated_function_follows_swaps() -> None:
    stable, first, second = DelegatingTracerProvider(), Sdk(), Sdk()

    @stable.get_tracer("t").start_as_current_span("call")
    def function() -> int:
        return 7

    stable.set_delegate(first.provider)
    assert function() == 7
    stable.set_delegate(second.provider)
    assert function() == 7
    assert (len(first.spans), len(second.spans)) == (1, 1)


def test_a_decorated_coroutine_is_one_span() -> None:
    stable, sdk = DelegatingTracerProvider(), Sdk()
    stable.set_delegate(sdk.provider)

    @stable.get_tracer("t").start_as_current_span("call")
    async def function() -> int:
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(function()) == 7
    assert [span.name for span in sdk.spans] == ["call"]


def test_a_service_name_in_the_scope_picks_the_provider() -> None:
    stable, own, other = DelegatingTracerProvider(), Sdk("own"), Sdk("other")
    early = stable.get_tracer("t", attributes={"flext.service.name": "other"})
    stable.set_delegate(own.provider, {"other": other.provider}.__getitem__)
    early.start_span("one").end()
    stable.get_tracer("t").start_span("two").end()
    assert ([span.name for span in own.spans], [span.name for span in other.spans]) == (["two"], ["one"])


def test_what_sdk_providers_offer_beyond_the_api_is_answered() -> None:
    stable, sdk = DelegatingTracerProvider(), Sdk("shop")
    stable.set_delegate(sdk.provider)
    assert stable.resource.attributes["service.name"] == "shop"  # type: ignore[attr-defined]  # answered at run time
    with pytest.raises(AttributeError):
        _ = stable._nothing
