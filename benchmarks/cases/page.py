"""The Prometheus page of 2300 samples, compared with the exporter of the SDK and prometheus_client (G11)."""

from __future__ import annotations

import time

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter, get_meter
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.cases.sides import RESOURCE, started
from benchmarks.measure import interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import ops_wsgi_app

COUNTERS = 500
HISTOGRAMS = 100
SAMPLES = COUNTERS + HISTOGRAMS * 18
"""A histogram with the default bounds of OpenTelemetry has 16 buckets, a sum and a count."""
PAGES = 4


def text(settings: Settings) -> list[Reading]:
    """Render the classic text page through the WSGI application, and with ``generate_latest`` on the other side."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry)
    stock = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
    _record(stock.get_meter("bench"))
    with started(exporters="prometheus", prometheus_port=0, prometheus_client_enabled=False):
        _record(get_meter("bench"))
        sizes = _samples(_page()), _samples(generate_latest(registry))

        def ours(count: int) -> None:
            for _ in range(count):
                _page()

        def theirs(count: int) -> None:
            for _ in range(count):
                generate_latest(registry)

        rounds = interleave(
            {"ours": ours, "theirs": theirs},
            1 if settings.quick else PAGES,
            settings.rounds,
            clock=time.process_time_ns,  # pages are rendered by threads of the application
        )
    if min(sizes) < SAMPLES:
        raise RuntimeError(f"the pages have {sizes[0]} and {sizes[1]} samples instead of {SAMPLES}")
    ratio = rounds.ratio("theirs", "ours")
    note = f"{sizes[0]} samples, {sizes[1]} on the other side"
    return [reading("G11", ratio, rounds.best("ours"), rounds.best("theirs"), note=note)]


def _record(meter: Meter) -> None:
    counter, histogram = meter.create_counter("bench.calls"), meter.create_histogram("bench.work")
    for number in range(COUNTERS):
        counter.add(number, {"shop": f"shop-{number % 25}", "item": f"item-{number}", "status": 200})
    for number in range(HISTOGRAMS):
        for value in range(20):
            histogram.record(value * 7.5, {"shop": f"shop-{number % 25}", "item": f"item-{number}"})


def _page() -> bytes:
    application = ops_wsgi_app()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "HTTP_ACCEPT": "text/plain", "QUERY_STRING": ""}
    statuses: list[str] = []

    def start_response(status: str, *_headers: object) -> None:
        statuses.append(status)

    body = b"".join(application(environ, start_response))  # type: ignore[arg-type]
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"the page answers {statuses[0]}: {body[:200]!r}")
    return body


def _samples(page: bytes) -> int:
    return sum(not line.startswith(b"#") for line in page.splitlines() if line)
