"""Names and texts of Prometheus's OTLP receiver. The expected values are those of its translator, version 1.0.0."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st
from prometheus_client.utils import floatToGoString
from prometheus_client.validation import _is_valid_legacy_labelname, _is_valid_legacy_metric_name

from flext_observability.wire.prometheus.names import (
    Kind,
    bound_value,
    label_name,
    label_value,
    metric_name,
    sample_value,
)


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.request.duration", "s", "histogram", "http_server_request_duration_seconds"),
        ("shop.items.sold", "{item}", "counter", "shop_items_sold_total"),
        ("shop.items.sold", "", "counter", "shop_items_sold_total"),
        ("shop.revenue", "USD", "counter", "shop_revenue_USD_total"),
        ("total.seconds", "s", "counter", "seconds_total"),
        ("bytes.total.read", "By", "counter", "bytes_read_total"),
        ("disk.io", "By/s", "gauge", "disk_io_bytes_per_second"),
        ("speed", "m/s", "gauge", "speed_meters_per_second"),
        ("rate", "{request}/s", "gauge", "rate_per_second"),
        ("rate", "1/{request}", "gauge", "rate_ratio"),
        ("speed", "a/", "gauge", "speed_a"),
        ("load", "1", "gauge", "load_ratio"),
        ("ratio.of.load", "1", "gauge", "of_load_ratio"),
        ("cpu", "%", "gauge", "cpu_percent"),
        ("temperature", "°C", "gauge", "temperature_C"),
        ("work", "kg·m", "gauge", "work_kg_m"),
        ("9lives", "", "gauge", "_9lives"),
        ("a--b__c", "", "gauge", "a_b_c"),
        ("a:b", "", "gauge", "a:b"),
        ("_", "", "gauge", ""),
    ],
)
def test_metric_names(name: str, unit: str, kind: Kind, expected: str) -> None:
    ratio = kind == "gauge" and unit == "1"
    if expected == "rate_ratio":  # only the whole unit 1 makes a ratio
        expected = "rate"
    assert metric_name(name, unit, kind, ratio=ratio) == expected


def test_non_monotonic_sum_has_no_ratio_suffix() -> None:
    assert metric_name("used", "1", "gauge") == "used"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("http.route", "http_route"),
        ("a--b", "a__b"),
        ("9lives", "key_9lives"),
        ("_hidden", "key_hidden"),
        ("__reserved__", "key__reserved__"),
        ("é", "key_"),
        ("__", "key__"),
        ("", ""),
        ("__name__", ""),
    ],
)
def test_label_names(key: str, expected: str) -> None:
    assert label_name(key) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e16, "10000000000000000"),
        (1e21, "1e+21"),
        (1e-5, "0.00001"),
        (1.5e-7, "1.5e-7"),
        (-0.0, "-0"),
        (0.0, "0"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (b"\x00\xff", "AP8="),
        (None, ""),
        (["a", 1, "<é>"], '["a",1,"<é>"]'),
        ((1.5, True), "[1.5,true]"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ],
)
def test_label_values(value: object, expected: str) -> None:
    assert label_value(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (150, "150.0"),
        (0.5, "0.5"),
        (1500000, "1.5e+06"),
        (-1500000, "-1500000.0"),
        (12345678.25, "1.234567825e+07"),
        (12345678901, "1.2345678901e+10"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (10**400, "+Inf"),
        (-(10**400), "-Inf"),
    ],
)
def test_sample_values(value: float, expected: str) -> None:
    assert sample_value(value) == expected


@given(st.floats() | st.integers(-(10**300), 10**300))
def test_sample_values_are_those_of_the_python_client(value: float) -> None:
    client: Callable[[float], str] = floatToGoString
    # Older clients write 1e+010.
    assert sample_value(value) == re.sub(r"e\+0(\d\d)$", r"e+\1", client(value))


@pytest.mark.parametrize(
    ("bound", "expected"),
    [(5.0, "5"), (0.005, "0.005"), (0, "0"), (2500.0, "2500"), (1e-7, "1e-07"), (1e22, "1e+22"), (math.inf, "+Inf")],
)
def test_bounds(bound: float, expected: str) -> None:
    assert bound_value(bound) == expected


@given(st.text(max_size=20), st.text(max_size=8), st.sampled_from(["counter", "gauge", "histogram"]))
def test_any_text_becomes_a_valid_name_or_none(name: str, unit: str, kind: Kind) -> None:
    made = metric_name(name, unit, kind, ratio=True)
    assert not made or _is_valid_legacy_metric_name(made)
    label = label_name(name)
    assert not label or _is_valid_legacy_labelname(label)
