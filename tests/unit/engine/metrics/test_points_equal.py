"""Random programs give the same points with the meter of the SDK and with ours, for readers of both temporalities."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import given, settings, strategies as st
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.metrics.provider import EngineMeterProvider, EngineReader
from flext_observability.engine.observable_callback import ObservableCallback
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader
from flext_observability.providers.meter import DELTAS
from flext_observability.providers.sdk_meter import TEMPORALITIES

EXAMPLES = 300
RESOURCE = Resource({"service.name": "shop"}, "https://schema/resource")
PREFERENCES = ("cumulative", "delta", "lowmemory")
RECORD = {"counter": "add", "up_down_counter": "add", "gauge": "set", "histogram": "record"}


def second_points(first: Any, second: Any) -> tuple[int, list[Any]]:
    """Return the time of the first collection of deltas of this SDK, and the points of the next one."""
    reader = InMemoryMetricReader({Counter: AggregationTemporality.DELTA})
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_counter("c")
    counter.add(1)
    before = points_of(reader.get_metrics_data() or MetricsData([]))
    counter.add(1, {"k": first})
    counter.add(1, {"k": second})
    return before[0].time_unix_nano, points_of(reader.get_metrics_data() or MetricsData([]))


def points_of(data: MetricsData) -> list[Any]:
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


# Whether this SDK has a series for 1 and another one for True, and whether a new series of deltas begins with the
# previous collection. Old ones have not.
_TIME_NS, _POINTS = second_points(1, True)
TYPED = len(_POINTS) == 2
CONTIGUOUS = _POINTS[0].start_time_unix_nano == _TIME_NS


class Stock:
    """Readers of the SDK."""

    def __init__(self, *, exponential: bool) -> None:
        aggregation: dict[type, Any] = {Histogram: ExponentialBucketHistogramAggregation()} if exponential else {}
        readers = [SharedMetricReader(TEMPORALITIES[each], aggregation).reader for each in PREFERENCES]
        self.provider = MeterProvider(readers, RESOURCE, AlwaysOnExemplarFilter(), shutdown_on_exit=False)
        self.collect = [reader.get_metrics_data for reader in readers]


class Ours:
    """Readers of the engine."""

    def __init__(self, *, exponential: bool) -> None:
        self.provider = EngineMeterProvider(RESOURCE, "always_on", exponential=exponential)
        self.collect = [EngineReader(self.provider, DELTAS[preference]).collect for preference in PREFERENCES]


class Run:
    """One program in progress: its instruments and what its observable instruments return next."""

    def __init__(self, sides: Stock | Ours) -> None:
        self.sides = sides
        self.meters: list[Meter] = [
            sides.provider.get_meter("a", "1", "https://schema", {"part": "x"}),
            sides.provider.get_meter("b"),
        ]
        self.observed: dict[object, list[Observation]] = {}
        self.times: dict[int, list[int]] = {}

    def measure(self, meter: int, kind: str, names: tuple[str, str, str], value: float, attributes: Any) -> None:
        create = getattr(self.meters[meter], f"create_{kind}")
        options = {"explicit_bucket_boundaries_advisory": [1, 2.5, 5]} if names[2] == "bounds" else {}
        instrument = create(*names, **options) if kind == "histogram" else create(*names)
        getattr(instrument, RECORD[kind])(value, attributes)

    def observe(self, meter: int, kind: str, name: str, values: list[tuple[float, Any]]) -> None:
        key = (meter, kind, name)
        is_new = key not in self.observed
        observations = self.observed.setdefault(key, [])
        observations[:] = [Observation(value, attributes) for value, attributes in values]

        def callback(_: CallbackOptions) -> Iterable[Observation]:
            return list(observations)

        if is_new:
            contained = ObservableCallback(name, callback, lambda each: each.call(CallbackOptions()).observations)
            getattr(self.meters[meter], f"create_{kind}")(name, [contained])

    def collect(self, reader: int) -> object:
        seen = self.times.setdefault(reader, [])
        data = self.sides.collect[reader]() or MetricsData([])
        shown = shown_data(data, seen)
        seen += [point.time_unix_nano for point in points_of(data)][:1]
        return shown


def shown_data(data: MetricsData, seen: list[int]) -> object:
    """Return everything that an exporter can see, in any order of instruments and points, with times as relations."""
    return [
        (
            resource.resource,
            resource.schema_url,
            sorted(
                (
                    (
                        *(scope.scope.name, scope.schema_url, metric.name, metric.unit, metric.description),
                        *shown_metric(metric.data, seen),
                    )
                    for scope in resource.scope_metrics
                    for metric in scope.metrics
                ),
                key=repr,
            ),
        )
        for resource in data.resource_metrics
    ]


def shown_metric(data: Any, seen: list[int]) -> tuple[Any, ...]:
    temporality = getattr(data, "aggregation_temporality", None), getattr(data, "is_monotonic", None)
    times = seen if CONTIGUOUS or temporality[0] is not AggregationTemporality.DELTA else None
    shown = sorted((shown_point(point, times) for point in data.data_points), key=repr)
    return (type(data).__name__, *temporality, shown)


def shown_point(point: Any, times: list[int] | None) -> object:
    start = point.start_time_unix_nano
    since = None if start is None or times is None else times.index(start) if start in times else "its creation"
    fields = {
        name: typed(getattr(point, name))
        for name in (*("value", "count", "sum", "min", "max", "bucket_counts", "explicit_bounds"), "zero_count")
        if hasattr(point, name)
    }
    if hasattr(point, "positive"):
        fields |= {"scale": point.scale, "+": shown_buckets(point.positive), "-": shown_buckets(point.negative)}
    attributes = sorted((name, repr(value)) for name, value in point.attributes.items())
    return (since, attributes, *fields.items())


def shown_buckets(buckets: Any) -> Mapping[int, int]:
    return {buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count}


def typed(value: Any) -> object:
    """Return a value that differs for 1 and 1.0."""
    return (type(value).__name__, value) if isinstance(value, int | float) else value


PLAIN: tuple[Any, ...] = ("a", "1", "", 0, 1, 2, True, False, 0.0, 1.0, 2.5, [1, 2], (1, 2), ["a"], [])
UNUSUAL: tuple[Any, ...] = (None, b"a", {"a": 1}, {"a": {"b": [1]}}, [1, "a"], [[1], [2]], "\N{SNOWMAN}")
VALUES = (*PLAIN, *UNUSUAL) if TYPED else ("a", "b")
OBSERVED = PLAIN if TYPED else VALUES
OBSERVABLE = ("observable_counter", "observable_up_down_counter", "observable_gauge")


class Program:
    """Random steps."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.exponential = self._random.random() < 0.5
        # Exponential buckets of one reader alone: those of the SDK are coarser after a long interval of each reader.
        self._readers = (self._random.randint(0, 2),) if self.exponential else (0, 1, 1, 2)
        self.steps = [self._step() for _ in range(self._random.randint(1, 40))]
        self.steps += [("collect", (reader,)) for reader in sorted(set(self._readers))]

    def _step(self) -> tuple[str, tuple[Any, ...]]:
        choice, kind = self._random.random(), self._random.choice
        if choice < 0.2:
            return "collect", (kind(self._readers),)
        if choice < 0.4:
            observed = [(self._number(), self._attributes(OBSERVED)) for _ in range(self._random.randint(0, 3))]
            return "observe", (kind((0, 1)), kind(OBSERVABLE), kind("op"), observed)
        names = kind("xXy"), kind(("", "s")), kind(("", "text", "bounds"))
        return "measure", (kind((0, 1)), kind(sorted(RECORD)), names, self._number(), self._attributes(VALUES))

    def _number(self) -> float:
        """Return a number whose sums are exact in any order."""
        number = self._random.randint(0, 640)
        return self._random.choice((number, number / 64, number * 2.0**20, number / 2**40))

    def _attributes(self, values: Sequence[object]) -> dict[str, object] | None:
        count = self._random.randint(-1, 3)
        chosen = self._random.sample("abc", max(count, 0))
        return None if count < 0 else {name: self._random.choice(values) for name in chosen}


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 1 << 32))
def test_programs(seed: int) -> None:
    program = Program(seed)
    stock, ours = Run(Stock(exponential=program.exponential)), Run(Ours(exponential=program.exponential))
    for method, arguments in program.steps:
        assert getattr(ours, method)(*arguments) == getattr(stock, method)(*arguments), (method, arguments)
