"""Metrics of plain arguments are made and recorded as those of the complete way, which a container selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import IntEnum
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from flext_observability import FlextContainer, FlextMetricsService
from flext_observability.adapters.instrument_table import InstrumentIdentity, instrument_table
from flext_observability.runtime.runtime import replace_runtime
from tests.hostile import Hostile
from tests.recorded import recording

Call = tuple[Any, Any, Any, Any, Any]


class Text(str):
    """A subclass of str."""

    __slots__ = ()


class Number(IntEnum):
    """A subclass of int."""

    ONE = 1


class Unreadable(dict[Any, Any]):
    """A dict that raises."""

    def items(self) -> Any:
        raise RuntimeError


NAMES: tuple[Any, ...] = ("a", "b.c", "A", Text("a"), "", "1", "é", "a" * 300, None, 5, b"a", [], Hostile())
VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 2**70, 10**400, 0.5, -0.0, -2.5, 1e308, 5e-324, float("nan"), float("inf"), -float("inf")),
    *(True, None, "1", b"1", Decimal("1.5"), Decimal("NaN"), Number.ONE, 1j, [], Hostile()),
)
UNITS: tuple[Any, ...] = ("", "By", "bytes", "s", "ms", "seconds", " ", "{x}", "x" * 64, "é", Text("s"), None, 5, [])
KINDS: tuple[Any, ...] = ("gauge", "counter", "up_down_counter", "histogram", "GAUGE", "", None, Text("counter"), [])
TAG_NAMES: tuple[Any, ...] = ("a", "b", "", "é", "\ud800", "a" * 9000, Text("a"), 1, None, ("a",))
TAG_VALUES: tuple[Any, ...] = (
    *("x", "", "é", "\ud800", "x" * 9000, Text("x"), 0, 1, True, -1, 2**70, 0.5, 1.0, float("nan"), 1e300),
    *(None, b"x", b"\xff", Decimal("1.50"), Number.ONE, [], {}, (), Hostile()),
)
OTHER_TAGS: tuple[Any, ...] = (
    None,
    5,
    "a",
    [],
    MappingProxyType({"a": 1}),
    Unreadable(a=1),
    {"a": {"b": 1}},
    Hostile(),
)


def random_tags(random: Random) -> object:
    if random.random() < 0.2:
        return random.choice(OTHER_TAGS)
    names = random.choices(TAG_NAMES, weights=[8, 4, *[1] * (len(TAG_NAMES) - 2)], k=random.randrange(4))
    return {name: random.choice(TAG_VALUES[:2] if random.random() < 0.6 else TAG_VALUES) for name in names}


def random_call(random: Random) -> Call:
    """Return arguments that are plain more often than not, and that often repeat a name with its kind and unit."""

    def pick(options: tuple[Any, ...], plain: int, often: float = 0.9) -> Any:
        return random.choice(options[:plain] if random.random() < often else options)

    name = pick(NAMES, 2)
    kind = pick(KINDS, 4, 0.3) if random.random() < 0.1 else "counter" if type(name) is str and name == "a" else "gauge"
    return name, pick(VALUES, 2), pick(UNITS, 1), random_tags(random), kind


def outcome(service: FlextMetricsService, call: Call) -> object:
    """Return what the caller gets, without id and time."""
    result = service.create(*call)
    metric = result.data
    if metric is None:
        return result.success, result.code, result.error
    kind, emitted, given = type(metric.value), metric.emitted, metric.model_fields_set
    return result.success, repr(metric.model_dump(exclude={"id", "timestamp"})), kind, emitted, given


def run(calls: list[Call], make: Callable[[], FlextMetricsService]) -> Mapping[str, object]:
    """Record the calls in a new session. Return all that is seen of them."""
    replace_runtime()
    with recording(exporters={"metrics": "memory", "traces": [], "logs": []}) as recorded:
        service = make()
        outcomes = [outcome(service, call) for call in calls]
        points = {name: _points(recorded.metric(name)) for name in ("a", "b.c", "A")}
        notices = [str(notice) for notice in recorded.handle.status()["metrics"].notices]
        counts = recorded.handle.status()["metrics"].counts
        return {
            "outcomes": outcomes,
            "points": points,
            "text": service.export_prometheus_format().unwrap(),
            "stored": [repr(each.model_dump(exclude={"id", "timestamp"})) for each in service._metrics_store],
            "notices": notices,
            "dropped": None if counts is None else counts.dropped,
        }


def _points(metric: Any) -> object:
    if metric is None:
        return None
    points = [
        (sorted(point.attributes.items()), [getattr(point, name, None) for name in ("value", "sum", "count", "min")])
        for point in metric.data.data_points
    ]
    return metric.unit, type(metric.data).__name__, repr(sorted(points))


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_plain_arguments_have_the_results_of_the_complete_way(seed: int) -> None:
    random = Random(seed)
    calls = [random_call(random) for _ in range(60)]
    plain, complete = run(calls, FlextMetricsService), run(calls, lambda: FlextMetricsService(FlextContainer()))
    assert plain == complete


def test_known_plain_arguments_need_no_constructor() -> None:
    service = FlextMetricsService()
    assert service.create("a", 1).success
    assert service._plain is not None
    assert service._plain.make("a", 2, "", {"b": 1}, "gauge") is not None


def test_an_instrument_that_raises_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    def record(value: float, _attributes: object, _context: object) -> None:
        if value > 1:
            raise SystemExit(value)

    service = FlextMetricsService()
    instrument_table().get_or_create(InstrumentIdentity("raises", "gauge", ""), lambda: record)
    assert service.create("raises", 1).success
    assert service.create("raises", 2).code == "internal"
    assert "create failed: SystemExit" in caplog.text
