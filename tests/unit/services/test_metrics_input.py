"""Invalid metrics through every entry point: ``flext_create_metric``, factory, and service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from flext_observability import FlextMetricsService, FlextObservabilityMasterFactory, FlextResult, flext_create_metric
from tests.recorded import Recorded

EntryPoint = Callable[..., FlextResult[Any]]
INVALID_TAGS: tuple[Any, ...] = (5, "text", [1], {"a": [1]}, {"a": {}}, {1: "x"})
LONG_DECIMAL = Decimal("1234567890.123456789012345678901234567890")


def collect(name: Any, value: Any, unit: Any = "", tags: Any = None, metric_type: Any = "gauge") -> FlextResult[Any]:
    """Record one value by ``collect_metrics``."""
    fields: dict[str, object] = {"value": value, "unit": unit, "tags": tags, "metric_type": metric_type}
    given: Mapping[str, Any] = {name: fields}
    return FlextMetricsService().collect_metrics("shop", given).map(lambda entities: entities[0])


ENTRY_POINTS: Mapping[str, EntryPoint] = {
    "function": flext_create_metric,
    "factory": FlextObservabilityMasterFactory().create_metric,
    "service": FlextMetricsService().record_metric,
    "collect": collect,
}
entry_point = pytest.mark.parametrize("create", ENTRY_POINTS.values(), ids=ENTRY_POINTS)


class Text(str):
    """A subclass of str."""

    __slots__ = ()


@entry_point
@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        *(((name, 1), "name") for name in (None, "", " ", 5, b"m", "1m", "m" * 256, "m" * 1_000_000, "ü", "a\nb")),
        *((("m", value), "value") for value in (None, True, False, "5", b"5", [], 1j, object())),
        *((("m", value), "value") for value in (float("nan"), float("inf"), -float("inf"), 10**400)),
        *((("m", Decimal(text)), "value") for text in ("NaN", "sNaN", "Infinity", "1e400")),
        *((("m", -1, "", None, kind), "value") for kind in ("counter", "histogram")),
        (("m", Decimal("-1e-40"), "", None, "counter"), "value"),
        *((("m", 1, unit), "unit") for unit in (5, b"By", "x" * 64, "€")),
        *((("m", 1, "", tags), "tags") for tags in INVALID_TAGS),
        *((("m", 1, "", None, kind), "type") for kind in (5, "", "summary", "COUNTER")),
    ],
)
def test_invalid_input_is_a_failure_that_names_the_field(
    request: pytest.FixtureRequest, create: EntryPoint, started: bool, arguments: tuple[Any, ...], field: str
) -> None:
    if started:
        request.getfixturevalue("recorded")
    result = create(*arguments)
    assert result.code == "invalid_metric"
    assert (result.error or "").startswith(f"Invalid metric {field}")
    assert len(result.error or "") < 500


@entry_point
@pytest.mark.parametrize("value", [0, -0.0, 5e-324, 1.7e308, 2**63, -(10**30), LONG_DECIMAL, Decimal("-1e-40")])
def test_every_finite_number_is_kept_unchanged(recorded: Recorded, create: EntryPoint, value: Any) -> None:
    metric = create(f"finite.{uuid4().hex}", value).unwrap()
    assert (metric.value, type(metric.value)) == (value, type(value))
    assert recorded.handle.flush(10).unwrap().complete


@entry_point
def test_tags_become_text(create: EntryPoint) -> None:
    tags: dict[str, object] = {"int": 1, "float": 0.5, "bool": True, "decimal": Decimal("1.50"), "text": Text("t")}
    metric = create("tagged", 1, "", tags).unwrap()
    found = {name: text for name, text in metric.tags.items() if name != "service.name"}
    assert found == {"int": "1", "float": "0.5", "bool": "true", "decimal": "1.50", "text": "t"}
    assert {type(text) for text in found.values()} == {str}


@pytest.mark.parametrize("second", [("s", "counter"), ("By", "gauge"), ("", "counter"), ("1", "gauge")])
@pytest.mark.parametrize("name", [name for name in ENTRY_POINTS if name != "factory"])
def test_a_name_with_two_kinds_or_units_keeps_the_first(recorded: Recorded, name: str, second: tuple[str, str]) -> None:
    metric = f"twice.{name}.{second[0] or 'none'}.{second[1]}".lower()
    assert ENTRY_POINTS[name](metric, 1, "seconds", {"a": "b"}, "gauge").success
    result = ENTRY_POINTS[name](metric.upper(), 2, second[0], {"a": "b"}, second[1])
    assert result.code == "instrument_conflict"
    assert (result.error or "").startswith("Invalid metric: ")
    (value,) = recorded.values(metric).values()
    assert value == 1
