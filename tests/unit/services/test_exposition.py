from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from prometheus_client.parser import text_string_to_metric_families

from flext_observability import FlextMetric
from flext_observability.domain.metric import METRIC_TYPES
from flext_observability.services.exposition import MAX_SERIES, Exposition


def add(exposition: Exposition, name: str, value: float, kind: str = "gauge", **tags: object) -> None:
    fields = {"name": name, "value": value, "metric_type": kind, "tags": tags}
    exposition.add(FlextMetric.model_validate(fields), (0.1, 1.0))


def samples(exposition: Exposition) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the page back; the parser gives counters the ending that OpenMetrics wants."""
    families = text_string_to_metric_families(exposition.generate_text())
    return {
        (sample.name.removesuffix("_total"), tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_values_are_floats_as_in_the_python_client() -> None:
    exposition = Exposition()
    add(exposition, "api_requests", 150, "counter")
    assert exposition.generate_text() == "# TYPE api_requests counter\napi_requests 150.0\n"


def test_nothing_recorded_is_empty() -> None:
    assert Exposition().generate_text() == ""


def test_counters_and_up_down_counters_sum_up_and_gauges_do_not() -> None:
    exposition = Exposition()
    for kind in ("counter", "up_down_counter", "gauge"):
        add(exposition, kind, 2, kind, a="x")
        add(exposition, kind, 3, kind, a="x")
    labels = (("a", "x"),)
    assert samples(exposition) == {("counter", labels): 5, ("up_down_counter", labels): 5, ("gauge", labels): 3}
    assert "# TYPE counter counter\n" in exposition.generate_text()
    assert "# TYPE up_down_counter gauge\n" in exposition.generate_text()


def test_histogram_has_cumulative_buckets_sum_and_count() -> None:
    exposition = Exposition()
    for value in (0.05, 0.1, 0.5, 7):
        add(exposition, "latency", value, "histogram")
    assert samples(exposition) == {
        ("latency_bucket", (("le", "0.1"),)): 2,
        ("latency_bucket", (("le", "1"),)): 3,
        ("latency_bucket", (("le", "+Inf"),)): 4,
        ("latency_sum", ()): 7.65,
        ("latency_count", ()): 4,
    }


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "ü", "", "{}=,"])
def test_special_label_values_are_escaped(text: str) -> None:
    exposition = Exposition()
    add(exposition, "m", 1, a=text)
    assert list(samples(exposition)) == [("m", (("a", text),))]


@pytest.mark.parametrize("value", [0.1, 1e300, -2.5, 12345678901234567890, 0])
def test_values_are_exact(value: Any) -> None:
    exposition = Exposition()
    add(exposition, "m", value)
    assert list(samples(exposition).values()) == [float(value)]


@pytest.mark.parametrize(("sign", "text"), [(1, "+Inf"), (-1, "-Inf")])
def test_a_sum_beyond_any_float_is_infinite(sign: int, text: str) -> None:
    exposition = Exposition()
    for _ in range(2):
        add(exposition, "m", sign * 1.7e308, "up_down_counter")
    assert exposition.generate_text().endswith(f"m {text}\n")


def test_series_over_the_limit_are_added_up_in_one() -> None:
    exposition = Exposition()
    for number in range(MAX_SERIES + 5):
        add(exposition, "m", 1, "counter", n=number)
    found = samples(exposition)
    assert len(found) == MAX_SERIES + 1
    assert found[("m", (("otel.metric.overflow", "true"),))] == 5


@pytest.mark.parametrize(
    ("kind", "tags", "labels"),
    [
        ("gauge", {"__name__": "a"}, {"exported___name__": "a"}),
        ("gauge", {"": "a"}, {"_": "a"}),
        ("gauge", {"": "a", "_": "b"}, {"exported__": "a", "_": "b"}),
        ("gauge", {"le": "a"}, {"le": "a"}),
        (
            "histogram",
            {"le": "a", "exported_le": "b", "c": "d"},
            {"exported_exported_le": "a", "exported_le": "b", "c": "d"},
        ),
    ],
)
@pytest.mark.parametrize("name", ["classic", "quoted.name"])
def test_tags_with_reserved_names_are_renamed(
    name: str, kind: str, tags: dict[str, str], labels: dict[str, str]
) -> None:
    exposition = Exposition()
    add(exposition, name, 1, kind, **tags)
    found = {labels for (sample, labels) in samples(exposition) if not sample.endswith("_bucket")}
    assert found == {tuple(sorted(labels.items()))}


@given(
    st.dictionaries(
        st.sampled_from(["", "_", "__", "__name__", "le", "a b", '"', "\\"]) | st.text(), st.text(), max_size=4
    ),
    st.sampled_from(METRIC_TYPES),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_./-]{0,20}", fullmatch=True),
)
def test_any_tags_and_names_give_a_parseable_page(tags: dict[str, str], kind: str, name: str) -> None:
    exposition = Exposition()
    add(exposition, name, 1, kind, **tags)
    assert samples(exposition)
