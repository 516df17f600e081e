"""Points that cannot be read: each costs itself alone, and is reported once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics.export import MetricsData
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.text import generate_text
from tests.backends.telemetry import make_metrics


def parsed(data: MetricsData, *, openmetrics: bool) -> dict[str, Any]:
    """Return the families of the page by name."""
    parse: Any = parse_openmetrics if openmetrics else parse_classic
    return {family.name: family for family in parse(generate_text(families(data), openmetrics=openmetrics))}


def values(family: Any) -> dict[str, float]:
    """Return the value of each sample by its attribute ``kind``."""
    return {sample.labels.get("kind", ""): sample.value for sample in family.samples}


class Hostile(dict[str, str]):
    """Attributes that cannot be read."""

    def values(self) -> Any:
        raise SystemExit("no values")

    def items(self) -> Any:
        raise SystemExit("no items")


def spoiled(data: MetricsData, **fields: Any) -> MetricsData:
    """Replace fields of the first point of every metric."""
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            points = cast("Any", metric.data).data_points
            points[0] = replace(points[0], **fields)
    return data


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "many"},
        {"value": None},
        {"value": [1]},
        {"attributes": Hostile(kind="a")},
        {"attributes": {"a": {"b": object}}, "value": "x"},
        {"exemplars": [None]},
        {"start_time_unix_nano": "now"},
    ],
)
def test_a_number_that_cannot_be_read_costs_no_other(fields: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    def record(meter: Meter) -> None:
        for kind in ("a", "b"):
            meter.create_counter("sold").add(1, {"kind": kind})

    for _ in range(2):
        found = parsed(spoiled(make_metrics(record), **fields), openmetrics=True)
        assert values(found["sold"]) == {"b": 1}
    assert [text.split(":")[0] for text in caplog.messages] == ["Reading a point of the metric sold failed"]


@pytest.mark.parametrize(
    "fields",
    [{"count": "many"}, {"sum": "much"}, {"bucket_counts": ["x"]}, {"explicit_bounds": ["x"]}, {"bucket_counts": None}],
)
def test_a_histogram_that_cannot_be_read_costs_no_other(
    fields: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def record(meter: Meter) -> None:
        for kind in ("a", "b"):
            meter.create_histogram("wait").record(1, {"kind": kind})

    found = parsed(spoiled(make_metrics(record), **fields), openmetrics=False)
    assert {sample.labels["kind"] for sample in found["wait"].samples} == {"b"}
    assert [text.split(":")[0] for text in caplog.messages] == ["Reading a point of the metric wait failed"]


def test_values_of_other_number_types_are_read() -> None:
    def record(meter: Meter) -> None:
        meter.create_gauge("load").set(1)
        meter.create_gauge("share").set(1)

    data = spoiled(make_metrics(record), value=Decimal("1.5"))
    assert values(parsed(data, openmetrics=True)["load"]) == {"": 1.5}


def _endless() -> Iterator[Any]:
    yield None
    raise SystemExit("no points")


def test_a_scope_that_cannot_be_read_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    data = make_metrics(lambda meter: meter.create_gauge("load").set(1))
    (scope,) = data.resource_metrics[0].scope_metrics
    broken: Any = SimpleNamespace(name="x", version="", schema_url="", attributes=Hostile(a="b"))
    cast("Any", data.resource_metrics[0].scope_metrics).insert(0, replace(scope, scope=broken))
    assert values(parsed(data, openmetrics=True)["load"]) == {"": 1}
    assert [text.split(":")[0] for text in caplog.messages] == ["Reading the scope of metrics failed"]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        object(),
        SimpleNamespace(name="x", unit="", data=object()),
        SimpleNamespace(name="x", unit="", description="", data=SimpleNamespace(data_points=_endless())),
    ],
)
def test_a_metric_that_cannot_be_read_costs_no_other(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    data = make_metrics(lambda meter: meter.create_gauge("load").set(1))
    cast("Any", data.resource_metrics[0].scope_metrics[0].metrics).insert(0, broken)
    assert set(parsed(data, openmetrics=True)) == {"target", "load"}
    assert [text.split(":")[0] for text in caplog.messages] == [
        f"Reading the metric {getattr(broken, 'name', '')} failed"
    ]


def test_a_histogram_without_a_sum() -> None:
    data = spoiled(make_metrics(lambda meter: meter.create_histogram("wait").record(1)), sum=None)
    for openmetrics, names in ((True, {"wait_bucket"}), (False, {"wait_bucket", "wait_count"})):
        found = parsed(data, openmetrics=openmetrics)["wait"]
        assert {sample.name for sample in found.samples} == names
