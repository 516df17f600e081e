"""Alert rules as expressions; tests/stack compares them with the library's evaluation in the real Prometheus."""

from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlertRule
from flext_observability.domain.declaration import DeclaredInstrument
from flext_observability.wire.prometheus.rules.promql import QueryScope, duration, expression, matchers, quote

ORDERS = DeclaredInstrument("shop.orders", "counter", "{order}")
TIME = DeclaredInstrument("shop.time", "histogram", "s")
STOCK = DeclaredInstrument("shop.stock", "gauge", "1")
MEMORY = DeclaredInstrument("shop.memory", "up_down_counter", "By")
ALL = QueryScope()


def expr(instrument: DeclaredInstrument, scope: QueryScope = ALL, **fields: Any) -> str:
    if not {"above", "below", "absent_seconds"} & fields.keys():
        fields["above"] = 1
    return expression(FlextAlertRule("r", metric=instrument.name, **fields), instrument, scope)


@pytest.mark.parametrize(
    ("instrument", "measure", "expected"),
    [
        (ORDERS, "value", "shop_orders_total > 1"),
        (ORDERS, "rate", "rate(shop_orders_total[1m]) > 1"),
        (ORDERS, "count", "rate(shop_orders_total[1m]) * 15 > 1"),
        (STOCK, "value", "shop_stock_ratio > 1"),
        (STOCK, "rate", "delta(shop_stock_ratio[1m]) / 60 > 1"),
        (MEMORY, "value", "shop_memory_bytes > 1"),
        (MEMORY, "count", "delta(shop_memory_bytes[1m]) / 60 * 15 > 1"),
        (TIME, "rate", "rate(shop_time_seconds_count[1m]) > 1"),
        (TIME, "mean", "rate(shop_time_seconds_sum[1m]) / rate(shop_time_seconds_count[1m]) > 1"),
        (TIME, "p99", "histogram_quantile(0.99, rate(shop_time_seconds_bucket[1m])) > 1"),
    ],
)
def test_each_kind_has_its_measures(instrument: DeclaredInstrument, measure: str, expected: str) -> None:
    assert expr(instrument, measure=measure) == expected


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("rate", "histogram_count(rate(shop_time_seconds[1m])) > 1"),
        ("mean", "histogram_avg(rate(shop_time_seconds[1m])) > 1"),
        ("p50", "histogram_quantile(0.5, rate(shop_time_seconds[1m])) > 1"),
    ],
)
def test_native_histograms_have_one_series(measure: str, expected: str) -> None:
    assert expr(TIME, QueryScope(native_histograms=True), measure=measure) == expected


@pytest.mark.parametrize(
    ("scope", "fields", "expected"),
    [
        (ALL, {"combine": "sum"}, "sum by (job, instance) (shop_orders_total) > 1"),
        (ALL, {"combine": "mean", "by": ("a.b",)}, "avg by (job, instance, a_b) (shop_orders_total) > 1"),
        (QueryScope(across_processes=True), {"combine": "max"}, "max (shop_orders_total) > 1"),
        (
            QueryScope(across_processes=True),
            {"combine": "min", "by": ["shop"], "below": -0.5, "above": None},
            "min by (shop) (shop_orders_total) < -0.5",
        ),
    ],
)
def test_series_are_combined_within_a_process_or_across(
    scope: QueryScope, fields: dict[str, Any], expected: str
) -> None:
    assert expr(ORDERS, scope, **fields) == expected


def test_sums_leave_out_histograms_without_new_measurements() -> None:
    mean = "rate(shop_time_seconds_sum[1m]) / rate(shop_time_seconds_count[1m])"
    assert expr(TIME, measure="mean", combine="sum") == f"sum by (job, instance) ({mean} > -Inf) > 1"
    assert expr(TIME, measure="mean", combine="max") == f"max by (job, instance) ({mean}) > 1"


@pytest.mark.parametrize(
    ("instrument", "scope", "by", "expected"),
    [
        (STOCK, ALL, (), "absent_over_time(shop_stock_ratio[1m])"),
        (
            STOCK,
            ALL,
            ("shop",),
            (
                "group by (shop) (last_over_time(shop_stock_ratio[1441m])) unless "
                "group by (shop) (last_over_time(shop_stock_ratio[1m]))"
            ),
        ),
        (
            ORDERS,
            ALL,
            (),
            (
                "absent(((changes(shop_orders_total[1m]) > 0) or "
                "(last_over_time(shop_orders_total[1m]) != shop_orders_total offset 1m) or "
                "(last_over_time(shop_orders_total[1m]) unless shop_orders_total offset 1m)))"
            ),
        ),
        (
            TIME,
            ALL,
            ("shop",),
            (
                "group by (shop) (last_over_time(shop_time_seconds_count[1441m])) unless group by (shop) "
                "(((changes(shop_time_seconds_count[1m]) > 0) or "
                "(last_over_time(shop_time_seconds_count[1m]) != shop_time_seconds_count offset 1m) or "
                "(last_over_time(shop_time_seconds_count[1m]) unless shop_time_seconds_count offset 1m)))"
            ),
        ),
        (
            TIME,
            QueryScope(native_histograms=True),
            (),
            (
                "absent(((changes(shop_time_seconds[1m]) > 0) or "
                "(histogram_count(last_over_time(shop_time_seconds[1m])) != "
                "histogram_count(shop_time_seconds offset 1m)) or "
                "(histogram_count(last_over_time(shop_time_seconds[1m])) unless "
                "histogram_count(shop_time_seconds offset 1m))))"
            ),
        ),
    ],
)
def test_absence(instrument: DeclaredInstrument, scope: QueryScope, by: tuple[str, ...], expected: str) -> None:
    assert expr(instrument, scope, absent_seconds=60, by=by) == expected


@pytest.mark.parametrize(
    ("attributes", "service", "expected"),
    [
        ({}, "", ""),
        ({}, "shop", '{service_name="shop"}'),
        ({"a.b": "x"}, "shop", '{service_name="shop",a_b="x"}'),
        ({"n": 5, "flag": True, "share": 2.0}, "", '{n="5",flag="true",share="2"}'),
        ({"k": 'a"\\\n'}, "", '{k="a\\"\\\\\\n"}'),
        ({"k": ("a", "b.c", "(d)")}, "", '{k=~"a|b\\\\.c|\\\\(d\\\\)"}'),
        ({"k": ["only"]}, "", '{k="only"}'),
    ],
)
def test_attributes_select_series(attributes: dict[str, object], service: str, expected: str) -> None:
    assert matchers(FlextAlertRule("r", metric="m", attributes=attributes), service) == expected


def test_an_absence_of_no_time_has_a_range() -> None:
    assert expr(STOCK, absent_seconds=0) == "absent_over_time(shop_stock_ratio[1ms])"


def test_a_string_is_printable_and_on_one_line() -> None:
    assert quote("é\x7f\u2028\ufeff名") == '"é\\u007f\\u2028\\ufeff名"'


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86400, "1d"), (1.5, "1500ms"), (0.0001, "1ms"), (60.0, "1m")],
)
def test_durations_are_those_of_prometheus(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("limit", "text"), [(0.1, "0.1"), (1e20, "1e+20"), (3.0, "3"), (-2, "-2"), (1e-7, "1e-07")])
def test_numbers_are_those_of_promql(limit: float, text: str) -> None:
    assert expr(ORDERS, above=limit) == f"shop_orders_total > {text}"
