"""Kind and unit of an instrument choose panel, query and axis; Grafana's own types build the JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from flext_observability.domain.declaration import DeclaredInstrument
from flext_observability.wire.grafana.panels import panels

SERIES = '{service_name=~"$service",instance=~"$instance"}'


def built(instrument: DeclaredInstrument, *, native: bool = False) -> list[dict[str, Any]]:
    made = [panel.build() for panel in panels(instrument, native_histograms=native)]
    found: list[dict[str, Any]] = json.loads(json.dumps(made, cls=JSONEncoder))
    return found


def only_query(instrument: DeclaredInstrument) -> tuple[str, str]:
    [panel] = built(instrument)
    [target] = panel["targets"]
    return target["expr"], target["legendFormat"]


def test_a_counter_is_a_rate_from_zero_with_exemplars() -> None:
    [panel] = built(DeclaredInstrument("shop.orders", "counter", "{order}", "Placed orders.", ("a.b",)))
    [target] = panel["targets"]
    assert panel["type"] == "timeseries"
    assert panel["title"] == "shop.orders per second"
    assert panel["description"] == (
        "Placed orders. The counter shop.orders in {order}. Empty until the program records a measurement."
    )
    assert target["expr"] == f"sum by (a_b) (rate(shop_orders_total{SERIES}[$__rate_interval]))"
    assert (target["legendFormat"], target["exemplar"]) == ("{{a_b}}", True)
    defaults = panel["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["min"], defaults["custom"]["axisLabel"]) == ("cps", 0, "order/s")
    assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "prometheus"}


def test_unknown_attributes_stay_and_labels_of_the_process_go() -> None:
    expr, legend = only_query(DeclaredInstrument("shop.bytes", "counter", "By"))
    assert expr.startswith("sum without (job, instance, service_name, ")
    assert legend == "__auto"
    expr, legend = only_query(DeclaredInstrument("shop.bytes", "counter", "By", complete=True))
    assert (expr.partition("(rate")[0], legend) == ("sum by () ", "shop.bytes")


def test_an_up_down_counter_is_a_sum() -> None:
    instrument = DeclaredInstrument("shop.memory", "up_down_counter", "By", "", ("pool",))
    assert only_query(instrument) == (f"sum by (pool) (shop_memory_bytes{SERIES})", "{{pool}}")
    [panel] = built(instrument)
    assert panel["fieldConfig"]["defaults"]["unit"] == "bytes"
    assert panel["description"].startswith("The up-down-counter shop.memory in By. ")


@pytest.mark.parametrize(
    ("mode", "attributes", "expr", "legend"),
    [
        ("sum", ("sku",), f"sum by (sku) (shop_fill_ratio{SERIES})", "{{sku}}"),
        ("latest", ("sku",), f"max by (sku) (shop_fill_ratio{SERIES})", "{{sku}}"),
        ("process", ("sku",), f"shop_fill_ratio{SERIES}", "{{instance}} {{sku}}"),
        ("", (), f"shop_fill_ratio{SERIES}", "__auto"),
    ],
)
def test_the_mode_of_a_gauge_is_its_aggregation(mode: str, attributes: tuple[str, ...], expr: str, legend: str) -> None:
    instrument = DeclaredInstrument("shop.fill", "gauge", "1", "", attributes, mode=mode)
    assert only_query(instrument) == (expr, legend)


@pytest.mark.parametrize(
    ("native", "suffix", "merge"), [(False, "_bucket", "sum by (le) "), (True, "", "sum")], ids=["classic", "native"]
)
def test_a_histogram_has_quantiles_and_a_heatmap(*, native: bool, suffix: str, merge: str) -> None:
    quantiles, distribution = built(DeclaredInstrument("shop.time", "histogram", "s"), native=native)
    series = f"shop_time_seconds{suffix}{SERIES}[$__rate_interval]"
    assert [(target["refId"], target["legendFormat"]) for target in quantiles["targets"]] == [
        ("A", "p50"),
        ("B", "p95"),
        ("C", "p99"),
    ]
    assert quantiles["targets"][1]["expr"] == f"histogram_quantile(0.95, {merge}(rate({series})))"
    assert all(target["exemplar"] for target in quantiles["targets"])
    assert distribution["type"] == "heatmap"
    assert distribution["targets"][0]["expr"] == f"{merge}(increase({series}))"
    assert distribution["targets"][0]["format"] == "heatmap"
    assert quantiles["fieldConfig"]["defaults"]["unit"] == distribution["options"]["yAxis"]["unit"] == "s"
