"""Registry of the open spans of one pipeline, for signals, exits, second starts and kills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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
        long: Spans that have been open for long, by their span id. Their ends are slower: they call ``before_end``.
        former: Registries of earlier pipelines.
        before_end: Called with the id of a span of ``long`` before it ends; None for nothing.
    """

    __slots__ = ("before_end", "engine", "former", "long", "sdk")

    def __init__(self) -> None:
        self.engine: dict[Any, Any] = {}
        self.sdk: dict[int, Any] = {}
        self.long: dict[int, Any] = {}
        self.former: tuple[OpenSpans, ...] = ()
        self.before_end: Callable[[int], object] | None = None

    def __len__(self) -> int:
        """Return the number of open spans."""
        return sum(len(each.engine) + len(each.sdk) + len(each.long) for each in (self, *self.former))

    def spans(self) -> list[Span]:
        """Return the open spans, those of each pipeline in the order of their starts."""
        registries = (*reversed(self.former), self)
        found = [
            span for each in registries for spans in (each.long, each.engine, each.sdk) for span in list(spans.values())
        ]
        return [span for span in found if span.is_recording()]

    def follow(self, previous: OpenSpans) -> None:
        """Take over the spans of the previous pipeline, and of those before it."""
        self.former = (previous, *(each for each in previous.former if each.engine or each.sdk or each.long))

    def redirect_former(self, sink: SpanSink) -> None:
        """Pass the spans of earlier pipelines that end from now on to this one."""
        for each in self.former:
            for span in (*list(each.engine), *list(each.long.values())):
                if hasattr(span, "redirect"):  # those of the SDK reach it by their processor
                    span.redirect(sink)

    def add_sdk(self, span_id: int, span: Span) -> None:
        """Add a span of the SDK."""
        self.sdk[span_id] = span
        if len(self.sdk) > MAX_OPEN:
            self.sdk.pop(list(self.sdk)[0], None)  # noqa: RUF015 - a copy: other threads change the dict

    def end_sdk(self, span_id: int) -> None:
        """Remove a span of the SDK."""
        if self.sdk.pop(span_id, None) is None and self.long:
            self.end_long(span_id)

    def end_long(self, span_id: int) -> None:
        """Remove a span that has been open for long, before it ends."""
        for each in (self, *self.former):
            if each.long.pop(span_id, None) is not None and each.before_end is not None:
                each.before_end(span_id)

    def long_open(self, before_ns: int, limit: int) -> list[Span]:
        """Return the spans that started before a time, the earliest ones first, and slow their ends from now on.

        Args:
            before_ns: Nanoseconds since the Unix epoch.
            limit: Maximum number of spans.
        """
        for each in (*reversed(self.former), self):
            if each is not self:
                self._adopt_long(each)
            for span_id, span, remove in each.entries():
                if span.start_time <= before_ns and len(self.long) < limit:
                    self.long[span_id] = span
                    if not remove(self.end_long):  # it has ended meanwhile
                        self.long.pop(span_id, None)
        return [span for span in list(self.long.values()) if span.is_recording()]

    def entries(self) -> Iterator[tuple[int, Any, Callable[[Callable[[int], object]], bool]]]:
        """Yield id and span, and the function that removes it; it returns whether the span was registered."""
        for span in list(self.engine):
            yield span.span_id, span, span.unregister
        for span_id, span in list(self.sdk.items()):
            yield span_id, span, partial(self._remove_sdk, span_id)

    def _remove_sdk(self, span_id: int, _: object) -> bool:
        return self.sdk.pop(span_id, None) is not None

    def _adopt_long(self, former: OpenSpans) -> None:
        for span_id, span in list(former.long.items()):
            self.long[span_id] = span
            if getattr(span, "before_end", None) is not None:
                span.before_end = self.end_long
            if former.long.pop(span_id, None) is None:
                self.long.pop(span_id, None)
