"""The endpoints `/metrics` and `/health` of a program, scraped by the real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import pytest

from flext_observability import init_observability, start_ops_server
from tests.stack.clients import Prometheus, eventually

pytestmark = pytest.mark.stack


@contextmanager
def scraping(prometheus: Prometheus, address: str, path: str) -> Iterator[Mapping[str, str]]:
    """Scrape a path of this address during the ``with`` block."""
    with prometheus.scraping(f"ops-{uuid4().hex[:8]}", address.removeprefix("http://"), path) as labels:
        yield labels


def values(prometheus: Prometheus, name: str, labels: Mapping[str, str]) -> dict[str, float]:
    """Return the value of each series by its check, empty without series."""
    selector = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {each.labels.get("flext_check", ""): each.value for each in prometheus.query(f"{name}{{{selector}}}")}


def test_metrics_and_health_are_scraped(prometheus: Prometheus) -> None:
    with (
        init_observability(exporters="memory", console=False).unwrap() as handle,
        start_ops_server(port=0).unwrap() as server,
    ):
        handle.metrics.counter("gates.opened", "{gate}").add(7)
        handle.health.register_check("database", lambda: True)
        handle.health.register_check("mail", lambda: "degraded", critical=False)
        handle.health.register_check("cache", lambda: False)
        with scraping(prometheus, server.address, "/metrics") as labels:
            opened = eventually(lambda: values(prometheus, "gates_opened_total", labels))
        with scraping(prometheus, server.address, "/health") as labels:
            statuses = eventually(lambda: values(prometheus, "flext_health_status", labels))
            overall = values(prometheus, "flext_health_overall", labels)
            up = eventually(lambda: values(prometheus, "up", labels))
    assert opened == {"": 7}
    assert statuses == {"database": 1, "mail": 0.5, "cache": 0, "telemetry": 1}
    assert (overall, up) == ({"": 0}, {"": 1})


def test_a_scrape_without_the_token_is_rejected(prometheus: Prometheus) -> None:
    with (
        init_observability(exporters="memory", console=False, ops_token="t0ken").unwrap(),
        start_ops_server(port=0).unwrap() as server,
        scraping(prometheus, server.address, "/metrics") as labels,
    ):
        assert eventually(lambda: values(prometheus, "up", labels)) == {"": 0}
