"""Dashboard: the OpenTelemetry Collector: received, refused, queued, delivered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import Definition
from monitoring.dashboards.panels import Frame, Panel, lines, number
from monitoring.dashboards.queries import PromQL

_OF: Final = '{job="collector"}'
_KINDS: Final = ("spans", "metric_points", "log_records")


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "collector",
        "Collector",
        "What the collector received, refused, queued on disk and delivered, and what it uses.",
        (("Received", _received()), ("Queues", _queues()), ("Delivered", _delivered()), ("Process", _process())),
        runbooks=("CollectorRefusesData", "CollectorQueueFilling", "CollectorCannotDeliver"),
    )


def _each(metric: str, by: str) -> tuple[PromQL, ...]:
    """Return a query for each signal. Signals without a series show nothing."""
    return tuple(
        PromQL(f"sum by ({by}) (rate({metric}_{kind}{_OF}[$__rate_interval]))", f"{kind} {{{{{by}}}}}")
        for kind in _KINDS
    )


def _any(metric: str) -> str:
    """Return one query for all signals, with the label signal."""
    return " or ".join(
        f'label_replace(sum by (exporter) (rate({metric}_{kind}{_OF}[$__rate_interval])), "signal", "{kind}", "", "")'
        for kind in _KINDS
    )


def _received() -> Iterator[Panel]:
    yield lines(
        Frame("Received", "Spans, points and log records a second that the collector accepted.", "ops"),
        *_each("otelcol_receiver_accepted", "receiver"),
    )
    yield lines(
        Frame(
            "Refused",
            "Items a second that the collector did not accept, because its memory or a queue is full. Programs retry.",
            "ops",
            limits=(1,),
        ),
        *_each("otelcol_receiver_refused", "receiver"),
    )
    yield lines(
        Frame("Filtered probes", "Spans a second of health checks and scrapes that are not stored.", "ops", 8),
        PromQL(f"sum by (filter) (rate(otelcol_processor_filter_spans_filtered{_OF}[$__rate_interval]))", "{{filter}}"),
    )
    yield lines(
        Frame("Service graph", "Calls a second with both spans, and without a partner.", "ops", 16),
        PromQL(f"sum(rate(otelcol_connector_servicegraph_total_edges{_OF}[$__rate_interval]))", "calls"),
        PromQL(f"sum(rate(otelcol_connector_servicegraph_expired_edges{_OF}[$__rate_interval]))", "without partner"),
    )


def _queues() -> Iterator[Panel]:
    size, capacity = (f"otelcol_exporter_queue_{one}{_OF}" for one in ("size", "capacity"))
    yield number(
        Frame("Fullest queue", "Used share of the queue on disk of a back end.", "percentunit", 4, limits=(0.5, 0.8)),
        PromQL(f"max({size} / {capacity})"),
    )
    yield lines(
        Frame(
            "Queues",
            "Used share of the queue of each back end. A queue that grows: the back end is down.",
            "percentunit",
            10,
            limits=(0.7,),
        ),
        PromQL(f"max by (exporter, data_type) ({size} / {capacity})", "{{exporter}} {{data_type}}"),
    )
    yield lines(
        Frame("Items in queues", "Items that wait for their back end.", "short", 10),
        PromQL(f"max by (exporter, data_type) ({size})", "{{exporter}} {{data_type}}"),
    )


def _delivered() -> Iterator[Panel]:
    yield lines(
        Frame("Delivered", "Items a second that a back end accepted.", "ops"),
        *_each("otelcol_exporter_sent", "exporter"),
    )
    yield lines(
        Frame(
            "Lost",
            "Items a second that a back end refused for good, or that found a full queue. "
            "Empty until an export is refused.",
            "ops",
            limits=(1,),
        ),
        PromQL(_any("otelcol_exporter_send_failed"), "refused {{signal}} {{exporter}}"),
        PromQL(_any("otelcol_exporter_enqueue_failed"), "queue full {{signal}} {{exporter}}"),
    )


def _process() -> Iterator[Panel]:
    yield lines(
        Frame("CPU", "CPU time a second: 1 is one busy core.", "cores", 8),
        PromQL(f"rate(otelcol_process_cpu_seconds{_OF}[$__rate_interval])", "{{instance}}"),
    )
    yield lines(
        Frame("Memory", "Resident memory. memory_limiter refuses data at 512 MiB.", "bytes", 8, limits=(536870912,)),
        PromQL(f"otelcol_process_memory_rss{_OF}", "{{instance}}"),
    )
    yield lines(
        Frame("Uptime", "Time since the start of the collector.", "s", 8),
        PromQL(f"otelcol_process_uptime{_OF}", "{{instance}}"),
    )
