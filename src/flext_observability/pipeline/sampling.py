"""Samplers for the SDK's tracer, which count the spans that they drop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import TraceState, get_current_span

from flext_observability.adapters.current_context import CURRENT, SPAN_KEY
from flext_observability.engine.shedding import Shedding
from flext_observability.engine.span_options import SamplingRule
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.foreign import type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanContext, SpanKind
    from opentelemetry.util.types import Attributes

_RATIO_MASK: Final = (1 << 64) - 1
# A member of an enumeration and a method are found slowly.
_SAMPLE: Final = Decision.RECORD_AND_SAMPLE
_DROP: Final = Decision.DROP
_current: Final = CURRENT.get


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
            dropped = _checked(result).decision is _DROP
        except BaseException as error:  # noqa: BLE001 - a sampler of another package
            reraise_interrupt(error)
            report_once("Sampling a span", error)
            given = attributes if issubclass(type(attributes), Mapping) else None
            result = DEFAULT_ON.should_sample(parent_context, trace_id, name, kind, given, links)
            dropped = result.decision is _DROP
        if dropped:
            next(self._counter.skipped)
        return result

    def get_description(self) -> str:
        """Return the description of the inner sampler."""
        return self._inner.get_description()


def _checked(result: Any) -> SamplingResult:  # noqa: ANN401 - of a sampler of another package
    """Return a result that a span can start with.

    Raises:
        TypeError: A part of it is of another type.
    """
    for given, kind, is_optional in (
        (result.decision, Decision, False),
        (result.attributes, Mapping, True),
        (result.trace_state, TraceState, True),
    ):
        if not issubclass(type(given), kind) and not (given is None and is_optional):
            raise TypeError(f"its result has {type_name(given)} instead of {kind.__name__}")
    return cast("SamplingResult", result)


class RuleSampler(Sampler):
    """Built-in sampler in numbers. It gives the same results as the SDK's, at a fraction of the cost."""

    def __init__(self, inner: Sampler, rule: SamplingRule, counter: SignalCounter) -> None:
        self._inner = inner
        self._rule = rule
        self._counter = counter
        self.shed(Shedding())

    def shed(self, shedding: Shedding) -> None:
        """Set how often the sampling ratio of new traces is halved. Children follow their parents then."""
        skipped, halvings = self._counter.skipped, shedding.halvings
        self._bound = self._rule.bound >> halvings
        self._parent_based = self._rule.parent_based or halvings > 0
        self._skipped: Iterator[object] = zip(skipped, self._counter.shed.spans, strict=True) if halvings else skipped

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
        """Return the decision of the parent, or of the rule."""
        parent: SpanContext | None = None
        if (_current() if parent_context is None else parent_context).get(SPAN_KEY) is not None:
            parent = get_current_span(parent_context).get_span_context()
            if not parent.is_valid:
                parent = None
        if parent is not None and self._parent_based:
            sampled = parent.trace_flags.sampled
        else:
            sampled = trace_id & _RATIO_MASK < self._bound
        state = None if parent is None else parent.trace_state
        if sampled:
            return SamplingResult(_SAMPLE, attributes, state)
        next(self._skipped)
        return SamplingResult(_DROP, None, state)

    def get_description(self) -> str:
        """Return the description of the SDK's sampler."""
        return self._inner.get_description()
