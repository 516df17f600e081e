from __future__ import annotations

from hypothesis import given, strategies as st

from flext_observability.views.model import EventView, SpanView, TraceView
from flext_observability.views.span_tree import Node, build_tree, items_of
from tests.unit.views.shop import at, checkout, exception, log, span


def walk(roots: list[Node]) -> list[Node]:
    found = list(roots)
    for node in found:
        found.extend(node.children)
    return found


def test_spans_are_arranged_by_parent_and_start() -> None:
    tree = build_tree(TraceView((span(3, 1, start=2), span(2, 1, start=5), span(1))))
    (root,) = tree.roots
    assert (root.span.span_id[-1], root.note) == ("1", "")
    assert [child.span.span_id[-1] for child in root.children] == ["3", "2"]


def test_totals_count_the_whole_subtree() -> None:
    (root,) = build_tree(checkout()).roots
    assert (root.span_total, root.line_total, root.failed) == (5, 3, True)
    assert [child.failed for child in root.children[0].children[0].children] == [False, True]


def test_items_of_a_span_are_sorted_by_time() -> None:
    events = (EventView("tick", at(3)), exception("E", "m"))
    trace = TraceView((span(1, events=events), span(2, 1, start=2)), (log("late", 1, when=4), log("early", 1, when=1)))
    (root,) = build_tree(trace).roots
    kinds = [type(item).__name__ for item in items_of(root)]
    assert kinds == ["LogView", "Node", "EventView", "LogView"]


def test_a_span_with_an_unknown_parent_is_a_root_with_a_note() -> None:
    tree = build_tree(TraceView((span(1, 9), span(2, 8, parent_is_remote=True))))
    assert [node.note for node in tree.roots] == ["missing parent", "remote parent"]


def test_cycles_are_cut_at_their_earliest_span() -> None:
    tree = build_tree(TraceView((span(1, 1, start=3), span(2, 3, start=2), span(3, 2, start=1))))
    assert [(node.span.span_id[-1], node.note) for node in tree.roots] == [
        ("3", "parent cycle"),
        ("1", "parent cycle"),
    ]
    assert [child.span.span_id[-1] for child in tree.roots[0].children] == ["2"]


def test_a_log_record_of_an_unknown_span_is_at_the_top() -> None:
    tree = build_tree(TraceView((span(1, start=2),), (log("lost", 7, when=1), log("known", 1))))
    assert [
        item.body if not isinstance(item, Node) else "span" for item in tree.items() if not isinstance(item, EventView)
    ] == [
        "lost",
        "span",
    ]


def test_a_chain_of_any_depth_is_arranged() -> None:
    (root,) = build_tree(TraceView(tuple(span(n, n - 1) for n in range(1, 5001)))).roots
    assert root.span_total == 5000


ids = st.integers(0, 8)
spans = st.builds(
    lambda number, parent, start, failed: span(number, parent, start=start, status="error" if failed else "unset"),
    ids,
    ids,
    st.integers(0, 5),
    st.booleans(),
)


@given(st.lists(spans, max_size=30), st.lists(st.builds(lambda inside, when: log("x", inside, when=when), ids, ids)))
def test_every_span_and_log_record_has_one_place(some: list[SpanView], logs: list[object]) -> None:
    trace = TraceView(tuple(some), tuple(logs))  # type: ignore[arg-type]  # built above
    tree = build_tree(trace)
    nodes = walk(tree.roots)
    assert sorted(map(id, some)) == sorted(id(node.span) for node in nodes)
    assert sorted(map(id, logs)) == sorted(map(id, [*tree.logs, *(log for node in nodes for log in node.logs)]))
    assert sum(root.span_total for root in tree.roots) == len(some)
