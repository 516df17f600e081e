"""Metric points of random instruments: names, units, attributes, values and exemplars of every kind."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

NAMES = (
    "a",
    "a.b",
    "a_b",
    "a.total",
    "total",
    "a.count",
    "a.bucket",
    "a.sum",
    "a.info",
    "target",
    "9.lives",
    "ünï.x",
    "é",
)
UNITS = ("", "s", "ms", "By", "1", "{item}", "By/s", "%", "$", "{a}/m")
TEXTS = ("", "x", "it's", 'a "quoted" \\ name', "two\nlines", "ünïcödé ☕", " ", "\x00", "\ud800", "a" * 300)
KEYS = (
    "k",
    "http.route",
    "http_route",
    "__name__",
    "le",
    "quantile",
    "1st",
    "_x",
    "é",
    "otel_scope_name",
    "a b",
    "job",
)
NUMBERS = (0, 1, -1, 0.5, -0.0, 1e6, 1e-9, 1.5e300, 2**70, 10**400, math.inf, -math.inf, math.nan)
CUMULATIVE = AggregationTemporality.CUMULATIVE
TIME = 1_700_000_000_123_456_789


def random_metrics(random: Random) -> MetricsData:
    """Return up to two resources with up to three scopes each."""
    return MetricsData([_resource(random, number) for number in range(random.choice((1, 1, 1, 2)))])


def _resource(random: Random, number: int) -> ResourceMetrics:
    attributes = {"service.name": random.choice(TEXTS), "service.instance.id": str(number), "x.y": random.choice(TEXTS)}
    scopes = [_scope(random) for _ in range(random.randrange(4))]
    return ResourceMetrics(Resource(attributes), scopes, "")


def _scope(random: Random) -> ScopeMetrics:
    scope = InstrumentationScope(
        random.choice(("one", "two", "")),
        random.choice((None, "1.0")),
        random.choice(("", "https://x.test")),
        _tags(random),
    )
    return ScopeMetrics(scope, [_metric(random) for _ in range(random.randrange(6))], "")


def _metric(random: Random) -> Metric:
    make = random.choice((_gauge, _sum, _sum, _histogram, _exponential))
    count = random.randrange(5)
    return Metric(random.choice(NAMES), random.choice(TEXTS), random.choice(UNITS), make(random, count))


def _gauge(random: Random, count: int) -> Any:
    return Gauge([_number(random) for _ in range(count)])


def _sum(random: Random, count: int) -> Any:
    return Sum([_number(random) for _ in range(count)], CUMULATIVE, random.random() < 0.6)


def _number(random: Random) -> NumberDataPoint:
    return NumberDataPoint(_tags(random), TIME, TIME, random.choice(NUMBERS), _exemplars(random))


def _histogram(random: Random, count: int) -> Any:
    points: list[HistogramDataPoint] = []
    for _ in range(count):
        bounds = sorted(random.sample((-5.0, -0.1, 0.0, 0.005, 1.0, 10, 1e22, math.inf), random.randrange(6)))
        counts = [random.randrange(9) for _ in range(len(bounds) + 1)]
        total = random.choice(NUMBERS)
        points.append(
            HistogramDataPoint(
                _tags(random), TIME, TIME, sum(counts), total, counts, bounds, 0, 0, exemplars=_exemplars(random)
            )
        )
    return Histogram(points, CUMULATIVE)


def _exponential(random: Random, count: int) -> Any:
    points: list[ExponentialHistogramDataPoint] = []
    for _ in range(count):
        positive, negative, zeros = _buckets(random), _buckets(random), random.randrange(3)
        points.append(
            ExponentialHistogramDataPoint(
                attributes=_tags(random),
                start_time_unix_nano=TIME,
                time_unix_nano=TIME,
                count=sum(positive.bucket_counts) + sum(negative.bucket_counts) + zeros,
                sum=random.choice(NUMBERS),
                scale=random.randrange(-10, 21),
                zero_count=zeros,
                positive=positive,
                negative=negative,
                flags=0,
                min=0,
                max=0,
                exemplars=_exemplars(random),
            )
        )
    return ExponentialHistogram(points, CUMULATIVE)


def _buckets(random: Random) -> Buckets:
    counts = [random.choice((0, 0, 1, 7, 2**33)) for _ in range(random.randrange(12))]
    return Buckets(random.randrange(-300, 300), counts)


def _tags(random: Random) -> dict[str, Any]:
    values = (*TEXTS, *NUMBERS[:8], True, False, ["a", 1], (1.5,), None, b"\xff", {"a": [1]})
    return {key: random.choice(values) for key in random.sample(KEYS, random.choice((0, 1, 1, 2, 4)))}


def _exemplars(random: Random) -> list[Exemplar]:
    return [
        Exemplar(
            {"filtered": random.choice(TEXTS)} if random.random() < 0.5 else {},
            random.choice((0.5, 3, -1)),
            TIME - random.randrange(10),
            random.choice((None, 0, 0xABC)),
            random.choice((None, 0, 0xDEF)),
        )
        for _ in range(random.choice((0, 0, 1, 3)))
    ]
