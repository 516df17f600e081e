from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from flext_observability.domain.metric import METRIC_TYPES, FlextMetric


@pytest.mark.parametrize("name", ["a", "http.server.duration", "A_b-c/d.e1", "x" * 255])
def test_instrument_names_are_valid(name: str) -> None:
    assert FlextMetric(name=name, value=1).validate_business_rules().success


@pytest.mark.parametrize("name", ["", " ", "1a", "_a", "a b", "é", "aé", "x" * 256, "a\n", "a\ud800"])
def test_other_names_are_invalid(name: str) -> None:
    result = FlextMetric(name=name, value=1).validate_business_rules()

    assert result.code == "invalid_metric"
    assert str(result.error).startswith("Invalid metric name: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), Decimal("NaN"), Decimal("sNaN"), 10**400])
@pytest.mark.parametrize("metric_type", METRIC_TYPES)
def test_values_that_are_not_finite_are_invalid(value: float | Decimal, metric_type: str) -> None:
    result = FlextMetric(name="a", value=value, metric_type=metric_type).validate_business_rules()

    assert str(result.error).startswith("Invalid metric value: ")


@pytest.mark.parametrize("value", [-1, -0.5, Decimal("-0.1")])
@pytest.mark.parametrize("metric_type", ["counter", "histogram"])
def test_negative_counters_and_histograms_are_invalid(value: float | Decimal, metric_type: str) -> None:
    result = FlextMetric(name="a", value=value, metric_type=metric_type).validate_business_rules()

    assert str(result.error).startswith("Invalid metric value: ")


@pytest.mark.parametrize("metric_type", ["gauge", "up_down_counter"])
def test_gauges_and_up_down_counters_may_be_negative(metric_type: str) -> None:
    assert FlextMetric(name="a", value=-1, metric_type=metric_type).validate_business_rules().success


def test_an_unknown_type_is_invalid_and_the_fix_lists_the_types() -> None:
    result = FlextMetric(name="a", value=1, metric_type="summary").validate_business_rules()

    assert str(result.error).startswith("Invalid metric type: 'summary'")
    assert "up_down_counter" in str(result.error)


@pytest.mark.parametrize("unit", ["x" * 64, "€", "µs"])
def test_long_or_non_ascii_units_are_invalid(unit: str) -> None:
    result = FlextMetric(name="a", value=1, unit=unit).validate_business_rules()

    assert str(result.error).startswith("Invalid metric unit: ")


def test_a_metric_is_a_gauge_without_unit_and_tags_by_default() -> None:
    metric = FlextMetric(name="a", value=1)

    assert (metric.metric_type, metric.unit, metric.tags) == ("gauge", "", {})


@given(st.text(), st.floats() | st.decimals() | st.integers(), st.text(), st.text() | st.sampled_from(METRIC_TYPES))
def test_validation_never_raises(name: str, value: float | Decimal, unit: str, metric_type: str) -> None:
    result = FlextMetric(name=name, value=value, unit=unit, metric_type=metric_type).validate_business_rules()

    assert result.success or str(result.error).startswith("Invalid metric ")
