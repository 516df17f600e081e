"""Sampling decisions of any sampler → the same decisions, with what is left out counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from flext_observability.pipeline.ledger import SignalCounter

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.trace.span import TraceState
    from opentelemetry.util.types import Attributes


class CountingSampler(Sampler):
    """Delegates to another sampler and counts spans that are not even recorded (processors never see those)."""

    def __init__(self, inner: Sampler, counter: SignalCounter) -> None:
        self._inner = inner
        self._counter = counter

    def should_sample(  # noqa: PLR0913, PLR0917 — OTel's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the inner sampler's result; same contract as OTel's ``Sampler.should_sample``."""
        result = self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is Decision.DROP:
            self._counter.start()
            self._counter.sample_out()
        return result

    def get_description(self) -> str:
        """Return the inner sampler's description."""
        return self._inner.get_description()
