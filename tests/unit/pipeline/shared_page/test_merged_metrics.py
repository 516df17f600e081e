"""Measurements that are split among processes and merged equal the same measurements in one process."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from flext_observability.pipeline.shared_page.merged_metrics import MAX_FOLDED_SERIES, OVERFLOW, MergedMetrics
from flext_observability.wire.metric_snapshot.decode import from_bytes
from flext_observability.wire.metric_snapshot.encode import Document, SnapshotEncoder, to_bytes

ATTRIBUTES: Sequence[dict[str, Any]] = (
    {},
    {"a": "x"},
    {"a": 1},
    {"a": True},
    {"a": "1"},
    {"a": 1.0, "b": ("x", "y")},
    {"a": b"\xff", "é": "\n"},
    {"otel.metric.overflow": True},
)
Step = tuple[str, float, dict[str, Any]]


class Process:
    """The metrics of one process."""

    def __init__(self, pid: int, service: str = "shop", modes: dict[str, str] | None = None) -> None:
        self.pid = pid
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider(
            [self.reader],
            Resource({"service.name": service, "service.instance.id": str(pid), "host": "one"}),
            exemplar_filter=AlwaysOnExemplarFilter(),
            shutdown_on_exit=False,
            views=[
                View(
                    instrument_type=Histogram,
                    instrument_name="exponential",
                    aggregation=ExponentialBucketHistogramAggregation(),
                )
            ],
        )
        meter = self.provider.get_meter("test", "1", "https://example.com/schema", {"scope": "s"})
        self.instruments: dict[str, Any] = {
            "counter": meter.create_counter("counter", "{item}", "Items"),
            "busy": meter.create_up_down_counter("busy"),
            "gauge": meter.create_gauge("gauge"),
            "explicit": meter.create_histogram("explicit", "s", explicit_bucket_boundaries_advisory=[1, 10, 100]),
            "exponential": meter.create_histogram("exponential"),
        }
        self.encoder = SnapshotEncoder(lambda name: (modes or {}).get(name, ""), time.time_ns())

    def apply(self, steps: Iterable[Step]) -> None:
        """Record measurements."""
        for name, value, attributes in steps:
            instrument = self.instruments[name]
            (instrument.set if name == "gauge" else getattr(instrument, "add", None) or instrument.record)(
                value, attributes
            )

    def data(self) -> MetricsData:
        """Return all points."""
        return self.reader.get_metrics_data() or MetricsData([])

    def document(self) -> Document:
        """Return the document as another process reads it."""
        content = {"pid": self.pid, "root": [1, 1], "resources": self.encoder.resources(self.data())}
        return from_bytes(to_bytes(content))


def points(data: MetricsData, *names: str) -> dict[object, object]:
    """Return what a reader sees of each series."""
    return {
        (scope.scope.name, metric.name, metric.unit, repr(sorted(_typed(point.attributes)))): _content(point)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name in names
        for point in metric.data.data_points
    }


def _typed(attributes: Any) -> list[tuple[str, str]]:
    return [(name, repr(tuple(value) if isinstance(value, list) else value)) for name, value in attributes.items()]


def _content(point: Any) -> object:
    if hasattr(point, "value"):
        return point.value
    common = (point.count, point.sum, point.min, point.max)
    if hasattr(point, "bucket_counts"):
        return (*common, tuple(point.explicit_bounds), tuple(point.bucket_counts))
    sides = [
        {index: count for index, count in enumerate(side.bucket_counts, side.offset) if count}
        for side in (point.positive, point.negative)
    ]
    return (*common, point.scale, point.zero_count, *sides)


def steps(chance: random.Random, count: int) -> list[Step]:
    """Return random measurements, whose sums are exact."""
    found: list[Step] = []
    for _ in range(count):
        name = chance.choice(["counter", "busy", "explicit", "exponential"])
        exponent = chance.choice([2, 4, 8, 30])
        value = chance.randrange(2**exponent) * (chance.choice([1, -1]) if name == "busy" else 1)
        found.append((name, value, chance.choice(ATTRIBUTES)))
    return found


def merge(documents: Iterable[Document], *, running: bool = True) -> MergedMetrics:
    """Return the sum of documents."""
    merged = MergedMetrics()
    for document in documents:
        merged.add(document, running=running, ended=True)
    return merged


@pytest.mark.newest_sdk(reason="the oldest SDK, the other side, takes 1 and True for one attribute value")
@pytest.mark.parametrize("seed", range(40))
def test_merged_processes_equal_one_process(seed: int) -> None:
    chance = random.Random(seed)
    alone = Process(0)
    processes = [Process(pid) for pid in range(1, chance.randrange(2, 6))]
    for process in processes:
        part = steps(chance, chance.choice([0, 1, 5, 200]))
        process.apply(part)
        alone.apply(part)
    names = ("counter", "busy", "explicit", "exponential")
    documents = [process.document() for process in processes]
    chance.shuffle(documents)
    cut = chance.randrange(len(documents) + 1)
    # A part of the processes has ended: they were added up first, and written to a file.
    ended = {"resources": merge(documents[:cut], running=False).to_resources()}
    total = merge([from_bytes(to_bytes(ended)), *documents[cut:]])
    assert points(total.to_metrics_data(5), *names) == points(alone.data(), *names)


def gauges(mode: str, values: Sequence[float]) -> dict[str, float]:
    """Return the gauge of several processes in a mode, by its attributes."""
    merged = MergedMetrics()
    for pid, value in enumerate(values, start=1):
        process = Process(pid, modes={"gauge": mode})
        process.apply([("gauge", value, {"a": "x"})])
        merged.add(process.document(), running=True)
    found = points(merged.to_metrics_data(5), "gauge")
    return {key[3]: value for key, value in found.items()}  # type: ignore[index, misc]


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [("sum", [1, 5, 3], 9), ("max", [1, 5, 3], 5), ("min", [4, 1, 3], 1), ("latest", [9, 5, 3], 3)],
)
def test_a_gauge_has_one_value_in_its_mode(mode: str, values: list[float], expected: float) -> None:
    assert gauges(mode, values) == {"[('a', \"'x'\")]": expected}


def test_a_gauge_without_a_mode_has_a_value_of_each_process() -> None:
    assert gauges("", [4, 5]) == {
        "[('a', \"'x'\"), ('process.pid', '1')]": 4,
        "[('a', \"'x'\"), ('process.pid', '2')]": 5,
    }


def test_the_first_values_of_a_later_process_are_later() -> None:
    parent, child = (Process(pid, modes={"gauge": "latest"}) for pid in (1, 2))
    for process, value in ((parent, 3), (child, 5)):
        process.apply([("gauge", value, {})])
    documents = [child.document(), parent.document()]  # the parent is asked later
    assert list(points(merge(documents).to_metrics_data(5), "gauge").values()) == [5]


@pytest.mark.newest_sdk(reason="the oldest SDK, which makes the points here, reports a gauge once")
def test_the_latest_gauge_is_the_one_that_changed_last() -> None:
    first, second = (Process(pid, modes={"gauge": "latest"}) for pid in (1, 2))
    first.apply([("gauge", 1, {})])
    first.document()
    second.apply([("gauge", 2, {})])
    second.document()
    assert list(points(merge([first.document(), second.document()]).to_metrics_data(5), "gauge").values()) == [2]
    first.apply([("gauge", 3, {})])
    assert list(points(merge([second.document(), first.document()]).to_metrics_data(5), "gauge").values()) == [3]
    assert list(points(merge([first.document(), second.document()]).to_metrics_data(5), "gauge").values()) == [3]


def test_a_gauge_keeps_its_own_attribute_for_the_process() -> None:
    process = Process(7)
    process.apply([("gauge", 1, {"process.pid": 99}), ("gauge", 2, {})])
    (own, added) = points(merge([process.document()]).to_metrics_data(5), "gauge")
    assert "99" in str(own)
    assert "'process.pid', '7'" in str(added)


def test_gauges_and_up_down_counters_of_a_killed_process_are_left_out() -> None:
    process = Process(1)
    process.apply([("gauge", 1, {}), ("busy", 2, {}), ("counter", 3, {})])
    merged = MergedMetrics()
    merged.add(process.document(), running=False, ended=False)
    assert list(points(merged.to_metrics_data(5), "gauge", "busy", "counter").values()) == [3]


def test_different_bounds_leave_the_common_ones() -> None:
    def document(bounds: list[float], counts: list[int]) -> Document:
        point = ["{}", 1, sum(counts), 7, 1, 6, 0, counts, []]
        metrics = [["h", "size", "", "", "", [bounds], [point]]]
        return {"resources": [["{}", "", [["s", "", "", "{}", metrics]]]]}

    merged = merge([document([1, 5, 10], [1, 2, 3, 4]), document([5, 7, 10], [10, 20, 30, 40])])
    assert list(points(merged.to_metrics_data(5), "size").values()) == [(110, 14, 1, 6, (5, 10), (13, 53, 44))]
    again = merge([{"resources": merged.to_resources()}])
    assert list(points(again.to_metrics_data(5), "size").values()) == [(110, 14, 1, 6, (5, 10), (13, 53, 44))]


def test_histograms_without_minimum_and_maximum_are_merged() -> None:
    def document(low: float | None) -> Document:
        point = ["{}", 1, 1, 7, low, low, 0, [1, 0], []]
        return {"resources": [["{}", "", [["s", "", "", "{}", [["h", "size", "", "", "", [[5]], [point]]]]]]]}

    merged = merge([document(None), document(3)])
    assert list(points(merged.to_metrics_data(5), "size").values()) == [(2, 14, None, None, (5,), (2, 0))]


def test_the_latest_exemplar_of_each_bucket_is_kept() -> None:
    first, second = Process(1), Process(2)
    first.apply([("explicit", 5, {}), ("explicit", 50, {}), ("counter", 1, {}), ("exponential", 1, {})])
    second.apply([("explicit", 6, {}), ("counter", 2, {}), ("exponential", 2, {})])
    data = merge([second.document(), first.document()]).to_metrics_data(5)
    by_name = {
        metric.name: [exemplar.value for exemplar in metric.data.data_points[0].exemplars]
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
    }
    assert by_name == {"counter": [2], "explicit": [6, 50], "exponential": [1, 2]}


def test_services_stay_apart_and_a_service_has_one_resource() -> None:
    processes = [Process(1), Process(2), Process(3, "billing")]
    for process in processes:
        process.apply([("counter", 1, {})])
    data = merge(process.document() for process in processes).to_metrics_data(5)
    shop, billing = data.resource_metrics
    assert dict(shop.resource.attributes) == {"service.name": "shop", "host": "one"}
    assert dict(billing.resource.attributes) == {"service.name": "billing", "host": "one"}
    scope = shop.scope_metrics[0].scope
    assert (scope.name, scope.version, scope.schema_url) == ("test", "1", "https://example.com/schema")
    assert dict(scope.attributes or {}) == {"scope": "s"}
    assert sorted(points(data, "counter").values(), key=str) == [1]  # the keys are equal, but for the resource
    assert list(points(MetricsData([shop]), "counter").values()) == [2]


def test_series_of_ended_processes_are_limited() -> None:
    def document(first: int, count: int) -> Document:
        series = [[f'{{"user":{user}}}', 1, 0, 1, []] for user in range(first, first + count)]
        return {"resources": [["{}", "", [["s", "", "", "{}", [["c", "visits", "", "", "", [], series]]]]]]}

    merged = MergedMetrics(MAX_FOLDED_SERIES)
    for first in range(0, 9000, 1000):
        merged.add(document(first, 1500), running=False)
    ((metric,),) = [list(scope[4]) for scope in merged.to_resources()[0][2]]
    values = {point[0]: point[3] for point in metric[6]}
    assert len(values) == MAX_FOLDED_SERIES + 1
    assert sum(values.values()) == 9 * 1500
    assert values[OVERFLOW] > 9000


def test_metrics_of_the_machine_are_not_added_up() -> None:
    def document(value: int) -> Document:
        metrics = [[kind, f"system.{kind}", "", "", "", [], [["{}", 1, 0, value, []]]] for kind in ("c", "u", "g")] + [
            ["h", "system.h", "", "", "", [[5]], [["{}", 1, 1, 7, 7, 7, 0, [0, 1], []]]]
        ]
        return {"pid": value, "resources": [["{}", "", [["s", "", "", "{}", metrics]]]]}

    merged = MergedMetrics()
    merged.add(document(9), running=False, ended=True)
    for value in (3, 5, 4):
        merged.add(document(value), running=True)
    found = points(merged.to_metrics_data(5), *(f"system.{kind}" for kind in "cugh"))
    assert list(found.values()) == [(4, 28, 7, 7, (5,), (0, 4)), 5, 5, 5]


def test_points_without_values_and_exemplars_are_merged() -> None:
    def document(count: int) -> Document:
        explicit = ["{}", 1, count, 7 * count, count, count, 0, [count, 0], []]
        exponential = ["{}", 1, count, 0, count, count, 3, 0, 5, [count], 0, [], []]
        other = ['{"a":1}', *explicit[1:]]
        metrics = [
            ["h", "explicit", "", "", "", [[5]], [explicit, other]],
            ["e", "exponential", "", "", "", [], [exponential]],
        ]
        return {"resources": [["{}", "", [["s", "", "", "{}", metrics]]]]}

    for counts in ([2, 0], [0, 2], [0, 0, 2]):
        found = points(merge(map(document, counts)).to_metrics_data(5), "explicit", "exponential")
        expected = [(2, 0, 2, 2, 3, 0, {5: 2}, {}), *[(2, 14, 2, 2, (5,), (2, 0))] * 2]
        assert sorted(found.values(), key=repr) == expected
