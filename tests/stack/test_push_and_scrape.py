"""Metrics of one program, pushed over OTLP and scraped from `/metrics`, are equal in Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.stack.clients import Collector, Prometheus, eventually
from tests.stack.emitting import Emitter, emitter

pytestmark = pytest.mark.stack

COUNT = 30
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def test_scrape_and_push_give_the_same_names_and_values(collector: Collector, prometheus: Prometheus) -> None:
    with emitter(collector, "http/protobuf", "--exporters", "otlp,prometheus") as program:
        program.emit(COUNT)
        with prometheus.scraping(program.service, program.page()) as labels:
            scraped = eventually(lambda: _series(prometheus, labels))
            pushed = eventually(lambda: _pushed(prometheus, program))
        program.end()
    assert scraped == pushed
    assert {name for name, _ in pushed} == {
        "emitter_level_bytes",
        "emitter_numbers_total",
        "emitter_size_seconds_bucket",
        "emitter_size_seconds_count",
        "emitter_size_seconds_sum",
    }


def _pushed(prometheus: Prometheus, program: Emitter) -> Series:
    return _series(prometheus, {"job": program.service})


def _series(prometheus: Prometheus, labels: Mapping[str, str]) -> Series:
    """Return the series of the program without the labels of their origin."""
    selector = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    origin = {*labels, "__name__", "instance", "job"}
    return {
        (sample.labels["__name__"], tuple(sorted(_own(sample.labels, origin).items()))): sample.value
        for sample in prometheus.query(f'{{__name__=~"emitter_.*", {selector}}}')
    }


def _own(labels: Mapping[str, str], origin: set[str]) -> dict[str, str]:
    resource = ("deployment_", "service_")
    own = {name: value for name, value in labels.items() if name not in origin and not name.startswith(resource)}
    # Prometheus writes a scraped bucket bound as 1.0 and a pushed one as 1.
    return own | {"le": str(float(own["le"]))} if "le" in own else own
