"""Processors that the program adds through the global providers: what they raise costs only themselves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import NoOpTracerProvider

from flext_observability.engine.contained_processor import ContainedProcessor
from flext_observability.engine.delegating_tracer import DelegatingTracerProvider


class Recording(SpanProcessor):
    """A span processor that keeps the names of ended spans, and raises at the start."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def on_start(self, *_: object, **__: object) -> None:
        raise SystemExit(3)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span.name)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def added(processor: object) -> DelegatingTracerProvider:
    """Return a provider to which a program has added the processor."""
    provider = DelegatingTracerProvider()
    provider.set_delegate(TracerProvider(shutdown_on_exit=False))
    add: Callable[..., Any] = provider.add_span_processor  # type: ignore[assignment]  # a dynamic attribute
    add(processor)
    return provider


def test_a_method_that_raises_is_logged_once_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    processor = Recording()
    tracer = added(processor).get_tracer("t")
    for name in ("one", "two"):
        tracer.start_span(name).end()
    assert processor.ended == ["one", "two"]
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "on_start of the processor Recording failed"
    ]


def test_a_processor_without_a_method_is_not_called(caplog: pytest.LogCaptureFixture) -> None:
    tracer = added(object()).get_tracer("t")
    for name in ("one", "two"):
        tracer.start_span(name).end()
    assert "on_end of the processor object failed: AttributeError" in caplog.text


def test_results_are_returned() -> None:
    provider: Any = added(Recording())
    assert provider.force_flush(100) is True


def test_a_contained_processor_can_be_copied() -> None:
    processor = Recording()
    copied: Any = copy.copy(ContainedProcessor(processor))
    assert copied.force_flush() is True


def test_without_a_provider_no_processor_can_be_added() -> None:
    provider = DelegatingTracerProvider()
    provider.set_delegate(NoOpTracerProvider())
    assert not hasattr(provider, "add_span_processor")
