from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from flext_observability import FlextMetricsService, traced
from flext_observability.services.instruments import Counter, Gauge, Histogram, UpDownCounter
from tests.recorded import Recorded, recording
from tests.threads import in_threads

METRICS = FlextMetricsService()


def test_each_instrument_records(recorded: Recorded) -> None:
    METRICS.counter("instrument.counter", "count").add(2, {"a": Decimal("1.5")})
    METRICS.up_down_counter("instrument.updown").add(-3)
    METRICS.gauge("instrument.gauge").set(4.5)
    METRICS.histogram("instrument.histogram", "ms").record(7)
    assert recorded.values("instrument.counter") == {(("a", "1.5"),): 2}
    assert recorded.values("instrument.updown") == {(): -3}
    assert recorded.values("instrument.gauge") == {(): 4.5}
    (point,) = recorded.metric("instrument.histogram").data.data_points
    assert (point.count, point.sum) == (1, 7)
    assert recorded.metric("instrument.counter").unit == "{count}"


def test_attributes_given_again_have_the_series_of_their_encoding(recorded: Recorded) -> None:
    counter, attributes = METRICS.counter("instrument.again"), {"a": 1, "b": "x"}
    for _ in range(1000):
        counter.add(1, attributes)
    with traced("a span with exemplars"):
        counter.add(1, attributes)
    counter.add(1, {"b": "x", "a": 1})
    counter.add(1, {"a": True, "b": "x"})
    counter.add(1, {"a": None, "b": Decimal(1)})
    points = recorded.metric("instrument.again").data.data_points
    found = sorted((repr(dict(sorted(point.attributes.items()))), point.value) for point in points)
    assert found == [("{'a': 1, 'b': 'x'}", 1002), ("{'a': True, 'b': 'x'}", 1), ("{'b': '1'}", 1)]


def test_bound_instruments_keep_attributes_and_kind(recorded: Recorded) -> None:
    counter = METRICS.counter("instrument.bound")
    bound = counter.bind({"a": 1, "b": 1}, b=2)
    twice = bound.bind(c=b"x")
    for instrument in (bound, twice):
        instrument.add(1)
    twice.add(1, {"a": 5})
    assert isinstance(twice, Counter)
    assert recorded.values("instrument.bound") == {
        (("a", 1), ("b", 2)): 1,
        (("a", 1), ("b", 2), ("c", "x")): 1,
        (("a", 5), ("b", 2), ("c", "x")): 1,
    }
    assert isinstance(METRICS.gauge("instrument.bound.gauge").bind(a=1), Gauge)
    assert isinstance(METRICS.histogram("instrument.bound.histogram").bind(a=1), Histogram)
    assert isinstance(METRICS.up_down_counter("instrument.bound.updown").bind(a=1), UpDownCounter)


@pytest.mark.parametrize("kind", ["counter", "up_down_counter", "gauge", "histogram"])
@pytest.mark.parametrize("early", [True, False])
def test_a_bound_handle_follows_each_start(kind: str, early: bool) -> None:
    def bind() -> Any:
        handle: Any = getattr(METRICS, kind)(f"instrument.follows.{kind}").bind(a=1)
        return getattr(handle, {"gauge": "set", "histogram": "record"}.get(kind, "add"))

    record = bind()
    record(1)  # before the start
    for engine in ("lean", "sdk", "lean"):
        with recording(engine=engine) as started:
            record = record if early else bind()
            early = True  # later starts have the handle of the first one
            for value in (3, 4.5, Decimal(5), -1 if kind in {"counter", "histogram"} else 5):
                record(value)
            record(6, {"b": 2})
            points = started.metric(f"instrument.follows.{kind}").data.data_points
        name = "sum" if kind == "histogram" else "value"
        found = {tuple(sorted(point.attributes.items())): getattr(point, name) for point in points}
        total = {"gauge": 5, "up_down_counter": 17.5}.get(kind, 12.5)
        assert found == {(("a", 1),): total, (("a", 1), ("b", 2)): 6}


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        -1,
        -0.5,
        True,
        "5",
        None,
        b"1",
        [],
        Decimal("NaN"),
        Decimal(-1),
        10**400,
    ],
)
def test_an_invalid_value_is_dropped(recorded: Recorded, value: Any) -> None:
    counter = METRICS.counter("instrument.invalid")
    counter.add(value)
    counter.add(1)
    assert recorded.values("instrument.invalid") == {(): 1}


def test_a_dropped_value_is_logged_once_for_each_instrument(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("dropped.first", "dropped.second", "dropped.first"):
        METRICS.counter(name).add(-1)
    METRICS.gauge("dropped.first").set(math.inf)  # another kind: discarded
    lines = [line for line in caplog.messages if line.startswith("Measuring")]
    assert [line.partition(" failed: ")[0] for line in lines] == [
        "Measuring with Counter dropped.first",
        "Measuring with Counter dropped.second",
        "Measuring with Gauge of an unknown instrument",
    ]
    assert "ValueError: -1.0 is not a finite number of 0 or more; the program continues" in lines[0]
    assert "ValueError: inf is not a finite number; the program continues" in lines[2]


@pytest.mark.parametrize("value", [Decimal("2.5"), 1e300, 10**30])
def test_unusual_numbers_are_recorded(recorded: Recorded, value: Any) -> None:
    METRICS.gauge("instrument.unusual").set(value)
    assert recorded.values("instrument.unusual") == {(): float(value)}


def test_up_down_counters_record_negative_numbers_beyond_64_bits(recorded: Recorded) -> None:
    METRICS.up_down_counter("instrument.far").add(-(10**30))
    assert recorded.values("instrument.far") == {(): -1e30}


@pytest.mark.parametrize("attributes", [5, "text", [1], {"a": {"b": object}}, {"\ud800": 1}, {1: 2}])
def test_unusual_attributes_lose_no_measurement(recorded: Recorded, attributes: Any) -> None:
    counter = METRICS.counter("instrument.attributes")
    counter.add(1, attributes)
    counter.bind(attributes).add(1)
    assert sum(recorded.values("instrument.attributes").values()) == 2


def test_totals_of_many_threads_are_exact(recorded: Recorded) -> None:
    bound = METRICS.counter("instrument.threads").bind(a=1)

    def work(_: int) -> None:
        for _ in range(1000):
            bound.add(1)

    in_threads(work)
    assert recorded.values("instrument.threads") == {(("a", 1),): 8000}


def test_an_instrument_created_before_the_start_records_after_it() -> None:
    counter = METRICS.counter("instrument.early")
    counter.add(1)
    with recording() as started:
        counter.add(2)
        assert started.values("instrument.early") == {(): 2}
    counter.add(4)
