"""Escaping schemes, compared with those of prometheus_client."""

from __future__ import annotations

from inspect import signature
from typing import Any

import pytest
from hypothesis import given, strategies as st
from prometheus_client.openmetrics import exposition

from flext_observability.wire.prometheus.escaping import Escaping, escape_label, escape_metric, parse_escaping

ORACLE: Any = exposition
ESCAPED: list[Escaping] = ["underscores", "dots", "values"]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.text("a_9:.é", max_size=8)


@pytest.mark.skipif(
    "escaping" not in signature(ORACLE.escape_metric_name).parameters, reason="this prometheus_client has no schemes"
)
@pytest.mark.parametrize("scheme", ESCAPED)
@given(name=TEXTS)
def test_names_are_those_of_the_library(scheme: Escaping, name: str) -> None:
    assert escape_metric(name, scheme) == ORACLE.escape_metric_name(name, scheme)
    if not name.startswith("__"):  # the library escapes reserved names, too, unlike Prometheus
        assert escape_label(name, scheme) == ORACLE.escape_label_name(name, scheme)


def test_utf8_names_stay() -> None:
    assert escape_metric("http.é", "allow-utf-8") == "http.é"


def test_a_lone_surrogate_has_the_number_of_the_replacement_character() -> None:
    assert escape_metric("a\ud800", "values") == "U__a_FFFD_"


def test_unknown_schemes_are_ignored() -> None:
    assert [parse_escaping(name) for name in ("dots", "DOTS", "", "commas")] == ["dots", None, None, None]
