"""Our page compared with that of OpenTelemetry's own exporter, over random instruments where both are right.

Known differences, which the instruments here avoid or the comparison evens out:

- An attribute that only other points of the metric have, or a missing part of a scope, is an empty label there, and no
  label here. Prometheus does not distinguish them.
- Series whose labels are equal (``7`` and ``"7"``) are two lines there, and here the first one with a warning.
- Of keys that become one label, the last value is there, and all values are here.
- A bound of a bucket is ``5.0`` there and ``5`` here.
- Exponential histograms, exemplars, native histograms and labels of the resource are only here.
- A unit in braces, ``1`` of a gauge, ``By/s`` and words that the name has already are suffixes of other forms.
- Two instruments of one name with other descriptions are two families of one name there, which is not a valid page.
"""

from __future__ import annotations

from inspect import signature
from random import Random
from typing import Any

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from flext_observability.wire.prometheus.from_points import families
from flext_observability.wire.prometheus.text import generate_text

UNITS = ("", "s", "ms", "By", "V", "{item}")
VALUES = ("x", 'a "b"\\c\nd', "ünïcödé ☕", True, False, 7)
Samples = dict[tuple[str, str, tuple[tuple[str, str], ...]], float]


@pytest.mark.skipif(
    "registry" not in signature(PrometheusMetricReader).parameters, reason="this exporter has no scope labels"
)
@pytest.mark.parametrize("seed", range(60))
def test_our_page_has_the_samples_of_the_exporter(seed: int) -> None:
    ours, registry = InMemoryMetricReader(), CollectorRegistry()
    theirs: Any = PrometheusMetricReader(registry=registry)
    resource = Resource({"service.name": "shop", "x.y": "z"})
    provider = MeterProvider([ours, theirs], resource, shutdown_on_exit=False)
    _record(Random(seed), provider)
    data = ours.get_metrics_data()
    assert data is not None
    assert _samples(generate_text(families(data), openmetrics=False)) == _samples(generate_latest(registry).decode())
    provider.shutdown()


def _record(random: Random, provider: MeterProvider) -> None:
    for scope in range(random.randrange(1, 4)):
        meter = provider.get_meter(f"scope.{scope}", random.choice((None, "1.0")), attributes={"team": "a"})
        for number in range(random.randrange(1, 5)):
            name, unit = f"{random.choice(('http.size', 'Wait', 'x_y'))}.m{number}", random.choice(UNITS)
            create = random.choice(
                (meter.create_counter, meter.create_up_down_counter, meter.create_gauge, meter.create_histogram)
            )
            instrument: Any = create(f"{name}.{scope}", unit, random.choice(("", "What it\nis \\")))
            for _ in range(random.randrange(1, 5)):
                value = random.choice((0, 1, 0.25, 5e8, 1e-9))
                keys = random.sample(("http.route", "k", "a-b"), random.randrange(3))
                attributes = {key: random.choice(VALUES) for key in keys}
                method = next(name for name in ("add", "set", "record") if hasattr(instrument, name))
                getattr(instrument, method)(value, attributes)


def _samples(page: str) -> Samples:
    parse: Any = text_string_to_metric_families
    return {
        (family.type, sample.name, _labels(sample.labels)): sample.value
        for family in parse(page)
        for sample in family.samples
    }


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    shown = {name: str(float(text)) if name == "le" else text for name, text in labels.items() if text}
    return tuple(sorted(shown.items()))
