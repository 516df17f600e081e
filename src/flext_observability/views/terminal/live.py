"""Spans and log records as they arrive → trees and log lines on a terminal, each trace once it is whole (one thread, bounded memory)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flext_observability.views.model import LogView, SpanView, TraceView
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.rows import ServiceColours, log_line
from flext_observability.views.terminal.tree import trace_tree
from flext_observability.views.text import format_count

if TYPE_CHECKING:
    from rich.console import RenderableType

_MAX_TRACES = 500
_MAX_ITEMS = 20_000
_JOIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """When to draw what has been gathered.

    Attributes:
        settle_seconds: Quiet time after which a whole trace is drawn (its root and every parent are there).
        patience_seconds: Quiet time after which a trace is drawn although something is missing.
        logs_patience_seconds: How long log records wait for the first span of their trace.
        lines_per_second: More than that is counted, not drawn.
        local_roots: Whether a span with a parent in another process makes a trace whole (one process is watched, not all).
    """

    settle_seconds: float = 0.25
    patience_seconds: float = 5.0
    logs_patience_seconds: float = 2.0
    lines_per_second: int = 500
    local_roots: bool = False


@dataclass(slots=True)
class _PendingTrace:
    """What arrived of one trace since it was last drawn; times in monotonic seconds."""

    first: float
    last: float
    spans: list[SpanView] = field(default_factory=list[SpanView])
    logs: list[LogView] = field(default_factory=list[LogView])
    known: set[str] = field(default_factory=set[str])
    missing: set[str] = field(default_factory=set[str])
    rooted: bool = False

    def add_span(self, span: SpanView, *, local_roots: bool) -> None:
        self.spans.append(span)
        self.known.add(span.span_id)
        self.missing.discard(span.span_id)
        if not span.parent_id or (local_roots and span.parent_is_remote):
            self.rooted = True
        elif span.parent_id not in self.known:
            self.missing.add(span.parent_id)

    def due(self, pace: Pace) -> float:
        if not self.spans:
            return self.first + pace.logs_patience_seconds
        whole = self.rooted and not self.missing
        return min(
            self.last + (pace.settle_seconds if whole else pace.patience_seconds),
            self.first + 3 * pace.patience_seconds,
        )


class LiveView:
    """Gathers traces and draws them; safe from any thread.

    Args:
        terminal: Where to draw.
        pace: When to draw.
        link: Address of a trace, for terminals that know links; empty for none.
        whole: All that is known of a trace, for those who keep more than the view itself; None draws what the view gathered.
    """

    def __init__(
        self,
        terminal: Terminal,
        pace: Pace,
        *,
        link: Callable[[TraceView], str] = lambda trace: "",
        whole: Callable[[str], TraceView | None] = lambda trace_id: None,
    ) -> None:
        self.colours = ServiceColours()
        self._terminal = terminal
        self._pace = pace
        self._link = link
        self._whole = whole
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._gathered: dict[str, _PendingTrace] = {}
        self._items = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failure = ""
        self._skipped = 0
        self._lines_left = float(self._pace.lines_per_second)
        self._refilled = time.monotonic()

    def add(self, spans: Iterable[SpanView] = (), logs: Iterable[LogView] = ()) -> str:
        """Take spans and log records; draw log lines outside a trace at once, the rest when it is due.

        Returns:
            Why the latest attempt to draw failed; empty when it did not.
        """
        lines: list[LogView] = []
        with self._changed:
            now = time.monotonic()
            for span in spans:
                self._of(span.trace_id, now).add_span(span, local_roots=self._pace.local_roots)
            for log in logs:
                if log.trace_id and log.sampled:
                    self._of(log.trace_id, now).logs.append(log)
                else:
                    lines.append(log)
            crowded = self._take(self._overflow())
            self._start()
            self._changed.notify()
        self._draw(lines, crowded)
        return self._failure

    def show(self, *drawings: RenderableType) -> None:
        """Draw something else between the trees."""
        self._write(*drawings)

    def close(self) -> str:
        """Draw all that is left, end the thread; return why drawing failed, or an empty text."""
        with self._changed:
            self._closed = True
            left = self._take(list(self._gathered))
            self._changed.notify()
        if self._thread:
            self._thread.join(_JOIN_SECONDS)  # it may be drawing
        self._draw([], left)
        if self._skipped:
            self._write(_skipped_line(self._skipped))
        return self._failure

    def _of(self, trace_id: str, now: float) -> _PendingTrace:
        gathered = self._gathered.setdefault(trace_id, _PendingTrace(first=now, last=now))
        gathered.last = now
        self._items += 1
        return gathered

    def _overflow(self) -> list[str]:
        """Return the ids of the oldest traces, as many as are too many."""
        too_many: list[str] = []
        items = self._items
        for trace_id, gathered in self._gathered.items():
            if len(self._gathered) - len(too_many) <= _MAX_TRACES and items <= _MAX_ITEMS:
                break
            too_many.append(trace_id)
            items -= len(gathered.spans) + len(gathered.logs)
        return too_many

    def _take(self, trace_ids: list[str]) -> list[_PendingTrace]:
        taken = [self._gathered.pop(trace_id) for trace_id in trace_ids]
        self._items -= sum(len(gathered.spans) + len(gathered.logs) for gathered in taken)
        return taken

    def _start(self) -> None:
        if self._gathered and self._thread is None and not self._closed:
            thread = threading.Thread(target=self._run, name="flext-live-view", daemon=True)
            with suppress(RuntimeError):  # the interpreter is ending: close() draws
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        """Draw what is due until the view is closed."""
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                dues = {trace_id: gathered.due(self._pace) for trace_id, gathered in self._gathered.items()}
                due = self._take([trace_id for trace_id, moment in dues.items() if moment <= now])
                if not due:
                    self._changed.wait(min(dues.values()) - now if dues else None)
                    continue
            self._draw([], due)

    def _draw(self, lines: list[LogView], traces: list[_PendingTrace]) -> None:
        for gathered in traces:
            if gathered.spans:
                self._draw_trace(gathered)
            else:
                lines = [*lines, *gathered.logs]
        self._draw_lines(lines)

    def _draw_lines(self, logs: list[LogView]) -> None:
        room = self._room(len(logs))
        if room:
            self._write(*(log_line(log, self.colours) for log in logs[:room]))

    def _draw_trace(self, gathered: _PendingTrace) -> None:
        if self._room(1):
            trace_id = gathered.spans[0].trace_id
            trace = self._whole(trace_id) or TraceView(tuple(gathered.spans), tuple(gathered.logs))
            self._write(trace_tree(trace, colours=self.colours, link=self._link(trace)))

    def _room(self, wanted: int) -> int:
        """Return how many of these may be drawn now; count the others, and say so once there is room again."""
        with self._drawing:
            now = time.monotonic()
            pace = self._pace.lines_per_second
            self._lines_left = min(self._lines_left + (now - self._refilled) * pace, float(pace))
            self._refilled = now
            room = min(wanted, max(int(self._lines_left), 0))
            skipped, self._skipped = (self._skipped, wanted - room) if room else (0, self._skipped + wanted)
        if skipped:
            self._write(_skipped_line(skipped))
        return room

    def _write(self, *drawings: RenderableType) -> None:
        with self._drawing:
            try:
                self._lines_left -= self._terminal.show(*drawings)
                self._failure = ""
            except (OSError, ValueError, AttributeError) as error:
                self._failure = str(error)


def _skipped_line(count: int) -> RenderableType:
    from rich.text import Text

    return Text(f"… {format_count(count, 'more trace or log line')} not drawn: too many at once", "dim italic")
