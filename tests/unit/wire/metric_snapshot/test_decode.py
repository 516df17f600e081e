"""Content of a snapshot file: complete ones of this version are accepted, others are named."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.wire.metric_snapshot.decode import SnapshotError, attributes_of, from_bytes
from flext_observability.wire.metric_snapshot.encode import MAGIC, SnapshotEncoder, attributes_text, seal, to_bytes

DOCUMENT = {"pid": 1, "resources": [], "text": "é\ud800\n"}


def test_a_document_is_the_same_after_a_file() -> None:
    assert from_bytes(to_bytes(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize("size", [0, 1, 10, 30, 60])
def test_an_incomplete_file_is_rejected(size: int) -> None:
    with pytest.raises(SnapshotError):
        from_bytes(to_bytes(DOCUMENT)[:size])


def test_every_changed_byte_is_found() -> None:
    content = to_bytes(DOCUMENT)
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        with pytest.raises(SnapshotError):
            from_bytes(bytes(changed))


def test_another_version_is_named() -> None:
    with pytest.raises(SnapshotError, match="another version"):
        from_bytes(to_bytes(DOCUMENT).replace(MAGIC, b"flext-metrics 2 "))


def test_another_type_is_rejected() -> None:
    with pytest.raises(SnapshotError, match="not a metric snapshot"):
        from_bytes(seal("[1]"))


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"b": 1, "a": "x"},
        {"a": True, "b": 1.0, "c": None},
        {"a": b"\x00\xff"},
        {"a": ("x", 1, (2.5, b"z"))},
        {"a": {"b": {"c": ("d",)}}},
        {"\ud800": "\ud800"},
        {"a": float("inf"), "b": -(2**70)},
    ],
)
def test_attributes_keep_their_types(attributes: dict[str, object]) -> None:
    found = attributes_of(attributes_text(attributes))
    assert found == attributes
    assert repr(found) == repr(dict(sorted(attributes.items())))


def test_attributes_of_other_types_are_texts() -> None:
    assert attributes_of(attributes_text({"a": object})) == {"a": "<class 'object'>"}
    assert attributes_of(attributes_text(None)) == {}


def _collection(data: object) -> MetricsData:
    metric = Metric("m", None, None, data)  # type: ignore[arg-type]
    scope = ScopeMetrics(InstrumentationScope("s"), [metric], "")
    return MetricsData([ResourceMetrics(Resource({}), [scope], "")])


@pytest.mark.parametrize(
    "data", [Sum([NumberDataPoint({}, 0, 0, 1)], AggregationTemporality.DELTA, is_monotonic=True), object()]
)
def test_points_that_are_not_cumulative_are_left_out(data: object) -> None:
    encoder = SnapshotEncoder(lambda _: "", 1)
    assert encoder.resources(_collection(data)) == [["{}", "", [["s", "", "", "{}", []]]]]


def test_histograms_share_their_bounds() -> None:
    shared, equal, other = (1.0, 2.0), (1.0, 2.0, 3.0)[:2], (5.0,)
    points = [
        HistogramDataPoint({}, 1, 2, 1, 1, [1, 0, 0][: len(bounds) + 1], bounds, 1, 1)
        for bounds in (shared, shared, equal, other, shared)
    ]
    data = _collection(Histogram(points, AggregationTemporality.CUMULATIVE))
    metric = SnapshotEncoder(lambda _: "", 1).resources(data)[0][2][0][4][0]
    assert metric[5] == [[1.0, 2.0], [5.0]]
    assert [point[6] for point in metric[6]] == [0, 0, 0, 1, 0]
