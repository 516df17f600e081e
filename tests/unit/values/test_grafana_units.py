from __future__ import annotations

import pytest

from flext_observability.values.grafana_units import axis_label, grafana_rate_unit, grafana_unit


@pytest.mark.parametrize(
    ("unit", "value", "rate"),
    [
        ("s", "s", "short"),
        ("ms", "ms", "short"),
        ("us", "µs", "short"),
        ("By", "bytes", "binBps"),
        ("kBy", "deckbytes", "KBs"),
        ("MiBy", "mbytes", "MiBs"),
        ("bit", "bits", "bps"),
        ("1", "percentunit", "cps"),
        ("%", "percent", "short"),
        ("Cel", "celsius", "short"),
        ("m", "lengthm", "velocityms"),
        ("{request}", "short", "reqps"),
        ("{request}/s", "reqps", "short"),
        ("{call}", "short", "ops"),
        ("{orders}", "short", "cps"),
        ("{orders}/s", "cps", "short"),
        ("", "short", "cps"),
        ("/s", "cps", "short"),
        ("By/s", "binBps", "short"),
        ("furlong/fortnight", "short", "short"),
    ],
)
def test_units_of_values_and_rates(unit: str, value: str, rate: str) -> None:
    assert (grafana_unit(unit), grafana_rate_unit(unit)) == (value, rate)


@pytest.mark.parametrize(
    ("unit", "value", "rate"),
    [("{orders}", "orders", "orders/s"), ("s", "", "s/s"), ("By", "", ""), ("", "", ""), ("1", "", "")],
)
def test_axes_name_only_units_that_the_panel_does_not_show(unit: str, value: str, rate: str) -> None:
    assert (axis_label(unit), axis_label(unit, rate=True)) == (value, rate)
