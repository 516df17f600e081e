"""Sampler that counts the spans dropped by another sampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler, SamplingResult

from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.trace.span import TraceState
    from opentelemetry.util.types import Attributes


class CountingSampler(Sampler):
    """Delegates to another sampler and counts dropped spans, which processors never receive."""

    def __init__(self, inner: Sampler, counter: SignalCounter) -> None:
        self._inner = inner
        self._counter = counter

    def should_sample(  # noqa: PLR0913, PLR0917 - OTel's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the result of the inner sampler. If it fails, the parent decides."""
        try:
            result = self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
            dropped = result.decision is Decision.DROP
        except BaseException as error:  # noqa: BLE001 - a sampler of another package
            reraise_interrupt(error)
            report_once("Sampling a span", error)
            result = DEFAULT_ON.should_sample(parent_context, trace_id, name, kind, attributes, links)
            dropped = result.decision is Decision.DROP
        if dropped:
            next(self._counter.skipped)
        return result

    def get_description(self) -> str:
        """Return the description of the inner sampler."""
        return self._inner.get_description()
