"""Attributes as labels, with the cache of earlier pages."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.wire.prometheus import labels as labels_module
from flext_observability.wire.prometheus.labels import LabelCache, LabelContext, resource_labels, scope_labels


def pairs(attributes: Any, context: LabelContext | None = None, cache: LabelCache | None = None) -> dict[str, str]:
    series = (cache or LabelCache()).of_context(context or LabelContext())
    return dict(series.find(attributes).pairs)


def test_equal_values_of_other_types_have_other_labels() -> None:
    cache = LabelCache()
    values: list[Any] = [1, True, 1.0, "1", [1], [True], 0.0, -0.0, "0"]
    shown = [pairs({"k": value}, cache=cache)["k"] for value in values]
    assert shown == ["1", "true", "1", "1", "[1]", "[true]", "0", "-0", "0"]
    assert [pairs({"k": value}, cache=cache)["k"] for value in values] == shown


@pytest.mark.parametrize("value", ["x", 7])
def test_labels_are_made_once_for_the_same_and_for_equal_attributes(value: Any) -> None:
    series = LabelCache().of_context(LabelContext())
    attributes = {"k": value}
    made = series.find(attributes)
    assert series.find(attributes) is made
    assert series.find(dict(attributes)) is made


def test_contexts_have_labels_of_their_own() -> None:
    cache = LabelCache()
    attributes = {"le": "1", "job": "x", "a_b": "y"}
    assert pairs(attributes, cache=cache) == {"a_b": "y", "job": "x", "le": "1"}
    assert pairs(attributes, LabelContext(omitted="le"), cache) == {"a_b": "y", "job": "x"}
    assert pairs(attributes, LabelContext(reserved=frozenset({"job"})), cache)["exported_job"] == "x"
    assert pairs(attributes, LabelContext(escaping="dots"), cache)["a__b"] == "y"
    added = (("job", "scope"), ("z", "last"))
    assert pairs(attributes, LabelContext(added), cache) == {"a_b": "y", "job": "scope", "le": "1", "z": "last"}


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels_module, "_MAX_CACHED", 10)
    cache = LabelCache()
    for number in range(50):
        assert pairs({"k": number}, cache=cache) == {"k": str(number)}
        assert cache.size <= 11


def test_keys_that_become_one_label_have_their_values_joined() -> None:
    assert pairs({"a_b": "2", "a.b": "1", "a-b": ""}) == {"a_b": "1;2"}


def test_a_scope_has_labels_for_all_that_it_has() -> None:
    scope = InstrumentationScope("lib", "1.0", "https://x.test", {"name": "other", "team.id": 7, "empty": ""})
    assert scope_labels(scope) == {
        "otel_scope_name": "lib",
        "otel_scope_schema_url": "https://x.test",
        "otel_scope_team_id": "7",
        "otel_scope_version": "1.0",
    }


def test_what_a_scope_does_not_have_is_no_label() -> None:
    assert scope_labels(InstrumentationScope("", None, None, {"version": "lies"})) == {}
    assert scope_labels(None) == {}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {}),
        ({"service.name": "a"}, {"job": "a"}),
        ({"service.name": "a", "service.namespace": "n"}, {"job": "n/a"}),
        ({"service.name": "a", "service.instance.id": "1"}, {"instance": "1", "job": "a"}),
    ],
)
def test_a_resource_is_named_as_in_a_push(attributes: dict[str, Any], expected: dict[str, str]) -> None:
    assert resource_labels(Resource(attributes)) == expected
