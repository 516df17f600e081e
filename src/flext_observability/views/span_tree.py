"""Spans and log records of a trace → tree by parent, each span in exactly one place (pure, for any input)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from flext_observability.views.model import EventView, LogView, SpanView, TraceView

NodeNote = Literal["", "remote parent", "missing parent", "parent cycle"]


@dataclass(slots=True, eq=False)
class Node:
    """Span with its child spans and log records.

    Attributes:
        span: The span.
        note: Why a span with a parent id is a root; empty otherwise.
        children: Nodes of the child spans, by start time.
        logs: Log records of the span, by time.
        failed: Whether this span or a descendant has status error.
        span_total: Number of spans in this subtree, this one included.
        line_total: Number of log records and events in this subtree.
    """

    span: SpanView
    note: NodeNote = ""
    children: list[Node] = field(default_factory=list["Node"])
    logs: list[LogView] = field(default_factory=list[LogView])
    failed: bool = False
    span_total: int = 1
    line_total: int = 0


Item = Node | LogView | EventView


@dataclass(slots=True)
class SpanTree:
    """All nodes of a trace.

    Attributes:
        roots: Nodes without a known parent, by start time.
        logs: Log records of unknown spans, by time.
    """

    roots: list[Node]
    logs: list[LogView]

    def items(self) -> list[Item]:
        """Return the roots and the log records of unknown spans, by time."""
        return sort_by_time([*self.roots, *self.logs])


def build_tree(trace: TraceView) -> SpanTree:
    """Arrange the spans of a trace by parent.

    A span with an unknown parent becomes a root with a note. A cycle is cut at its earliest span. Of several spans
    with the same id, the first one has the children.
    """
    nodes = [Node(span) for span in sorted(trace.spans, key=lambda span: (span.start_ns, span.span_id, span.end_ns))]
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.span.span_id:
            by_id.setdefault(node.span.span_id, node)
    tree = SpanTree(roots=_link(nodes, by_id), logs=[])
    for log in sorted(trace.logs, key=lambda log: log.time_ns):
        owner = by_id.get(log.span_id)
        (tree.logs if owner is None else owner.logs).append(log)
    _aggregate(tree.roots)
    return tree


def _link(nodes: list[Node], by_id: dict[str, Node]) -> list[Node]:
    """Assign each node to its parent and cut cycles. Return the roots."""
    roots: list[Node] = []
    below: dict[str, list[Node]] = {}
    for node in nodes:
        parent = by_id.get(node.span.parent_id)
        if parent is None:
            node.note = _note(node.span)
            roots.append(node)
        else:
            below.setdefault(node.span.parent_id, []).append(node)
    seen: set[int] = set()
    _assign_children(roots, below, by_id, seen)
    for node in nodes:  # a node that no root reaches is part of a cycle
        if id(node) not in seen:
            node.note = "parent cycle"
            roots.append(node)
            _assign_children([node], below, by_id, seen)
    return sorted(roots, key=lambda node: node.span.start_ns)


def _note(span: SpanView) -> NodeNote:
    if not span.parent_id:
        return ""
    return "remote parent" if span.parent_is_remote else "missing parent"


def _assign_children(
    roots: Iterable[Node], below: dict[str, list[Node]], by_id: dict[str, Node], seen: set[int]
) -> None:
    queue = deque(roots)
    seen.update(map(id, queue))
    while queue:
        node = queue.popleft()
        if by_id.get(node.span.span_id) is not node:
            continue  # a later span with the same id: the first one has the children
        node.children = [child for child in below.get(node.span.span_id, ()) if id(child) not in seen]
        seen.update(map(id, node.children))
        queue.extend(node.children)


def _aggregate(roots: list[Node]) -> None:
    """Set the totals, children before parents. Iterative, because a trace can have any depth."""
    order = list(roots)
    for node in order:
        order.extend(node.children)
    for node in reversed(order):
        node.failed = node.span.status == "error" or any(child.failed for child in node.children)
        node.span_total = 1 + sum(child.span_total for child in node.children)
        node.line_total = (
            len(node.logs) + len(plain_events(node.span)) + sum(child.line_total for child in node.children)
        )


def plain_events(span: SpanView) -> list[EventView]:
    """Return the events of a span except exceptions, which are part of the span's own row."""
    return [event for event in span.events if event.name != "exception"]


def items_of(node: Node) -> list[Item]:
    """Return the child spans, log records and events of a span, by time."""
    return sort_by_time([*node.children, *node.logs, *plain_events(node.span)])


def sort_by_time(items: list[Item]) -> list[Item]:
    """Return the items sorted by start or time."""
    return sorted(items, key=lambda item: item.span.start_ns if isinstance(item, Node) else item.time_ns)
