"""Span, event or log record → one row of a tree: name and attributes on the left, duration and bar on the right."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from flext_observability.views.model import EventView, LogView
from flext_observability.views.span_tree import Node
from flext_observability.views.terminal.attributes import select
from flext_observability.views.terminal.failures import log_failures, span_failures
from flext_observability.views.text import first_line, format_duration, format_time, format_value, sanitize

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_HUES = ("cyan", "green", "yellow", "blue", "magenta")
_PALETTE = (*_HUES, *(f"bright_{hue}" for hue in _HUES))
_SEVERITY_STYLES = {
    "TRACE": "dim",
    "DEBUG": "dim",
    "INFO": "blue",
    "WARN": "yellow",
    "ERROR": "red",
    "FATAL": "bold red",
}
_TIME_WIDTH = 9
_MIN_LEFT_WIDTH = 30  # columns for name and attributes; below this width there is no bar
_MAX_SERVICES = 1000


class ServiceColours:
    """Assigns a colour to each service."""

    __slots__ = ("_assigned",)

    def __init__(self) -> None:
        self._assigned: dict[str, str] = {}

    def of(self, service: str) -> str:
        """Return the colour of a service: the next one, or by checksum above the limit of services."""
        if service not in self._assigned and len(self._assigned) >= _MAX_SERVICES:
            return _PALETTE[zlib.crc32(service.encode("utf-8", "replace")) % len(_PALETTE)]
        return self._assigned.setdefault(service, _PALETTE[len(self._assigned) % len(_PALETTE)])


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Time range of a trace, nanoseconds since the Unix epoch."""

    start_ns: int
    end_ns: int

    def columns(self, start_ns: int, end_ns: int, width: int) -> tuple[int, int]:
        """Return the first column and the length, at least 1, of a time span on a bar of this width."""
        total = max(self.end_ns - self.start_ns, 1)
        first = min(max((start_ns - self.start_ns) * width // total, 0), width - 1)
        last = min(max(-((self.start_ns - end_ns) * width // total), first + 1), width)
        return first, last - first


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a tree, with lines of failures below it.

    Attributes:
        title: Left part.
        details: Attributes, shown while they fit.
        time: Duration or offset, right-aligned.
        interval: Start and end on the bar, nanoseconds since the Unix epoch. They are equal for a moment.
        bar_style: Style of the interval.
        window: Time range of the whole bar.
        below: Further lines, truncated at the width.
    """

    title: Text
    details: tuple[tuple[str, str], ...]
    time: str
    interval: tuple[int, int]
    bar_style: str
    window: TimeRange
    below: tuple[Text, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the available width."""
        width = max(options.max_width, 1)
        right = self._right(console.width, width)
        line = self._left(max(width - right.cell_len, 1))
        line.append_text(right)
        yield line
        for extra in self.below:
            truncated = extra.copy()
            truncated.truncate(width, overflow="ellipsis")
            yield truncated

    def _left(self, width: int) -> Text:
        line = self.title.copy()
        line.no_wrap = True
        for key, value in self.details:
            part = Text.assemble("  ", (f"{key}=", "dim"), value)
            if line.cell_len + part.cell_len > width:
                line.append("  …", "dim")  # more attributes than fit
                break
            line.append_text(part)
        line.truncate(width, overflow="ellipsis", pad=True)
        return line

    def _right(self, full_width: int, width: int) -> Text:
        """Return duration and bar. All rows of a terminal have the same bar width, for one scale."""
        right = Text(
            f" {self.time:>{_TIME_WIDTH}}", "dim" if self.interval[0] == self.interval[1] else "", no_wrap=True
        )
        bar_width = 24 if full_width >= 110 else 14
        if width - right.cell_len - bar_width - 1 < _MIN_LEFT_WIDTH:
            return right if width - right.cell_len >= _TIME_WIDTH else Text()
        return right.append(" ").append_text(self._bar(bar_width))

    def _bar(self, width: int) -> Text:
        first, length = self.window.columns(*self.interval, width)
        return Text.assemble(
            ("·" * first, "dim"), ("━" * length, self.bar_style), ("·" * (width - first - length), "dim")
        )


def span_row(
    node: Node, *, window: TimeRange, colour: str, with_service: bool, known_failures: frozenset[str] = frozenset()
) -> Row:
    """Return the row of a span.

    Args:
        node: Node of the span.
        window: Time range of the trace.
        colour: Colour of its service.
        with_service: Whether the name of the service is shown.
        known_failures: Failures that child spans show.
    """
    span = node.span
    failed = span.status == "error"
    title = Text(no_wrap=True)
    if with_service:
        title.append(sanitize(span.service, 40) + " ", f"bold {colour}")
    title.append(("✗ " if failed else "") + sanitize(span.name, 120), "bold red" if failed else "bold")
    if node.note:
        title.append(f"  ({node.note}{_short_parent(node)})", "dim italic")
    failures = [line for line in span_failures(span) if line not in known_failures]
    return Row(
        title=title,
        details=tuple(select(span.attributes, title=span.name[:200])),
        time=format_duration(span.end_ns - span.start_ns) if span.end_ns else "open",
        interval=(span.start_ns, span.end_ns or window.end_ns),
        bar_style="red" if failed else colour,
        window=window,
        below=tuple(Text(line, "red" if failed else "yellow", no_wrap=True) for line in failures),
    )


def _short_parent(node: Node) -> str:
    return f" {sanitize(node.span.parent_id[:8])}" if node.note != "parent cycle" else ""


def log_row(log: LogView, window: TimeRange, known_failures: frozenset[str] = frozenset()) -> Row:
    """Return the row of a log record in a tree, without ``known_failures``: those that spans show."""
    style = _SEVERITY_STYLES.get(log.severity, "")
    title = (
        Text(no_wrap=True)
        .append(f"{sanitize(log.severity, 8):<5} ", f"bold {style}")
        .append(log_text(log), style if style != "blue" else "")
    )
    failures = [line for line in log_failures(log) if line not in known_failures]
    return Row(
        title=title,
        details=tuple(select(log.attributes, title=log_text(log))),
        time=format_offset(log.time_ns, window),
        interval=(log.time_ns, log.time_ns),
        bar_style=style or "white",
        window=window,
        below=tuple(Text("      " + line, "red", no_wrap=True) for line in failures),
    )


def log_text(log: LogView) -> str:
    """Return the first line of the body, or the name of the event."""
    body = (
        first_line(log.body, 300)
        if isinstance(log.body, str)
        else format_value(log.body, 300)
        if log.body is not None
        else ""
    )
    return body or sanitize(log.event_name)


def log_line(log: LogView, colours: ServiceColours) -> Text:
    """Return a log record outside a tree as one line, and a second one for an exception, without truncation."""
    style = _SEVERITY_STYLES.get(log.severity, "")
    line = Text(overflow="fold").append(format_time(log.time_ns) + " ", "dim")
    line.append(f"{sanitize(log.severity, 8):<5} ", f"bold {style}").append(
        sanitize(log.service, 40) + " ", colours.of(log.service)
    )
    line.append(log_text(log), style if style != "blue" else "")
    for key, value in select(log.attributes):
        line.append(f"  {key}=", "dim").append(value)
    if log.trace_id:
        line.append(f"  trace {sanitize(log.trace_id[:8])}", "dim")
    return line.append("".join(f"\n      {failure}" for failure in log_failures(log)), "red")


def event_row(event: EventView, window: TimeRange) -> Row:
    """Return the row of a span event."""
    return Row(
        title=Text(no_wrap=True).append("• ", "dim").append(sanitize(event.name, 120)),
        details=tuple(select(event.attributes)),
        time=format_offset(event.time_ns, window),
        interval=(event.time_ns, event.time_ns),
        bar_style="white",
        window=window,
    )


def format_offset(time_ns: int, window: TimeRange) -> str:
    """Return the time since the start of the trace, ``+12.3 ms``."""
    distance = format_duration(time_ns - window.start_ns)
    return distance if distance.startswith("-") else f"+{distance}"
