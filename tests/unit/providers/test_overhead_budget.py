"""Detail is left out while telemetry costs more than its budget, and a report says what."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from flext_observability import init_observability, memory_store, shutdown_observability, traced
from flext_observability.domain.report import Notice
from flext_observability.engine.shedding import LEVELS, Shedding
from flext_observability.providers import overhead_budget
from flext_observability.providers.overhead import Costs, Usage
from flext_observability.providers.overhead_budget import OverheadBudget, Target, current_budget
from flext_observability.providers.self_metrics import ITEM_TIME_NAME, LEVEL_NAME, SHED_NAME
from flext_observability.runtime.scheduler import scheduler

JOB = "overhead budget"
FIX = "Record less, or raise overhead_budget_percent"


class Process:
    """A process whose use of CPU time a test sets, window by window."""

    def __init__(self, max_level: int = 8) -> None:
        self.total = Usage(0.0, 0.0, 0.0, 0, 0, 0)
        self.shed: list[Shedding] = []
        self.counts = {"events": 3}
        target = Target(self.shed.append, max_level, (), lambda: self.counts)
        costs = Costs(0.001, 0.0001, 0.001)
        self.budget = OverheadBudget(5.0, lambda: self.total, lambda: costs, target, now=lambda: 0.0)

    def windows(self, count: int, *, spans: int = 0, process: float = 1.0) -> None:
        for _ in range(count):
            total = self.total
            self.total = total._replace(
                elapsed=total.elapsed + 5, process=total.process + process, spans=total.spans + spans
            )
            self.budget.check()


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    shutdown_observability()


def test_detail_is_left_out_step_by_step_and_recorded_again(caplog: pytest.LogCaptureFixture) -> None:
    process = Process()
    assert process.budget.notices() == ()
    process.windows(2, spans=60)
    assert process.shed == []
    process.windows(1, spans=60)
    report = process.budget.report()
    assert process.shed == [LEVELS[1]]
    assert (report.percent, report.window_percent, report.level) == (5.0, 6.0, 1)
    assert (report.since, report.shed, report.counts) == (
        "1970-01-01T00:00:00+00:00",
        ("span events",),
        {"events": 3},
    )
    assert process.budget.notices() == (
        Notice(
            "traces",
            "Left out since 1970-01-01T00:00:00+00:00, as telemetry costs more than 5 % of the CPU time: "
            "span events (level 1)",
            FIX,
        ),
    )
    process.windows(3, spans=60)
    process.windows(12, spans=10)
    assert process.shed == [LEVELS[1], LEVELS[2], LEVELS[1], LEVELS[0]]
    assert process.budget.notices() == ()
    costs = "Telemetry costs {} % of the CPU time (overhead_budget_percent=5)"
    assert [record.message for record in caplog.records] == [
        f"{costs.format(6.0)}: span events are left out (level 1). {FIX}.",
        f"{costs.format(6.0)}: {', '.join(LEVELS[2].describe())} are left out (level 2). {FIX}.",
        f"{costs.format(1.0)}: only span events are left out (level 1).",
        f"{costs.format(1.0)}: everything is recorded again.",
    ]


def test_an_idle_process_is_within_its_budget() -> None:
    process = Process()
    process.windows(20, spans=100, process=0.24)
    assert (process.shed, process.budget.report().window_percent) == ([], 0.0)
    process.windows(3, spans=100, process=0.26)
    assert process.budget.report().window_percent == pytest.approx(100 * 0.1 / 0.26, rel=0.01)
    assert process.shed == [LEVELS[1]]


def start(**settings: Any) -> Any:
    settings = {"exporters": "memory", "overhead_budget_percent": 5, **settings}
    return init_observability(service_name="shop", console=False, **settings).unwrap()


def budget_of(observability: Any) -> OverheadBudget:
    budget = observability._session.pipeline.budget
    assert isinstance(budget, OverheadBudget)
    return budget


def windows(monkeypatch: pytest.MonkeyPatch, observability: Any, count: int, *, percent: float) -> None:
    """Let a number of windows cost a share of the CPU time."""
    monkeypatch.setattr(Usage, "percent", lambda *_: percent)
    monkeypatch.setattr(overhead_budget, "IDLE_CORE_PERCENT", -1.0)
    for _ in range(count):
        budget_of(observability).check()


def exported(work: Callable[[], object]) -> tuple[int, ...]:
    """Return kept and dropped events and attributes of the span of a call."""
    memory_store().clear()
    work()
    shutdown_observability()
    (span,) = memory_store().spans
    assert isinstance(span, ReadableSpan)
    return len(span.events), span.dropped_events, len(span.attributes or ()), span.dropped_attributes


def work() -> None:
    with trace.get_tracer("t").start_as_current_span("work") as span:
        for number in range(3):
            span.add_event(f"event {number}")
        for number in range(12):
            span.set_attribute(f"key{number}", number)


@pytest.mark.parametrize(
    ("engine", "level", "expected"),
    [
        ("lean", 0, (3, 0, 12, 0)),
        ("lean", 1, (0, 3, 12, 0)),
        ("lean", 2, (0, 3, 8, 4)),
        ("sdk", 0, (3, 0, 12, 0)),
        ("sdk", 1, (1, 2, 12, 0)),
        ("sdk", 2, (1, 2, 8, 4)),
    ],
)
def test_spans_leave_out_detail(
    engine: str, level: int, expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    observability = start(engine=engine)
    windows(monkeypatch, observability, 3 * level, percent=50.0)
    assert observability.status().overhead.budget.level == level
    assert observability._session.pipeline.meter().shedding == LEVELS[level]
    assert exported(work) == expected


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_all_is_recorded_again(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    observability = start(engine=engine, span_attribute_count_limit=None)
    windows(monkeypatch, observability, 9, percent=50.0)
    windows(monkeypatch, observability, 18, percent=1.0)
    assert observability.status().overhead.budget.level == 0
    assert exported(work) == (3, 0, 12, 0)


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_traces_are_sampled_at_the_last_levels(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    observability = start(engine=engine)
    with traced("open"):
        windows(monkeypatch, observability, 30, percent=50.0)
        with traced("child"):
            pass
    for _ in range(640):
        with traced("root"), traced("child"):
            pass
    budget = observability.status().overhead.budget
    counts = observability.status()["traces"].counts
    assert (budget.level, budget.shed[-1]) == (8, "63 of 64 traces")
    assert budget.counts == counts.shed
    assert counts.sampled_out == counts.shed["spans"]
    assert counts.shed["spans"] % 2 == 0
    assert 1100 < counts.shed["spans"] <= 1280
    assert counts.started == counts.sampled_out + counts.finished
    shutdown_observability()
    assert [span.name for span in memory_store().spans[:2]] == ["child", "open"]


def test_the_status_lists_what_cannot_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    observability = start(sampler="none_such", engine="sdk")
    windows(monkeypatch, observability, 30, percent=50.0)
    budget = observability.status().overhead.budget
    assert (budget.level, len(budget.shed)) == (2, 2)
    assert budget.not_shed == (
        "the sampler none_such decides on traces, at its own ratio",
        "the SDK keeps the last event and attributes of a span, and counts the rest on the span",
    )
    messages = [notice.message for notice in observability.status()["traces"].notices]
    assert f"overhead_budget_percent is limited: {budget.not_shed[0]}" in messages


def test_without_spans_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    observability = start(traces_enabled=False)
    windows(monkeypatch, observability, 30, percent=50.0)
    budget = observability.status().overhead.budget
    assert (budget.level, budget.not_shed) == (0, ("no spans are recorded by this library",))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_traces_with_another_service_name_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    observability = start(engine="lean")
    tracers = observability._session.pipeline.tracers
    before = tracers.for_service("before").get_tracer("t")
    windows(monkeypatch, observability, 3, percent=50.0)
    for tracer in (before, tracers.for_service("after").get_tracer("t")):
        span = tracer.start_span("work")
        span.add_event("event")
        assert span.dropped_events == 1


def test_a_budget_is_checked_while_its_configuration_is_in_use() -> None:
    start(overhead_budget_percent=None)
    assert JOB not in scheduler().names()
    first = start()
    assert JOB in scheduler().names()
    second = start()
    current_budget().release(first._session.pipeline.ledger)
    assert JOB in scheduler().names()
    second.shutdown()
    assert JOB not in scheduler().names()
    start()
    start(overhead_budget_percent=None)
    assert JOB not in scheduler().names()


def test_metrics_have_level_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    observability = start(self_metrics=True, engine="lean")
    windows(monkeypatch, observability, 3, percent=50.0)
    work()
    observability.flush()
    assert values(LEVEL_NAME) == {"": 1}
    assert values(SHED_NAME) == {"events": 3}
    assert values(ITEM_TIME_NAME).keys() == {"traces", "logs"}


def test_metrics_without_a_budget() -> None:
    start(self_metrics=True, overhead_budget_percent=None).flush()
    assert values(LEVEL_NAME) == values(SHED_NAME) == {}
    assert values(ITEM_TIME_NAME)["traces"] > 0


def values(name: str) -> dict[str, float]:
    """Return the values of a metric by the first attribute."""
    metric = memory_store().metric(name)
    points: Any = () if metric is None else metric.data.data_points
    return {next(iter((point.attributes or {"": ""}).values())): point.value for point in points}


@pytest.mark.parametrize("given", [0, -1, 101, "much", float("nan")])
def test_a_budget_is_a_percentage(given: Any) -> None:
    result = init_observability(overhead_budget_percent=given, exporters="memory", console=False)
    assert not result.success
    assert "overhead_budget_percent" in (result.error or "")
    assert "0.01 to 100" in (result.error or "")


def test_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEXT_OBSERVABILITY_OVERHEAD_BUDGET_PERCENT", "2.5")
    observability: Any = init_observability(exporters="memory", console=False).unwrap()
    assert observability.status().overhead.budget.percent == 2.5
