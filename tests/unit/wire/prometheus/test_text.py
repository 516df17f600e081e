"""Pages of families, read by the two parsers of prometheus_client."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.wire.prometheus.family import (
    Exemplar,
    Family,
    Histogram,
    LabelSet,
    Number,
    bound_texts,
    labels_text,
)
from flext_observability.wire.prometheus.names import Kind
from flext_observability.wire.prometheus.text import format_family, generate_text


def family(name: str, kind: Any = "gauge", value: float = 1, **labels: str) -> Family:
    made = Family(name, kind)
    if kind == "histogram":
        made.add(histogram(labels, [(0.5, 1), (2.0, 1)], 3, value))
    else:
        made.add_number(labels, value)
    return made


def label_set(labels: Mapping[str, str]) -> LabelSet:
    return LabelSet(tuple(labels.items()))


def histogram(labels: Mapping[str, str], buckets: Sequence[tuple[float, int]], count: int, total: float) -> Histogram:
    bounds = bound_texts(tuple(bound for bound, _ in buckets))
    return Histogram(label_set(labels), count, total, bounds, [*(reached for _, reached in buckets), count])


def parsed(text: str) -> list[Any]:
    parse: Any = parse_openmetrics if text.endswith("# EOF\n") else parse_classic
    return list(parse(text))


def page(*families: Family, openmetrics: bool) -> tuple[list[str], list[str]]:
    """Return the sample names of a page, and the names that were omitted."""
    omitted: list[str] = []
    text = generate_text(
        families,
        openmetrics=openmetrics,
        on_clash=lambda name, effect: omitted.append(name) if effect == "omitted" else None,
    )
    names = dict.fromkeys(sample.name for family in parsed(text) for sample in family.samples)
    return list(names), omitted


def test_the_classic_format() -> None:
    requests = Family("requests_total", "counter", "Requests\n answered, \\ and")
    requests.add_number({"route": "/"}, 3)
    requests.add_number({}, 1500000)
    wait = Family("wait", "histogram")
    series = histogram({"a": "b"}, [(0.5, 1)], 2, 2.5)
    series.exemplars = {0: Exemplar((), 0.4, 1.0)}
    wait.add(series)
    assert generate_text([requests, wait, Family("empty", "gauge")], openmetrics=False).splitlines() == [
        "# HELP requests_total Requests answered, \\\\ and",
        "# TYPE requests_total counter",
        'requests_total{route="/"} 3.0',
        "requests_total 1.5e+06",
        "# TYPE wait histogram",
        'wait_bucket{a="b",le="0.5"} 1.0',
        'wait_bucket{a="b",le="+Inf"} 2.0',
        'wait_count{a="b"} 2.0',
        'wait_sum{a="b"} 2.5',
    ]


def test_the_openmetrics_format() -> None:
    requests = Family("requests_total", "counter", 'The "help"')
    requests.add(Number(label_set({}), 3, Exemplar((("trace_id", "ab"),), 1.0, 2.0)))
    info = Family("target_info", "info")
    info.add_number({"service_name": "shop"}, 1)
    assert generate_text([requests, info], openmetrics=True).splitlines() == [
        "# TYPE target info",
        'target_info{service_name="shop"} 1.0',
        '# HELP requests The \\"help\\"',
        "# TYPE requests counter",
        'requests_total 3.0 # {trace_id="ab"} 1.0 2.000',
        "# EOF",
    ]


def test_names_outside_the_classic_syntax_are_quoted() -> None:
    made = family("http.requests", "counter", 1, **{"http.method": 'G"E\nT', "plain": "x"})
    made.add_number({}, 2)
    assert format_family(made).splitlines() == [
        '# TYPE "http.requests" counter',
        '{"http.requests","http.method"="G\\"E\\nT",plain="x"} 1.0',
        '{"http.requests"} 2.0',
    ]


def test_labels_have_braces_unless_there_are_none() -> None:
    assert labels_text(()) == ""
    assert label_set({"a": "1", "b": "\\"}).braced == '{a="1",b="\\\\"}'


def test_a_series_is_added_once() -> None:
    made = family("wait", "histogram", 1, a="b")
    made.add(histogram({"a": "b"}, [], 9, 9))
    assert len(made.series) == 1
    assert page(made, openmetrics=False)[1] == ["wait"]


@pytest.mark.parametrize("openmetrics", [True, False])
def test_counter_and_gauge_of_one_name_are_both_written(*, openmetrics: bool) -> None:
    families = family("orders_total", "counter"), family("orders_now"), family("orders")
    names, omitted = page(*families, openmetrics=openmetrics)
    assert set(names) == {"orders_total", "orders_now", "orders"}
    assert not omitted


@pytest.mark.parametrize("openmetrics", [True, False])
def test_histogram_and_gauge_of_one_name_are_both_written(*, openmetrics: bool) -> None:
    names, omitted = page(family("wait", "histogram"), family("wait"), openmetrics=openmetrics)
    assert set(names) == {"wait", "wait_bucket", "wait_count", "wait_sum"}
    assert not omitted


@pytest.mark.parametrize("openmetrics", [True, False])
def test_a_series_with_two_meanings_is_omitted_and_reported(*, openmetrics: bool) -> None:
    families = family("wait", "histogram"), family("wait_count"), family("target_info"), family("target_info", "info")
    names, omitted = page(*families, openmetrics=openmetrics)
    assert set(names) == {"target_info", "wait_bucket", "wait_count", "wait_sum"}
    assert sorted(omitted) == ["target_info", "wait_count"]


@pytest.mark.parametrize("openmetrics", [True, False])
def test_a_gauge_with_the_name_of_the_info_family_is_written_beside_it(*, openmetrics: bool) -> None:
    names, omitted = page(family("target"), family("target_info", "info"), openmetrics=openmetrics)
    assert (set(names), omitted) == ({"target", "target_info"}, [])


def test_a_counter_without_a_stem_has_an_unknown_type() -> None:
    text = generate_text([family("total", "counter")], openmetrics=True)
    assert [each.type for each in parsed(text)] == ["unknown"]


@pytest.mark.parametrize(
    ("kind", "value"), [("counter", math.nan), ("counter", -1), ("histogram", math.nan), ("histogram", -1)]
)
def test_values_that_openmetrics_forbids_have_an_unknown_type(kind: Kind, value: float) -> None:
    made = family("x_total", kind, value)
    assert {each.type for each in parsed(generate_text([made], openmetrics=True))} == {"unknown"}
    assert {each.type for each in parsed(generate_text([made], openmetrics=False))} == {kind}


def test_a_count_or_sum_that_is_not_known_has_no_sample_without_a_type() -> None:
    made = Family("wait", "gaugehistogram")
    made.add(Histogram(label_set({}), None, None, ("+Inf",), [1]))
    assert page(made, openmetrics=False) == (["wait_bucket"], [])


NAMES = st.sampled_from(["a", "a_total", "a_count", "a_bucket", "a_sum", "a_info", "target", "total", "b"])
KINDS = st.sampled_from(["counter", "gauge", "histogram"])


@given(st.lists(st.tuples(NAMES, KINDS, st.floats() | st.integers(-5, 5), st.text(max_size=4)), max_size=8))
def test_both_formats_are_always_parseable(rows: list[tuple[str, Kind, float, str]]) -> None:
    families: dict[tuple[str, Kind], Family] = {("target_info", "gauge"): family("target_info", "info")}
    for stem, kind, value, text in rows:
        name = f"{stem}_total" if kind == "counter" and not stem.endswith("total") else stem
        made = families.setdefault((name, kind), Family(name, kind, text))
        if kind == "histogram":
            made.add(histogram({"x": text}, [(value, 1)] if math.isfinite(value) else [], 2, value))
        else:
            made.add_number({"x": text}, value)
    for openmetrics in (True, False):
        page(*families.values(), openmetrics=openmetrics)
