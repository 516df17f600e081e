"""Ended spans → the same spans; of those with a secret, copies with markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Status

from flext_observability.pipeline.redaction.cards import MIN_NUMBER
from flext_observability.pipeline.redaction.contexts import ContextRedactor
from flext_observability.pipeline.redaction.marker import FAILED
from flext_observability.pipeline.redaction.redactor import NUMBERS, Hits, Redactor
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.pipeline.redaction.counts import RedactionCounts

_COPY: Final = "_flext_redacted"
"""Attribute of a span with a secret: its copy, which all exporters share."""


@final
class RedactedSpan(ReadableSpan):
    """Copy of a span with other texts. The numbers of what was dropped are those of the span."""

    def __init__(self, span: ReadableSpan, redactor: Redactor, contexts: ContextRedactor, hits: Hits) -> None:
        super().__init__(
            name=redactor.text(span.name, hits),
            context=span.context,
            parent=span.parent,
            resource=contexts.resource(span.resource),
            attributes=redactor.attributes(span.attributes, hits),
            events=[_event(each, redactor, hits) for each in span.events],
            links=[_link(each, redactor, hits) for each in span.links],
            kind=span.kind,
            status=_status(span.status, redactor, hits),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=contexts.scope(span.instrumentation_scope),
        )
        self._dropped = span.dropped_attributes, span.dropped_events, span.dropped_links

    @property
    def dropped_attributes(self) -> int:
        """Number of dropped attributes."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """Number of dropped events."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """Number of dropped links."""
        return self._dropped[2]


@final
class SpanRedactor:
    """Redacts batches of spans. Thread-safe.

    Args:
        redactor: Rules of the signal.
        contexts: Redacts resources and scopes.
        counts: Counts the masked values.
    """

    __slots__ = ("_contexts", "_counts", "_redactor")

    def __init__(self, redactor: Redactor, contexts: ContextRedactor, counts: RedactionCounts) -> None:
        self._redactor = redactor
        self._contexts = contexts
        self._counts = counts

    def batch(self, batch: Sequence[ReadableSpan]) -> Sequence[ReadableSpan]:
        """Return the spans; the batch itself if none has a secret."""
        is_clean, redacted = self._is_clean, self.span
        replaced = [each if is_clean(each) else redacted(each) for each in batch]
        return batch if all(map(is_, replaced, batch)) else replaced

    def _is_clean(self, span: ReadableSpan) -> bool:  # measured: benchmarks, redaction
        """Return whether a span of plain attributes alone has no secret. Fast."""
        attributes: dict[str, Any] | None = getattr(span, "plain_attributes", None)
        plain, clean, name = self._redactor.plain, self._redactor.clean, span.name
        if attributes is None or type(name) is not str or not clean[name] or span.status.description is not None:
            return False
        for key, value in attributes.items():
            kind = type(value)  # pyright: ignore[reportUnknownVariableType]  # of any type
            if kind is str:
                if not (clean[value] and plain[key]):
                    return False
            elif kind not in NUMBERS or not plain[key] or (kind is int and value >= MIN_NUMBER):
                return False
        return self._contexts.is_clean(span.resource, span.instrumentation_scope)

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a span, or its copy without secrets. One that cannot be examined keeps only its place in the trace."""
        try:
            return self._redacted(span)
        except BaseException as error:  # noqa: BLE001 - values of the program, of any type
            reraise_interrupt(error)
            report_once("Redacting a span", error)
            return ReadableSpan(FAILED, span.context, span.parent, resource=Resource({}))

    def _redacted(self, span: ReadableSpan) -> ReadableSpan:
        known: ReadableSpan | None = vars(span).get(_COPY)
        if known is not None or type(span) is RedactedSpan:
            return known or span
        hits: Hits = []
        copied = RedactedSpan(span, self._redactor, self._contexts, hits)
        if not hits and self._contexts.is_clean(span.resource, span.instrumentation_scope):
            return span
        if span.end_time is None:
            return copied  # a snapshot of an open span, which continues
        kept: ReadableSpan = vars(span).setdefault(_COPY, copied)
        if kept is copied:  # otherwise another exporter has counted them
            self._counts.add(hits)
        return kept


def _event(event: Event, redactor: Redactor, hits: Hits) -> Event:
    before = len(hits)
    name, attributes = redactor.text(event.name, hits), redactor.attributes(event.attributes, hits)
    if len(hits) == before:
        return event
    return Event(name, _bounded(attributes, event.dropped_attributes), event.timestamp)


def _link(link: Link, redactor: Redactor, hits: Hits) -> Link:
    before = len(hits)
    attributes = redactor.attributes(link.attributes, hits)
    return link if len(hits) == before else Link(link.context, _bounded(attributes, link.dropped_attributes))


def _bounded(attributes: Mapping[str, Any] | None, dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(attributes=attributes, immutable=False)
    bounded.dropped = dropped
    return bounded


def _status(status: Status, redactor: Redactor, hits: Hits) -> Status:
    description = status.description
    text = None if description is None else redactor.text(description, hits)
    return status if text is description else Status(status.status_code, text)
