from __future__ import annotations

import copy
import pickle
from typing import Any
from uuid import UUID

import pytest

from flext_observability import FlextMetric
from flext_observability.domain import plain_metric
from flext_observability.domain.entity import new_id
from flext_observability.domain.plain_metric import MAX_IDENTITIES, MAX_NUMBER, PlainMetrics

IDENTITY = ("m", "By", "gauge")


def known(*identity: str) -> PlainMetrics:
    metrics = PlainMetrics()
    metrics.remember(*identity)
    return metrics


def make(metrics: PlainMetrics, value: Any = 1, tags: Any = None, *, emitted: bool = False) -> FlextMetric | None:
    return metrics.make("m", value, "By", tags, "gauge", emitted=emitted)


@pytest.mark.parametrize("value", [0, 1, -1, 0.5, -0.0, 10**30, MAX_NUMBER])
@pytest.mark.parametrize("tags", [None, {}, {"a": "b", "": ""}, {"c": 1, "d": True, "e": 0.5, "f": float("nan")}])
def test_the_entity_equals_the_constructed_one(value: float, tags: dict[str, Any] | None) -> None:
    made = make(known(*IDENTITY), value, tags)
    assert made is not None
    fields: dict[str, Any] = {"name": "m", "value": value, "unit": "By", "tags": tags or {}, "metric_type": "gauge"}
    constructed = FlextMetric(**fields)
    expected = constructed.model_copy(update={"id": made.id, "timestamp": made.timestamp})
    assert made == expected
    assert (repr(made), made.model_dump_json()) == (repr(expected), expected.model_dump_json())
    assert (made.model_fields_set, type(made.value)) == (constructed.model_fields_set, type(value))
    pickled = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own bytes
    for copied in (copy.deepcopy(made), pickled, made.model_copy()):
        assert (copied, copied.emitted) == (expected, False)
    with pytest.raises(ValueError, match="frozen"):
        made.name = "other"  # what the test shows
    assert made.mark_emitted()
    assert made.emitted


def test_the_entity_may_be_emitted_already() -> None:
    made = make(known(*IDENTITY), emitted=True)
    assert made is not None
    assert made.emitted
    assert made.model_copy().emitted


def test_tags_are_a_copy() -> None:
    tags = {"a": "b"}
    made = make(known(*IDENTITY), 1, tags)
    tags["a"] = "c"
    assert made is not None
    assert made.tags == {"a": "b"}


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400, -(10**400), b"1", [], 1j])
def test_an_unusual_value_gives_none(value: Any) -> None:
    assert make(known(*IDENTITY), value) is None


@pytest.mark.parametrize(
    "tags", [[], "a", {1: "a"}, {"a": None}, {"a": []}, {"ü": "a"}, {"a": "ü"}, {"a" * 9000: ""}, {"a": "a" * 9000}]
)
def test_unusual_tags_give_none(tags: Any) -> None:
    assert make(known(*IDENTITY), 1, tags) is None


@pytest.mark.parametrize("kind", ["counter", "histogram"])
def test_a_negative_value_gives_none_where_it_is_not_valid(kind: str) -> None:
    metrics = known("m", "By", kind)
    assert metrics.make("m", -1, "By", None, kind) is None
    assert metrics.make("m", 0, "By", None, kind) is not None


def test_combinations_that_were_not_remembered_give_none() -> None:
    metrics = known(*IDENTITY)
    assert metrics.make("m", 1, "s", None, "gauge") is None
    assert metrics.make(None, 1, "By", None, "gauge") is None


def test_text_of_a_subclass_is_not_remembered() -> None:
    class Text(str):
        __slots__ = ()

    metrics = PlainMetrics()
    metrics.remember(Text("m"), "By", "gauge")
    assert make(metrics) is None


def test_the_number_of_combinations_is_limited() -> None:
    metrics = PlainMetrics()
    for number in range(MAX_IDENTITIES + 1):
        metrics.remember(f"m{number}", "", "gauge")
    assert metrics.make("m0", 1, "", None, "gauge") is not None
    assert metrics.make(f"m{MAX_IDENTITIES}", 1, "", None, "gauge") is None


def test_nothing_is_made_when_pydantic_stores_entities_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    build = plain_metric._build
    monkeypatch.setattr(plain_metric, "_build", lambda fields, *rest: build({**fields, "more": 1}, *rest))
    assert make(known(*IDENTITY)) is None


def test_ids_are_random_uuids() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {(UUID(each).version, UUID(each).variant, str(UUID(each)) == each) for each in ids} == {
        (4, "specified in RFC 4122", True)
    }
