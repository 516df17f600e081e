"""A span, event or log record → one line of a tree, as wide as the terminal: name and attributes left, duration and bar right (rich)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from flext_observability.views.model import EventView, LogView
from flext_observability.views.span_tree import Node
from flext_observability.views.terminal.attributes import useful
from flext_observability.views.terminal.failures import log_failures, span_failures
from flext_observability.views.text import clean, first_line, format_duration, format_time, format_value

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_PALETTE = (
    "cyan",
    "green",
    "yellow",
    "blue",
    "magenta",
    "bright_cyan",
    "bright_green",
    "bright_yellow",
    "bright_blue",
    "bright_magenta",
)
_SEVERITY_STYLES = {
    "TRACE": "dim",
    "DEBUG": "dim",
    "INFO": "blue",
    "WARN": "yellow",
    "ERROR": "red",
    "FATAL": "bold red",
}
_TIME_WIDTH = 9
_LEAST_LEFT = 30  # columns that name and attributes keep before the bar gives way
_MAX_SERVICES = 1000


class ServiceColours:
    """Gives each service a colour, the same for as long as this object lives."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, service: str) -> str:
        """Return the colour of a service: the next free one, and by checksum when very many are known."""
        if service not in self._known and len(self._known) >= _MAX_SERVICES:
            return _PALETTE[zlib.crc32(service.encode("utf-8", "replace")) % len(_PALETTE)]
        return self._known.setdefault(service, _PALETTE[len(self._known) % len(_PALETTE)])


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Time that a whole trace covers, nanoseconds since the Unix epoch."""

    start_ns: int
    end_ns: int

    def columns(self, start_ns: int, end_ns: int, width: int) -> tuple[int, int]:
        """Return the first column and the number of columns of a stretch of time on a bar of this width; at least one."""
        total = max(self.end_ns - self.start_ns, 1)
        first = min(max((start_ns - self.start_ns) * width // total, 0), width - 1)
        last = min(max(-((self.start_ns - end_ns) * width // total), first + 1), width)
        return first, last - first


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a tree, with red lines below it.

    Attributes:
        title: Left part, kept as long as the width allows.
        details: Attributes, shown while they fit.
        time: Duration or offset, right-aligned.
        stretch: Start and end on the bar, nanoseconds since the Unix epoch; equal ones are a moment.
        bar_style: Style of the stretch.
        window: What the bar covers.
        below: Further lines, each cut at the width.
    """

    title: Text
    details: tuple[tuple[str, str], ...]
    time: str
    stretch: tuple[int, int]
    bar_style: str
    window: TimeRange
    below: tuple[Text, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the width at hand."""
        width = max(options.max_width, 1)
        right = self._right(console.width, width)
        line = self._left(max(width - right.cell_len, 1))
        line.append_text(right)
        yield line
        for extra in self.below:
            shown = extra.copy()
            shown.truncate(width, overflow="ellipsis")
            yield shown

    def _left(self, width: int) -> Text:
        line = self.title.copy()
        line.no_wrap = True
        for key, value in self.details:
            part = Text.assemble("  ", (f"{key}=", "dim"), value)
            if line.cell_len + part.cell_len > width:
                line.append("  …", "dim")  # there is more than the line shows
                break
            line.append_text(part)
        line.truncate(width, overflow="ellipsis", pad=True)
        return line

    def _right(self, full_width: int, width: int) -> Text:
        """Return duration and bar; the bar's width depends on the terminal alone, so that all rows share one scale."""
        right = Text(f" {self.time:>{_TIME_WIDTH}}", "dim" if self.stretch[0] == self.stretch[1] else "", no_wrap=True)
        bar_width = 24 if full_width >= 110 else 14
        if width - right.cell_len - bar_width - 1 < _LEAST_LEFT:
            return right if width - right.cell_len >= _TIME_WIDTH else Text()
        return right.append(" ").append_text(self._bar(bar_width))

    def _bar(self, width: int) -> Text:
        first, length = self.window.columns(*self.stretch, width)
        return Text.assemble(
            ("·" * first, "dim"), ("━" * length, self.bar_style), ("·" * (width - first - length), "dim")
        )


def span_row(node: Node, *, window: TimeRange, colour: str, named: bool, told: frozenset[str] = frozenset()) -> Row:
    """Return the line of a span.

    Args:
        node: The span and what is below it.
        window: Time of the whole trace.
        colour: Of its service.
        named: Whether the service's name stands before the span's.
        told: Exception lines that the spans below show already.
    """
    span = node.span
    failed = span.status == "error"
    title = Text(no_wrap=True)
    if named:
        title.append(clean(span.service, 40) + " ", f"bold {colour}")
    title.append(("✗ " if failed else "") + clean(span.name, 120), "bold red" if failed else "bold")
    if node.note:
        title.append(f"  ({node.note}{_short_parent(node)})", "dim italic")
    failures = [line for line in span_failures(span) if line not in told]
    return Row(
        title=title,
        details=tuple(useful(span.attributes, title=span.name[:200])),
        time=format_duration(span.end_ns - span.start_ns) if span.end_ns else "open",
        stretch=(span.start_ns, span.end_ns or window.end_ns),
        bar_style="red" if failed else colour,
        window=window,
        below=tuple(Text(line, "red" if failed else "yellow", no_wrap=True) for line in failures),
    )


def _short_parent(node: Node) -> str:
    return f" {clean(node.span.parent_id[:8])}" if node.note != "parent cycle" else ""


def log_row(log: LogView, window: TimeRange, told: frozenset[str] = frozenset()) -> Row:
    """Return the line of a log record inside a tree; ``told`` are the exception lines that spans show already."""
    style = _SEVERITY_STYLES.get(log.severity, "")
    title = (
        Text(no_wrap=True)
        .append(f"{clean(log.severity, 8):<5} ", f"bold {style}")
        .append(log_text(log), style if style != "blue" else "")
    )
    failures = [line for line in log_failures(log) if line not in told]
    return Row(
        title=title,
        details=tuple(useful(log.attributes, title=log_text(log))),
        time=offset(log.time_ns, window),
        stretch=(log.time_ns, log.time_ns),
        bar_style=style or "white",
        window=window,
        below=tuple(Text("      " + line, "red", no_wrap=True) for line in failures),
    )


def log_text(log: LogView) -> str:
    """Return the first line of a record's body, or the name of its event."""
    body = (
        first_line(log.body, 300)
        if isinstance(log.body, str)
        else format_value(log.body, 300)
        if log.body is not None
        else ""
    )
    return body or clean(log.event_name)


def log_line(log: LogView, colours: ServiceColours) -> Text:
    """Return a log record outside a tree as text of one or two lines, whole however long."""
    style = _SEVERITY_STYLES.get(log.severity, "")
    line = Text(overflow="fold").append(format_time(log.time_ns) + " ", "dim")
    line.append(f"{clean(log.severity, 8):<5} ", f"bold {style}").append(
        clean(log.service, 40) + " ", colours.of(log.service)
    )
    line.append(log_text(log), style if style != "blue" else "")
    for key, value in useful(log.attributes):
        line.append(f"  {key}=", "dim").append(value)
    if log.trace_id:
        line.append(f"  trace {clean(log.trace_id[:8])}", "dim")
    return line.append("".join(f"\n      {failure}" for failure in log_failures(log)), "red")


def event_row(event: EventView, window: TimeRange) -> Row:
    """Return the line of a span event."""
    return Row(
        title=Text(no_wrap=True).append("• ", "dim").append(clean(event.name, 120)),
        details=tuple(useful(event.attributes)),
        time=offset(event.time_ns, window),
        stretch=(event.time_ns, event.time_ns),
        bar_style="white",
        window=window,
    )


def offset(time_ns: int, window: TimeRange) -> str:
    """Return how long after the trace's start something happened, ``+12.3 ms``."""
    distance = format_duration(time_ns - window.start_ns)
    return distance if distance.startswith("-") else f"+{distance}"
