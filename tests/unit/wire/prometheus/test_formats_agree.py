"""Random points in all formats, each read by a parser that is not ours: every format has the same samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from flext_observability.wire.prometheus.clashes import ClashEffect
from flext_observability.wire.prometheus.delimited import generate_protobuf
from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.labels import LabelCache
from flext_observability.wire.prometheus.text import generate_text
from tests.backends.client_model import families as parse_protobuf
from tests.backends.random_metrics import random_metrics

CASES = 300
PARSE_OPENMETRICS: Any = parse_openmetrics
PARSE_CLASSIC: Any = parse_classic
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], str]


@pytest.fixture(scope="module")
def cache() -> LabelCache:
    """One cache for all pages, as in a program."""
    return LabelCache()


@pytest.mark.parametrize("seed", range(CASES))
def test_every_format_has_the_same_samples(seed: int, cache: LabelCache, caplog: pytest.LogCaptureFixture) -> None:
    data = random_metrics(Random(seed))
    clashes: list[tuple[str, ClashEffect]] = []

    def keep(name: str, effect: ClashEffect) -> None:
        clashes.append((name, effect))

    classic = _encoded(generate_text(families(data, cache=cache), openmetrics=False, on_clash=keep))
    openmetrics = _encoded(generate_text(families(data, cache=cache), openmetrics=True))
    protobuf = generate_protobuf(families(data), on_clash=keep)
    found = _samples(PARSE_CLASSIC(classic))
    assert _samples(PARSE_OPENMETRICS(openmetrics)) == found
    assert dict(_messages(parse_protobuf(protobuf))) == found
    half = len(clashes) // 2
    assert clashes[:half] == clashes[half:], "both formats report the same"
    unreadable = [message for message in caplog.messages if message.startswith("Reading")]
    assert unreadable == []


def _encoded(text: str) -> str:
    return text.encode(errors="replace").decode()


def _samples(metrics: Iterable[Any]) -> Samples:
    found: Samples = {}
    for metric in metrics:
        for sample in metric.samples:
            # The classic parser adds the ending of counters to this one.
            key = "total" if sample.name == "total_total" else sample.name, _labels(sample.labels)
            assert key not in found
            found[key] = _value(sample.value)
            if sample.exemplar is not None:
                labels = sample.exemplar.labels
                assert sum(len(name) + len(text) for name, text in labels.items()) <= 128
    return found


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, _bound(text) if name == "le" else text) for name, text in labels.items()))


def _bound(text: str) -> str:
    try:
        return str(float(text))
    except ValueError:  # an attribute
        return text


def _value(number: float) -> str:
    return "nan" if math.isnan(number) else repr(float(number))


def _messages(found: Iterable[Any]) -> Iterator[tuple[tuple[str, tuple[tuple[str, str], ...]], str]]:
    for family in found:
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            for kind in ("counter", "gauge", "untyped"):
                if metric.HasField(kind):
                    yield (family.name, _labels(labels)), _value(getattr(metric, kind).value)
            if metric.HasField("histogram"):
                histogram = metric.histogram
                for bucket in histogram.bucket:
                    key = f"{family.name}_bucket", _labels({**labels, "le": str(bucket.upper_bound)})
                    yield key, _value(bucket.cumulative_count)
                yield (f"{family.name}_count", _labels(labels)), _value(histogram.sample_count)
                yield (f"{family.name}_sum", _labels(labels)), _value(histogram.sample_sum)
