from __future__ import annotations

import pytest

from flext_observability.views.terminal.tables import metrics_table
from tests.unit.views.shop import counter, drawn, histogram


def test_points_are_grouped_by_service_and_name() -> None:
    rows = [counter(42, {"outcome": "sold"}), histogram(), counter(9, {"outcome": "declined"})]
    lines = drawn(metrics_table(rows))
    assert [" ".join(line.split()) for line in lines] == [
        "Metrics value / count sum mean p50 p95 exemplar",
        "gateway",
        "http.server.request.duration histogram s",
        "status=200 route=/checkout 51 × 6.3 s 124 ms 161 ms 259 ms 4bf92f35",
        "orders",
        "shop.orders counter order",
        "outcome=declined 9",
        "outcome=sold 42",
    ]


def test_a_single_point_without_attributes_is_in_the_row_of_its_name() -> None:
    lines = drawn(metrics_table([counter(58_000_000, name="process.memory.usage", kind="up_down_counter", unit="By")]))
    assert lines[2].split() == ["process.memory.usage", "up-down-counter", "By", "58", "MB"]


def test_a_point_without_attributes_among_others_has_a_row() -> None:
    lines = drawn(metrics_table([counter(1), counter(2, {"a": 1})]))
    assert [line.split() for line in lines[3:]] == [["-", "1"], ["a=1", "2"]]


def test_empty_columns_are_omitted() -> None:
    assert drawn(metrics_table([counter(1)]))[0].split() == ["Metrics", "value", "/", "count"]


@pytest.mark.parametrize(("columns", "titles"), [(120, 6), (90, 5), (80, 4), (60, 1), (20, 1)])
def test_a_narrow_terminal_drops_the_value_last(columns: int, titles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = drawn(metrics_table([histogram()]))
    assert len(lines[0].replace("value / count", "value").split()) == 1 + titles


def test_hidden_rows_are_counted() -> None:
    assert drawn(metrics_table([counter(n, {"n": n}) for n in range(9)], max_rows=4))[-1] == "… 5 more rows"


def test_an_empty_histogram_and_an_empty_table_are_drawn() -> None:
    empty = histogram(count=0, sum=0.0, buckets=(), exemplars=())
    assert "0 ×" in drawn(metrics_table([empty]))[3]
    assert drawn(metrics_table([])) == ["Metrics"]


def test_units_and_names_are_sanitized() -> None:
    (_, _, line) = drawn(metrics_table([counter(1, name="a\x1b[2J", unit="\x07")]))
    assert "a\\x1b[2J  counter \\x07" in line


def test_equal_series_of_several_processes_have_their_instance() -> None:
    rows = [counter(n, {"a": 1}, resource={"service.instance.id": f"process-{n}"}) for n in (1, 2)]
    assert [line.split() for line in drawn(metrics_table(rows))[3:]] == [
        ["a=1", "instance=rocess-1", "1"],
        ["a=1", "instance=rocess-2", "2"],
    ]
