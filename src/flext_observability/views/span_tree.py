"""A trace's spans and log records → nodes nested by parent, each span in exactly one place (pure; any input is fine)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from flext_observability.views.model import EventView, LogView, SpanView, TraceView

NodeNote = Literal["", "remote parent", "missing parent", "parent cycle"]


@dataclass(slots=True, eq=False)
class Node:
    """A span with what happened inside it.

    Attributes:
        span: The span.
        note: Why it stands at the top although it names a parent; empty otherwise.
        children: Nodes of its child spans, by start time.
        logs: Log records written inside it, by time.
        failed: Whether it or a span below it has status error.
        span_total: Spans in this subtree, itself included.
        line_total: Log records and events in this subtree.
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
class Nesting:
    """A whole trace.

    Attributes:
        roots: Nodes at the top, by start time.
        logs: Log records whose span is not known, by time.
    """

    roots: list[Node]
    logs: list[LogView]

    def items(self) -> list[Item]:
        """Return what stands at the top, by time."""
        return by_time([*self.roots, *self.logs])


def nest(trace: TraceView) -> Nesting:
    """Nest the spans of a trace.

    A span whose parent is not there becomes a root with a note; a cycle is cut at its earliest span; of spans with one id, the first holds the children.
    """
    nodes = [Node(span) for span in sorted(trace.spans, key=lambda span: (span.start_ns, span.span_id, span.end_ns))]
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.span.span_id:
            by_id.setdefault(node.span.span_id, node)
    nesting = Nesting(roots=_link(nodes, by_id), logs=[])
    for log in sorted(trace.logs, key=lambda log: log.time_ns):
        owner = by_id.get(log.span_id)
        (nesting.logs if owner is None else owner.logs).append(log)
    _sum_up(nesting.roots)
    return nesting


def _link(nodes: list[Node], by_id: dict[str, Node]) -> list[Node]:
    """Give each node to its parent; return those that have none, cycles cut."""
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
    _descend(roots, below, by_id, seen)
    for node in nodes:  # what no root reaches hangs in a cycle
        if id(node) not in seen:
            node.note = "parent cycle"
            roots.append(node)
            _descend([node], below, by_id, seen)
    return sorted(roots, key=lambda node: node.span.start_ns)


def _note(span: SpanView) -> NodeNote:
    if not span.parent_id:
        return ""
    return "remote parent" if span.parent_is_remote else "missing parent"


def _descend(roots: Iterable[Node], below: dict[str, list[Node]], by_id: dict[str, Node], seen: set[int]) -> None:
    waiting = deque(roots)
    seen.update(map(id, waiting))
    while waiting:
        node = waiting.popleft()
        if by_id.get(node.span.span_id) is not node:
            continue  # a second span with the same id: the first holds the children
        node.children = [child for child in below.get(node.span.span_id, ()) if id(child) not in seen]
        seen.update(map(id, node.children))
        waiting.extend(node.children)


def _sum_up(roots: list[Node]) -> None:
    """Fill the totals, children before parents, without recursion (traces may be any depth)."""
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
    """Return the events of a span that are not exceptions (those are shown with the span)."""
    return [event for event in span.events if event.name != "exception"]


def items_of(node: Node) -> list[Item]:
    """Return child spans, log records and events of a span, by time."""
    return by_time([*node.children, *node.logs, *plain_events(node.span)])


def by_time(items: list[Item]) -> list[Item]:
    """Sort spans by start, log records and events by time."""
    return sorted(items, key=lambda item: item.span.start_ns if isinstance(item, Node) else item.time_ns)
