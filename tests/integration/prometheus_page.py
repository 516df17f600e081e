"""Scrape of an ops server, parsed by prometheus_client; latest push of a metric to a collector."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from tests.backends.collector import Collector

CLASSIC = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
QUIET: dict[str, Any] = {
    "service_name": "shop",
    "prometheus_port": 0,
    "prometheus_client_enabled": False,
    "console": False,
}


@dataclass(frozen=True)
class Page:
    """A reply of the ops server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers["content-type"]

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Return value by (name, labels without the scope), as prometheus_client reads the page."""
        return {
            (each.name, tuple(sorted(pair for pair in each.labels.items() if not _is_scope(pair)))): each.value
            for each in self._samples()
        }

    def exemplars(self) -> dict[tuple[str, str], str]:
        """Return trace id by (name, upper bound of the bucket)."""
        return {
            (each.name, each.labels.get("le", "")): each.exemplar.labels["trace_id"]
            for each in self._samples()
            if each.exemplar
        }

    def _samples(self) -> Iterable[Any]:
        parse = parse_openmetrics if self.kind.startswith("application/openmetrics-text") else parse_classic
        return [sample for family in parse(self.body.decode()) for sample in family.samples]


def _is_scope(label: tuple[str, str]) -> bool:
    return label[0].startswith("otel_scope_")


def scrape(address: str, accept: str = OPENMETRICS, *, path: str = "/metrics", **headers: str) -> Page:
    place = urlsplit(address)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": accept, **headers})
        reply = connection.getresponse()
        return Page(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def refuses(address: str) -> bool:
    place = urlsplit(address)
    with socket.socket() as sock:
        return sock.connect_ex((place.hostname or "", place.port or 0)) != 0


def newest(received: Collector, name: str) -> Any:
    return [metric for metric in received.metrics() if metric.name == name][-1]
