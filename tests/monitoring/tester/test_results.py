"""Repetition of checks, tables, summary and report."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from monitoring.tester import table
from monitoring.tester.load import load_from
from monitoring.tester.model import Check, Outcome, Result, State, counted
from monitoring.tester.polling import repeat, run_until_good
from monitoring.tester.rules import reason_for_absence
from monitoring.tester.totals import Total

CHECK = Check("shop", "Requests", "query A", "prometheus range", "rate(x[1m])")
EXCUSED = Check("shop", "Errors", "query A", "prometheus range", "errors", excuse="Empty until a request fails.")
FAULTY = Check("shop", "Wrong", "query A", "static", "", {"problem": "data source 'x' is not provisioned."})


class Answers:
    """Answers of a back end that has data after some runs."""

    def __init__(self, empty_runs: int) -> None:
        self.empty_runs = empty_runs
        self.runs: list[str] = []

    def __call__(self, check: Check) -> Outcome:
        self.runs.append(check.item)
        if check is FAULTY:
            return Outcome(State.ERROR, 0, "data source 'x' is not provisioned.")
        return counted(int(self.runs.count(check.item) > self.empty_runs) * 3)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.tester.polling._POLL_SECONDS", 0.0)


def test_an_empty_check_is_repeated_until_it_has_data() -> None:
    answers = Answers(empty_runs=2)
    [result] = run_until_good([CHECK], answers, within_seconds=10, report=lambda _good, _total: None)
    assert (result.outcome.state, result.outcome.rows, len(answers.runs)) == (State.ROWS, 3, 3)


def test_a_faulty_file_and_an_excused_check_do_not_cost_time() -> None:
    answers = Answers(empty_runs=100)
    results = run_until_good([FAULTY, EXCUSED], answers, within_seconds=60, report=lambda _good, _total: None)
    assert [one.outcome.state for one in results] == [State.ERROR, State.EMPTY]
    assert answers.runs.count("Wrong") == 1


def test_the_time_limit_ends_the_repetition() -> None:
    result = Result(CHECK, counted(0))
    seen: list[tuple[int, int]] = []
    repeat(
        [result], Answers(empty_runs=10**9), within_seconds=0.0, report=lambda good, total: seen.append((good, total))
    )
    assert result.outcome.state is State.EMPTY
    assert set(seen) == {(0, 1)}


def test_failures_name_check_reason_and_query() -> None:
    results = [Result(CHECK, counted(0)), Result(FAULTY, Outcome(State.ERROR, 0, "data source 'x' is unknown."))]
    results.append(Result(EXCUSED, counted(0), first=counted(0)))
    assert list(table.failures(results)) == [
        "shop / Requests / query A: empty: no data\n    prometheus range: rate(x[1m])",
        "shop / Wrong / query A: error: data source 'x' is unknown.",
        "shop / Errors / query A: empty: still empty after the provocations\n    prometheus range: errors",
    ]


@pytest.mark.parametrize(
    ("state", "found", "passed"),
    [
        (State.ROWS, 5, True),
        (State.SILENT, 5, True),
        (State.EMPTY, 5, False),
        (State.ERROR, 5, False),
        (State.ROWS, 4, False),
    ],
)
def test_only_equal_totals_and_good_checks_pass(state: State, found: float, *, passed: bool) -> None:
    totals, results = [Total("spans", "Jaeger", 5, found)], [Result(CHECK, Outcome(state, 1))]
    assert table.is_passed(totals, results) is passed
    assert table.as_json(totals, results, 1.0)["passed"] is passed


def test_the_tables_have_a_line_for_each_total_and_check() -> None:
    output = io.StringIO()
    console = Console(file=output, width=40)
    table.show_totals([Total("spans", "Jaeger", 5460, 5459)], console)
    table.show_results([Result(CHECK, counted(4)), Result(EXCUSED, counted(2), first=counted(0))], console)
    lines = [line.split() for line in output.getvalue().splitlines()]
    assert ["spans", "Jaeger", "5,460", "5,459", "DIFFERENT"] in lines
    assert ["shop", "Requests", "query", "A", "4", "rows"] in lines
    assert ["Errors", "query", "A", "2", "rows,", "provoked"] in lines


def test_the_summary_counts_all_states() -> None:
    results = [
        Result(CHECK, counted(4)),
        Result(EXCUSED, counted(2), first=counted(0)),
        Result(FAULTY, Outcome(State.ERROR)),
        Result(CHECK, Outcome(State.SILENT)),
    ]
    assert table.summary([Total("spans", "Jaeger", 5, 5)], results, 90.4) == (
        "4 checks, 2 with data, 1 silent rules, 1 after a provocation, 0 empty, 1 errors, 1 of 1 totals equal, in 90 s"
    )


def test_the_totals_of_a_load_are_those_of_the_report_of_the_demo() -> None:
    load = load_from(
        {
            "run": "shop-1",
            "correlation_ids": {"a": "1", "b": "2", "c": "3"},
            "good_trace": "a",
            "sold": {"beans": 2},
            "declined": {"kettle": 1},
            "revenue": 25.0,
            "sent": {"orders": {"traces": 10, "logs": 3, "metrics": 7}, "gateway": {"traces": 5, "logs": 2}},
        }
    )
    assert (load.checkouts, load.spans, load.logs, load.traces) == (3, 15, 5, ("a", "b", "c"))


def test_only_metrics_of_events_may_be_absent() -> None:
    assert reason_for_absence("otelcol_exporter_send_failed_spans")
    assert not reason_for_absence("otelcol_exporter_sent_spans")
    assert not reason_for_absence("traces_span_metrics_calls_total")
