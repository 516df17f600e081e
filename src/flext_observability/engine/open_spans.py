"""Registry of the open spans of one pipeline, for signals, exits and second starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

    from flext_observability.engine.span_options import SpanSink

MAX_OPEN: Final = 20_000
"""Maximum number of registered spans. Older ones are ended by the program alone."""
PRUNE_MASK: Final = 4095
"""A span whose number has none of these bits removes the surplus of the registry."""


@final
class OpenSpans:
    """Open spans of one pipeline, and those of earlier pipelines that end in it.

    A span is added by the tracer, and removed by its end: one operation on a dict each, without a lock. The order is
    that of the starts.

    Attributes:
        engine: Spans of the engine; key and value are the span.
        sdk: Spans of the SDK by their span id.
        former: Registries of earlier pipelines.
    """

    __slots__ = ("engine", "former", "sdk")

    def __init__(self) -> None:
        self.engine: dict[Any, Any] = {}
        self.sdk: dict[int, Any] = {}
        self.former: tuple[OpenSpans, ...] = ()

    def __len__(self) -> int:
        """Return the number of open spans."""
        return sum(len(each.engine) + len(each.sdk) for each in (self, *self.former))

    def spans(self) -> list[Span]:
        """Return the open spans, those of each pipeline in the order of their starts."""
        registries = (*reversed(self.former), self)
        found = [span for each in registries for span in (*list(each.engine.values()), *list(each.sdk.values()))]
        return [span for span in found if span.is_recording()]

    def follow(self, previous: OpenSpans) -> None:
        """Take over the spans of the previous pipeline, and of those before it."""
        self.former = (previous, *(each for each in previous.former if each.engine or each.sdk))

    def redirect_former(self, sink: SpanSink) -> None:
        """Pass the spans of earlier pipelines that end from now on to this one."""
        for each in self.former:
            for span in list(each.engine):
                span.redirect(sink)

    def add_sdk(self, span_id: int, span: Span) -> None:
        """Add a span of the SDK."""
        self.sdk[span_id] = span
        if len(self.sdk) > MAX_OPEN:
            self.sdk.pop(list(self.sdk)[0], None)  # noqa: RUF015 - a copy: other threads change the dict
