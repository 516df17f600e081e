"""Parts that all spans of a tracer share: limits, sampler, ids, processors, counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from math import inf
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.engine.open_spans import MAX_OPEN
from flext_observability.engine.shedding import ShedCounts, Shedding
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.encoding import MAX_BYTES
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import SERVICE_NAME_ATTRIBUTE

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from flext_observability.engine.span_ids import GivenIds


ALL: Final = 1 << 64
"""Bound of the rule that samples every trace."""


class SamplingRule(NamedTuple):
    """A built-in sampler in numbers.

    Attributes:
        bound: A root span is sampled if the lower 64 bits of its trace id are below it: 0 for none, 2**64 for all.
        parent_based: Whether a span with a parent has the decision of the parent.
    """

    bound: int
    parent_based: bool


def _nothing(*_: object) -> None:
    """Do nothing."""


class SpanSink(NamedTuple):
    """Functions and counters of this library for spans. They never raise.

    Attributes:
        finished: Called with each sampled span that ends, after all processors.
        started: Advanced for each recorded span that starts.
        unsampled: Advanced for each recorded span that ends and is not sampled.
        dropped: Advanced for each span that the rule drops.
        shed: Advanced for what is left out because of its cost.
        open: Registry of open spans; None for one of each tracer.
    """

    finished: Callable[[ReadableSpan], object] = _nothing
    started: Iterator[int] = repeat(1)
    unsampled: Iterator[object] = repeat(None)
    dropped: Iterator[object] = repeat(None)
    shed: ShedCounts = ShedCounts()
    open: dict[Any, Any] | None = None


@final
class SpanOptions:
    """Parts that all spans of a tracer share.

    Args:
        resource: Resource of the provider.
        scope: Instrumentation scope of the tracer.
        limits: Limits of spans.
        sampler: Sampler, used without a rule.
        rule: The sampler in numbers; None for one that is not built in.
        bits: Returns a random number of this many bits, for ids.
        given_ids: Ids of the program; None for random ones.
        sink: Functions and counters for spans.

    Attributes:
        bound: See ``SamplingRule``; None without a rule.
        constant: Trace flag of all root spans that follow the rule: 1 sampled, 0 not; None if it depends on the id.
        kept_attributes: See ``Shedding``.
        sheds_events: Whether new events are left out.
        shed_counts: Counters of what is left out.
        lock: Held while a part of a span is replaced.
        max_attributes: Maximum number of attributes of a span.
        max_length: Maximum length of a text attribute, in characters.
        max_encoded: Maximum number of attributes in ``EncodedAttributes`` that need no check of their length.
        service: Attribute with the service name of the tracer, if it is not that of the resource.
        open: Open spans; see ``OpenSpans.engine``.
        on_start: Functions of the processors that are called with a new span and its parent context.
        on_end: Functions of the processors that are called with a span that ends.
        processors: All processors, that of this library included.
    """

    __slots__ = (
        "_rule",
        "_sink",
        "bits",
        "bound",
        "constant",
        "dropped",
        "finished",
        "given_ids",
        "kept_attributes",
        "limits",
        "lock",
        "max_attributes",
        "max_encoded",
        "max_length",
        "on_end",
        "on_start",
        "open",
        "parent_based",
        "processors",
        "resource",
        "sampler",
        "scope",
        "service",
        "shed_counts",
        "sheds_events",
        "started",
        "unsampled",
    )

    def __init__(  # noqa: PLR0913 - one call
        self,
        *,
        resource: Resource,
        scope: InstrumentationScope,
        limits: SpanLimits,
        sampler: Sampler,
        rule: SamplingRule | None,
        bits: Callable[[int], int],
        given_ids: GivenIds | None,
        sink: SpanSink,
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.sampler = sampler
        self._rule = rule
        self.bits = bits
        self.given_ids = given_ids
        self.redirect(sink)
        self.open: dict[Any, Any] = {} if sink.open is None else sink.open
        self.lock = ForkSafeLock()
        self.on_start: tuple[Callable[..., object], ...] = ()
        self.on_end: tuple[Callable[..., object], ...] = ()
        self.processors: tuple[SpanProcessor, ...] = ()
        self.max_length = _or_infinite(limits.max_span_attribute_length)
        self.service = _service_attribute(resource, scope)
        self.shed(Shedding())

    def redirect(self, sink: SpanSink) -> None:
        """Pass the spans that end from now on to another pipeline. They stay in their registry until then."""
        self._sink = sink
        self.finished, self.started, self.unsampled, _, self.shed_counts, _ = sink

    def prune(self) -> None:
        """Remove the oldest spans beyond ``MAX_OPEN``: perhaps the program has lost them."""
        if len(self.open) > MAX_OPEN:
            for span in list(self.open)[:-MAX_OPEN]:
                span.unregister()

    def shed(self, shedding: Shedding) -> None:
        """Set what spans leave out. Spans that are open follow."""
        rule, dropped, halvings = self._rule, self._sink.dropped, shedding.halvings
        self.sheds_events = shedding.events
        self.kept_attributes = shedding.kept_attributes
        self.max_attributes = min(_or_infinite(self.limits.max_span_attributes), shedding.kept_attributes)
        self.max_encoded = self.max_attributes if self.max_length >= MAX_BYTES else -1
        self.bound = bound = None if rule is None else rule.bound >> halvings
        self.constant = None if bound is None else {0: 0, ALL: 1}.get(bound)
        # Children follow their parents then, also with other rules: a trace that has begun stays whole.
        self.parent_based = rule is not None and (rule.parent_based or halvings > 0)
        self.dropped: Iterator[object] = zip(dropped, self.shed_counts.spans, strict=True) if halvings else dropped


def _service_attribute(resource: Resource, scope: InstrumentationScope) -> str | None:
    service = (scope.attributes or {}).get(SERVICE_NAME_ATTRIBUTE)
    return service if isinstance(service, str) and resource.attributes.get("service.name") != service else None


def _or_infinite(limit: int | None) -> float:
    return inf if limit is None else limit
