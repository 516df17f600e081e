from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlertRule
from flext_observability.wire.prometheus.rules.message import description, summary

LABELS = "{{ range $name, $text := $labels }} {{ $name }}={{ $text }}{{ end }}"


def rule(**fields: Any) -> FlextAlertRule:
    given: dict[str, Any] = {"above": 0.3, **fields}
    return FlextAlertRule("slow", metric="shop.time", **given)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{name}: {metric} over {threshold:.0%}", "slow: shop.time over 30%"),
        ("{value}", '{{ printf "%.6g" $value }}'),
        (
            "{value:.2f} {value:+.1e} {value:,f}",
            '{{ printf "%.2f" $value }} {{ printf "%+.1e" $value }} {{ printf "%f" $value }}',
        ),
        ("{value:.3}", '{{ printf "%.3g" $value }}'),
        ("{value:.1%}", "{{ $value | humanizePercentage }}"),
        ("{attributes}", LABELS),
        ("{{x}}", '{{ "{" }}x{{ "}" }}'),
    ],
)
def test_placeholders_become_actions_of_the_template(message: str, expected: str) -> None:
    assert summary(rule(message=message)) == expected


def test_default_messages_name_condition_and_duration() -> None:
    value = '{{ printf "%.6g" $value }}'
    assert summary(rule(for_seconds=60)) == f"shop.time{LABELS} is {value}, above 0.3 for 60 seconds"
    assert summary(rule(above=None, below=1)) == f"shop.time{LABELS} is {value}, below 1"
    absent = rule(above=None, absent_seconds=90, message="{value} s without {metric}")
    assert summary(absent) == "90 s without shop.time"


def test_the_description_is_the_condition_in_words() -> None:
    assert description(rule()) == "Alert rule slow of the program: shop.time above 0.3"
    combined = rule(measure="p95", combine="max", by=("shop",), for_seconds=60)
    assert description(combined).endswith("max of the p95 of shop.time above 0.3 by shop, for 60 s")
    assert description(rule(above=None, absent_seconds=60)).endswith("no measurement of shop.time for 60 s")
