"""Trace → tree for the terminal: spans by parent, log records in their span, errors in red."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from rich.tree import Tree

from flext_observability.views.model import LogView, TraceView
from flext_observability.views.span_tree import Item, Node, build_tree, items_of, sort_by_time
from flext_observability.views.terminal.failures import span_failures
from flext_observability.views.terminal.rows import Row, ServiceColours, TimeRange, event_row, log_row, span_row
from flext_observability.views.text import format_count, format_duration, format_time, sanitize

_MAX_DEPTH = 16
_MAX_ITEMS_PER_SPAN = 40  # a span with many children does not hide its siblings


def trace_tree(
    trace: TraceView, *, colours: ServiceColours | None = None, max_lines: int = 200, link: str = ""
) -> Tree:
    """Return the tree of a trace.

    Args:
        trace: Spans and log records in any order, also with missing parents, cycles and duplicates.
        colours: Colours of services; new ones by default.
        max_lines: Maximum number of rows. Omitted ones are counted ("… 120 more spans").
        link: Link of the trace id, for terminals with hyperlinks; none by default.

    Returns:
        A renderable for any width.
    """
    span_tree = build_tree(trace)
    known_failures = frozenset(line for span in trace.spans for line in span_failures(span))
    drawing = _Drawing(_window(trace), colours or ServiceColours(), known_failures, max_lines)
    tree = Tree(_header(trace, drawing.window, link), guide_style="dim", highlight=False)
    queue = deque([(tree, span_tree.items(), 1, "")])
    while queue:  # by level: the deepest spans are omitted first
        branch, items, depth, service = queue.popleft()
        for node, below in drawing.draw(branch, items, depth, service):
            queue.append((below, items_of(node), depth + 1, node.span.service))
    if trace.hidden_spans:
        tree.add(Text(f"… {format_count(trace.hidden_spans, 'more span')} of this trace not kept", "dim italic"))
    return tree


@dataclass(slots=True)
class _Drawing:
    """Adds rows to branches up to the limit."""

    window: TimeRange
    colours: ServiceColours
    known_failures: frozenset[str]
    rows_left: int

    def draw(self, branch: Tree, items: list[Item], depth: int, service: str) -> list[tuple[Node, Tree]]:
        """Add a row for each item within the limit, and one for the others. Return the nodes with their branches."""
        limit = min(self.rows_left, _MAX_ITEMS_PER_SPAN) if depth <= _MAX_DEPTH else 0
        shown, hidden = _choose(items, limit)
        self.rows_left -= len(shown)
        drawn: list[tuple[Node, Tree]] = []
        for item in shown:
            if isinstance(item, Node):
                drawn.append((item, branch.add(self._span_row(item, service))))
            else:
                branch.add(
                    log_row(item, self.window, self.known_failures)
                    if isinstance(item, LogView)
                    else event_row(item, self.window)
                )
        if hidden:
            branch.add(_hidden_row(hidden))
        return drawn

    def _span_row(self, node: Node, service: str) -> Row:
        known_failures = frozenset(line for child in node.children for line in span_failures(child.span))
        span = node.span
        return span_row(
            node,
            window=self.window,
            colour=self.colours.of(span.service),
            with_service=span.service != service,
            known_failures=known_failures,
        )


def _choose(items: list[Item], limit: int) -> tuple[list[Item], list[Item]]:
    """Split the items into shown and hidden ones. Failed spans have priority."""
    if len(items) <= limit:
        return items, []
    ranked = sorted(items, key=lambda item: not (isinstance(item, Node) and item.failed))
    return sort_by_time(ranked[:limit]), ranked[limit:]


def _hidden_row(hidden: list[Item]) -> Text:
    nodes = [item for item in hidden if isinstance(item, Node)]
    spans = sum(node.span_total for node in nodes)
    lines = len(hidden) - len(nodes) + sum(node.line_total for node in nodes)
    parts = [format_count(spans, "more span")] * bool(spans) + [format_count(lines, "more line")] * bool(lines)
    row = Text("… " + ", ".join(parts), "dim italic", no_wrap=True)
    if any(node.failed for node in nodes):
        row.append(" (with errors)", "red")
    return row


def _window(trace: TraceView) -> TimeRange:
    starts = [span.start_ns for span in trace.spans] or [log.time_ns for log in trace.logs] or [0]
    ends = [span.end_ns for span in trace.spans] + [log.time_ns for log in trace.logs]
    return TimeRange(min(starts), max([*starts, *ends]))


def _header(trace: TraceView, window: TimeRange, link: str) -> Text:
    """Return time, trace id and totals of a trace."""
    services = {span.service for span in trace.spans}
    errors = sum(span.status == "error" for span in trace.spans)
    header = Text(no_wrap=True, overflow="ellipsis").append(format_time(window.start_ns) + " ", "dim")
    header.append("trace ", "dim").append(sanitize(trace.trace_id, 32), Style(bold=True, link=link or None))
    parts = [Text(format_duration(window.end_ns - window.start_ns), "dim")]
    parts += [Text(format_count(errors, "error"), "bold red")] * bool(errors)
    parts += [Text(format_count(len(trace.spans) + trace.hidden_spans, "span"), "dim")]
    parts += [Text(format_count(len(services), "service"), "dim")] * (len(services) > 1)
    return header.append("  ").append_text(Text.assemble((" · ", "dim")).join(parts))
