"""Spans and log records → trees and log lines on a terminal, each trace when it is complete.

One thread, bounded memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.views.model import LogView, SpanView, TraceView
from flext_observability.views.terminal.output import Terminal
from flext_observability.views.terminal.rows import ServiceColours, log_line
from flext_observability.views.terminal.tree import trace_tree
from flext_observability.views.text import format_count, sanitize

if TYPE_CHECKING:
    from rich.console import RenderableType

_MAX_TRACES = 500
_MAX_ITEMS = 20_000
_JOIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RenderPolicy:
    """When to draw pending traces.

    Attributes:
        idle_seconds: Time without new data after which a complete trace is drawn.
        timeout_seconds: Time without new data after which an incomplete trace is drawn.
        logs_timeout_seconds: Maximum time for which log records wait for the first span of their trace.
        lines_per_second: Maximum rate. Further lines are counted instead of drawn.
        local_roots: Whether a span with a parent in another process counts as a root, for views of a single process.
    """

    idle_seconds: float = 0.25
    timeout_seconds: float = 5.0
    logs_timeout_seconds: float = 2.0
    lines_per_second: int = 500
    local_roots: bool = False


@dataclass(slots=True)
class _PendingTrace:
    """Data of one trace since it was last drawn. Times are monotonic seconds."""

    first: float
    last: float
    spans: list[SpanView] = field(default_factory=list[SpanView])
    logs: list[LogView] = field(default_factory=list[LogView])
    known: set[str] = field(default_factory=set[str])
    missing: set[str] = field(default_factory=set[str])
    has_root: bool = False

    def add_span(self, span: SpanView, *, local_roots: bool) -> None:
        self.spans.append(span)
        self.known.add(span.span_id)
        self.missing.discard(span.span_id)
        if not span.parent_id or (local_roots and span.parent_is_remote):
            self.has_root = True
        elif span.parent_id not in self.known:
            self.missing.add(span.parent_id)

    def due_at(self, policy: RenderPolicy) -> float:
        if not self.spans:
            return self.first + policy.logs_timeout_seconds
        complete = self.has_root and not self.missing
        return min(
            self.last + (policy.idle_seconds if complete else policy.timeout_seconds),
            self.first + 3 * policy.timeout_seconds,
        )


class LiveView:
    """Live output of traces and log records. Thread-safe.

    Args:
        terminal: Output.
        policy: When to draw.
        link: Function from a trace to its link, for terminals with hyperlinks; empty for none.
        find_trace: Function from an id to everything that is stored of the trace. None draws the data that the view
            has received since it last drew the trace.
    """

    def __init__(
        self,
        terminal: Terminal,
        policy: RenderPolicy,
        *,
        link: Callable[[TraceView], str] = lambda trace: "",
        find_trace: Callable[[str], TraceView | None] = lambda trace_id: None,
    ) -> None:
        self.colours = ServiceColours()
        self._terminal = terminal
        self._policy = policy
        self._link = link
        self._find_trace = find_trace
        self._changed = threading.Condition()
        self._draw_lock = threading.Lock()
        self._pending: dict[str, _PendingTrace] = {}
        self._items = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failure = ""
        self._invalid = ""
        self._skipped = 0
        self._lines_left = float(self._policy.lines_per_second)
        self._refilled = time.monotonic()

    def add(self, spans: Iterable[SpanView] = (), logs: Iterable[LogView] = ()) -> str:
        """Add spans and log records. Log records outside a trace are drawn at once, others with their trace.

        Returns:
            Why the latest attempt to draw failed, or empty.
        """
        lines: list[LogView] = []
        with self._changed:
            now = time.monotonic()
            for span in spans:
                self._pending_trace(span.trace_id, now).add_span(span, local_roots=self._policy.local_roots)
            for log in logs:
                if log.trace_id and log.sampled:
                    self._pending_trace(log.trace_id, now).logs.append(log)
                else:
                    lines.append(log)
            evicted = self._pop(self._overflow())
            self._start()
            self._changed.notify()
        self._draw(lines, evicted)
        return self._failure

    def close(self) -> str:
        """Draw all pending traces and end the thread. Return why drawing failed, or empty."""
        with self._changed:
            self._closed = True
            left = self._pop(list(self._pending))
            self._changed.notify()
        if self._thread:
            self._thread.join(_JOIN_SECONDS)  # it may be drawing a trace
        self._draw([], left)
        if self._skipped:
            self.show(_skipped_line(self._skipped))
        return self._failure

    def _pending_trace(self, trace_id: str, now: float) -> _PendingTrace:
        pending = self._pending.setdefault(trace_id, _PendingTrace(first=now, last=now))
        pending.last = now
        self._items += 1
        return pending

    def _overflow(self) -> list[str]:
        """Return the ids of the oldest traces over the limits."""
        oldest: list[str] = []
        items = self._items
        for trace_id, pending in self._pending.items():
            if len(self._pending) - len(oldest) <= _MAX_TRACES and items <= _MAX_ITEMS:
                break
            oldest.append(trace_id)
            items -= len(pending.spans) + len(pending.logs)
        return oldest

    def _pop(self, trace_ids: list[str]) -> list[_PendingTrace]:
        popped = [self._pending.pop(trace_id) for trace_id in trace_ids]
        self._items -= sum(len(pending.spans) + len(pending.logs) for pending in popped)
        return popped

    def _start(self) -> None:
        if self._pending and self._thread is None and not self._closed:
            thread = threading.Thread(target=self._run, name="flext-live-view", daemon=True)
            with suppress(RuntimeError):  # at interpreter exit: close() draws the rest
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        """Draw due traces until the view is closed."""
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                due_times = {trace_id: pending.due_at(self._policy) for trace_id, pending in self._pending.items()}
                # One at a time: close() draws the others, and waits for one only.
                due = self._pop([trace_id for trace_id, due_time in due_times.items() if due_time <= now][:1])
                if not due:
                    self._changed.wait(min(due_times.values()) - now if due_times else None)
                    continue
            self._draw([], due)

    def _draw(self, lines: list[LogView], traces: list[_PendingTrace]) -> None:
        for pending in traces:
            if pending.spans:
                self._draw_trace(pending)
            else:
                lines = [*lines, *pending.logs]
        if allowed := self._reserve_lines(len(lines)):
            self._show_logs(lines[:allowed])

    def _draw_trace(self, pending: _PendingTrace) -> None:
        if self._reserve_lines(1):
            trace_id = pending.spans[0].trace_id
            trace = self._find_trace(trace_id) or TraceView(tuple(pending.spans), tuple(pending.logs))
            if not self._show_tree(trace):
                self._show_valid_part(trace)

    def _show_tree(self, trace: TraceView) -> bool:
        """Draw a trace; return whether its content is valid."""
        text = self._render(lambda: (trace_tree(trace, colours=self.colours, link=self._link(trace)),))
        self._write(text or "")
        return text is not None

    def _show_valid_part(self, trace: TraceView) -> None:
        """Draw a trace without its invalid spans and log records, and count those."""
        if self._failure:  # of the stream, not of the content
            return
        spans = tuple(span for span in trace.spans if self._is_valid(TraceView((span,))))
        logs = tuple(log for log in trace.logs if self._is_valid(TraceView((), (log,))))
        invalid = len(trace.spans) - len(spans) + len(trace.logs) - len(logs)
        if spans or logs:
            self._show_tree(replace(trace, spans=spans, logs=logs))
        self.show(_invalid_line(invalid, self._invalid))

    def _is_valid(self, part: TraceView) -> bool:
        return self._render(lambda: (trace_tree(part),)) is not None

    def _show_logs(self, logs: list[LogView]) -> None:
        text = self._render(lambda: [log_line(log, self.colours) for log in logs])
        self._write(text or "")
        if text is None and len(logs) > 1:
            for log in logs:
                self._show_logs([log])
        elif text is None:
            self.show(_invalid_line(1, self._invalid))

    def _reserve_lines(self, requested: int) -> int:
        """Return how many lines may be drawn now. The others are counted and reported before the next line."""
        with self._draw_lock:
            now = time.monotonic()
            rate = self._policy.lines_per_second
            self._lines_left = min(self._lines_left + (now - self._refilled) * rate, float(rate))
            self._refilled = now
            allowed = min(requested, max(int(self._lines_left), 0))
            skipped, self._skipped = (self._skipped, requested - allowed) if allowed else (0, self._skipped + requested)
        if skipped:
            self.show(_skipped_line(skipped))
        return allowed

    def show(self, *renderables: RenderableType) -> None:
        """Draw renderables between the trees."""
        self._write(self._render(lambda: renderables) or "")

    def _render(self, make: Callable[[], Iterable[RenderableType]]) -> str | None:
        """Return renderables as text; None if their content is invalid."""
        try:
            return self._terminal.render(*make())
        except BaseException as error:  # noqa: BLE001 - values of any type
            reraise_interrupt(error)
            self._invalid = describe_error(error)
            return None

    def _write(self, text: str) -> None:
        with self._draw_lock:
            try:
                self._lines_left -= self._terminal.write(text)
                self._failure = ""
            except BaseException as error:  # noqa: BLE001 - a stream of the program
                reraise_interrupt(error)
                self._failure = str(error)


def _skipped_line(count: int) -> RenderableType:
    from rich.text import Text

    return Text(f"… {format_count(count, 'more trace or log line')} not drawn: too many at once", "dim italic")


def _invalid_line(count: int, reason: str) -> RenderableType:
    from rich.text import Text

    return Text(f"… {format_count(count, 'span or log line')} not drawn: {sanitize(reason)}", "red")
