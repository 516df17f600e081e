"""Plain classes of metric points, which stand in for those of the SDK until a program imports it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Exemplar, export

from flext_observability.values import plain_points
from flext_observability.values.metric_points import CUMULATIVE, DELTA, is_plain, kind_of, point_classes
from tests.programs import run

CLASSES: list[Any] = [
    Exemplar,
    export.Buckets,
    export.ExponentialHistogram,
    export.ExponentialHistogramDataPoint,
    export.Gauge,
    export.Histogram,
    export.HistogramDataPoint,
    export.Metric,
    export.MetricsData,
    export.NumberDataPoint,
    export.ResourceMetrics,
    export.ScopeMetrics,
    export.Sum,
]


@pytest.mark.parametrize("stock", CLASSES)
def test_plain_classes_have_the_fields_of_the_sdk(stock: Any) -> None:
    ours = getattr(plain_points, stock.__name__)
    assert [each.name for each in dataclasses.fields(ours)] == [each.name for each in dataclasses.fields(stock)]
    required = {
        made: [
            each.name
            for each in dataclasses.fields(made)
            if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        ]
        for made in (ours, stock)
    }
    assert required[ours] == required[stock]


def test_temporalities_have_the_values_of_the_sdk() -> None:
    plain, stock = plain_points.AggregationTemporality, export.AggregationTemporality
    assert {each.name: each.value for each in plain} == {each.name: each.value for each in stock}
    assert (stock.DELTA.value, stock.CUMULATIVE.value) == (DELTA, CUMULATIVE)


@pytest.mark.parametrize("stock", CLASSES)
def test_imported_classes_of_the_sdk_are_used(stock: Any) -> None:
    assert getattr(point_classes(), stock.__name__) is stock


def test_kinds_are_the_same_for_both() -> None:
    stock, plain = export.Gauge([]), plain_points.Gauge([])
    assert kind_of(stock) == kind_of(plain) == "Gauge"
    assert (is_plain(stock), is_plain(plain)) == (False, True)


def test_classes_are_plain_until_the_import_of_the_sdk_ends() -> None:
    done = run("""
        import sys
        from types import ModuleType
        from flext_observability.values.metric_points import point_classes

        name = "opentelemetry.sdk.metrics"
        print(point_classes().__name__)
        sys.modules[name] = ModuleType(name)  # as while another thread imports it
        print(point_classes().__name__)
        del sys.modules[name]
        from opentelemetry.sdk.metrics.export import Sum
        print(point_classes().Sum is Sum)
    """)
    assert done.lines == ["flext_observability.values.plain_points"] * 2 + ["True"], done.err
