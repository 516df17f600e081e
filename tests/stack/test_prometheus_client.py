"""Metrics of ``prometheus_client`` and of OpenTelemetry on one page, scraped by the real Prometheus."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import pytest

from monitoring.native.places import REPOSITORY
from tests.stack.clients import Prometheus, eventually

pytestmark = pytest.mark.stack

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]

RECORDED: Series = {
    ("client_sales_total", (("shop", "north"),)): 3,
    ("client_sales_total", (("shop", "south"),)): 4,
    ("client_wait_seconds_bucket", (("le", "0.1"),)): 1,
    ("client_wait_seconds_bucket", (("le", "1.0"),)): 2,
    ("client_wait_seconds_bucket", (("le", "+Inf"),)): 2,
    ("client_wait_seconds_count", ()): 2,
    ("client_wait_seconds_sum", ()): 0.55,
    ("client_queue", ()): 7,
    ("otel_sales_total", (("shop", "north"),)): 5,
    ("otel_wait_seconds_bucket", (("le", "0.1"),)): 0,
    ("otel_wait_seconds_bucket", (("le", "1.0"),)): 1,
    ("otel_wait_seconds_bucket", (("le", "+Inf"),)): 2,
    ("otel_wait_seconds_count", ()): 2,
    ("otel_wait_seconds_sum", ()): 3.5,
    ("otel_queue", ()): 9,
}
EXEMPLARS = {
    ("client_sales_total", 3),
    ("client_wait_seconds_bucket", 0.5),
    ("otel_sales_total", 5),
    ("otel_wait_seconds_bucket", 0.5),
    ("otel_wait_seconds_bucket", 3),
}


@contextmanager
def program(page: str) -> Iterator[tuple[str, str]]:
    """Run the program with this page during the ``with`` block. Yields its `host:port` and the trace id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stack.client_program", page],
        cwd=REPOSITORY,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process.stdout.readline().strip()
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("page", ["ours", "theirs"])
def test_the_page_is_complete(prometheus: Prometheus, page: str) -> None:
    with (
        program(page) as (address, trace_id),
        prometheus.scraping(f"client-{uuid4().hex[:8]}", address) as labels,
    ):
        stored = eventually(lambda: _series(prometheus, labels))
        exemplars = eventually(lambda: _exemplars(prometheus, labels, trace_id))
        service = prometheus.query(f"target_info{{{_selector(labels)}}}")
        library = prometheus.value(f"python_info{{{_selector(labels)}}}")
        up = prometheus.value(f"up{{{_selector(labels)}}}")
    assert stored == RECORDED
    assert exemplars == EXEMPLARS
    assert [each.labels["service_name"] for each in service] == ["till"]
    assert (library, up) == (1, 1)


def _selector(labels: Mapping[str, str]) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in labels.items())


def _series(prometheus: Prometheus, labels: Mapping[str, str]) -> Series:
    """Return the recorded series, without creation times and the labels of the scrape."""
    return {
        (sample.labels["__name__"], tuple(sorted(_own(sample.labels, labels).items()))): sample.value
        for sample in prometheus.query(f'{{__name__=~"(client|otel)_.*", {_selector(labels)}}}')
        if not sample.labels["__name__"].endswith("_created")
    }


def _own(labels: Mapping[str, str], scrape: Mapping[str, str]) -> dict[str, str]:
    names = {*scrape, "__name__"}
    return {name: value for name, value in labels.items() if name not in names and not name.startswith("otel_scope_")}


def _exemplars(prometheus: Prometheus, labels: Mapping[str, str], trace_id: str) -> set[tuple[str, float]]:
    found = prometheus.exemplars(f'{{__name__=~"(client|otel)_.*", {_selector(labels)}}}')
    return {(each.series["__name__"], each.value) for each in found if each.labels["trace_id"] == trace_id}
