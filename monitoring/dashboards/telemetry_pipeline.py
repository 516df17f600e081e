"""Dashboard: the library's own pipeline in each program, from its self-metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import INSTANCE, PROGRAM, Definition
from monitoring.dashboards.panels import Column, Frame, Panel, lines, number, rows
from monitoring.dashboards.queries import PromQL

_SELECTED: Final = 'service_name=~"$service",service_instance_id=~"$instance"'
_SIGNALS: Final = ("span", "log", "metric_data_point")
_QUEUED: Final = ("span", "log")
_ALL: Final = f"{{{_SELECTED}}}"
_GOOD: Final = f'{{{_SELECTED},error_type=""}}'
_BAD: Final = f'{{{_SELECTED},error_type!=""}}'
_LOST: Final = tuple(
    (signal, f"otel_sdk_{step}_total")
    for signal in _QUEUED
    for step in (f"processor_{signal}_processed", f"exporter_{signal}_exported")
)
"""Signals, and counters with the reason of a loss as `error_type`."""


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "telemetry-pipeline",
        "Telemetry pipeline",
        "What the library in each program made, queued, exported and dropped, and what it costs. "
        "Needs the setting self_metrics.",
        (("Ledger", _ledger()), ("Queues", _queues()), ("Exports", _exports()), ("Cost", _cost())),
        (PROGRAM, INSTANCE),
        runbooks=("TelemetryDropped", "TelemetryQueueFilling", "TelemetryReduced"),
    )


def _each(template: str, signals: tuple[str, ...]) -> tuple[PromQL, ...]:
    """Return one query for each signal. `SIGNAL` is its name in the metrics."""
    return tuple(PromQL(template.replace("SIGNAL", one), one.replace("_", " ")) for one in signals)


def _ledger() -> Iterator[Panel]:
    exported = (f"sum(rate(otel_sdk_exporter_{one}_exported_total{_GOOD}[$__rate_interval]))" for one in _SIGNALS)
    yield number(
        Frame("Exported", "Spans, log records and points a second that a back end has accepted.", "ops", 6, 5),
        PromQL(" + ".join(f"({one} or vector(0))" for one in exported)),
    )
    lost = (f"sum(increase({metric}{_BAD}[$__range]))" for _, metric in _LOST)
    yield number(
        Frame(
            "Dropped",
            "Items in the time range that were not exported: a full queue, a refusal, the end of the process.",
            "short",
            6,
            5,
            limits=(1,),
        ),
        PromQL(" + ".join(f"({one} or vector(0))" for one in lost)),
    )
    yield lines(
        Frame("Exported by signal", "Items a second that a back end has accepted.", "ops", height=5),
        *_each(f"sum(rate(otel_sdk_exporter_SIGNAL_exported_total{_GOOD}[$__rate_interval]))", _SIGNALS),
    )
    yield rows(
        Frame("Ledger of spans", "Spans by service since the start of each process."),
        {
            "service_name": Column("service"),
            "Value #A": Column("started"),
            "Value #B": Column("exported"),
            "Value #C": Column("open"),
            "Value #D": Column("queued"),
        },
        PromQL(f"sum by (service_name) (otel_sdk_span_started_total{_ALL})", is_instant=True),
        PromQL(f"sum by (service_name) (otel_sdk_exporter_span_exported_total{_GOOD})", is_instant=True),
        PromQL(f"sum by (service_name) (otel_sdk_span_live{_ALL})", is_instant=True),
        PromQL(f"sum by (service_name) (otel_sdk_processor_span_queue_size{_ALL})", is_instant=True),
        sort_by="started",
    )
    yield lines(
        Frame(
            "Drops by reason",
            "Items a second that are lost, by reason. Empty until a program loses telemetry.",
            "ops",
        ),
        *(
            PromQL(
                f"sum by (service_name, error_type) (rate({metric}{_BAD}[$__rate_interval]))",
                f"{signal} {{{{service_name}}}} {{{{error_type}}}}",
            )
            for signal, metric in _LOST
        ),
    )


def _queues() -> Iterator[Panel]:
    for signal in _QUEUED:
        size, capacity = (f"otel_sdk_processor_{signal}_queue_{one}" for one in ("size", "capacity"))
        yield lines(
            Frame(
                f"Queue of {signal}s",
                "Used share of the queue of each process. A full queue drops its oldest items.",
                "percentunit",
                limits=(0.5, 0.9),
            ),
            PromQL(
                f"max by (service_name, service_instance_id) ({size}{_ALL} / {capacity}{_ALL})",
                "{{service_name}} {{service_instance_id}}",
            ),
        )


def _exports() -> Iterator[Panel]:
    duration = "otel_sdk_exporter_operation_duration_seconds"
    collection = "otel_sdk_metric_reader_collection_duration_seconds"
    yield lines(
        Frame("Duration of exports", "95th percentile of the requests to the back end, retries included.", "s"),
        PromQL(
            f"histogram_quantile(0.95, sum by (otel_component_type, le) "
            f"(rate({duration}_bucket{_ALL}[$__rate_interval])))",
            "{{otel_component_type}}",
        ),
    )
    yield lines(
        Frame("Requests", "Requests a second to the back end, by its answer.", "reqps"),
        PromQL(
            f"sum by (otel_component_type, http_response_status_code, error_type) "
            f"(rate({duration}_count{_ALL}[$__rate_interval]))",
            "{{otel_component_type}} {{http_response_status_code}} {{error_type}}",
        ),
    )
    yield lines(
        Frame("In flight", "Items in requests without an answer.", "short"),
        *_each(f"sum(otel_sdk_exporter_SIGNAL_inflight{_ALL})", _SIGNALS),
    )
    yield lines(
        Frame("Duration of collections", "Mean time that a collection of all metrics takes.", "s"),
        PromQL(
            f"sum by (service_name) (rate({collection}_sum{_ALL}[$__rate_interval]))"
            f" / sum by (service_name) (rate({collection}_count{_ALL}[$__rate_interval]))",
            "{{service_name}}",
        ),
    )


def _cost() -> Iterator[Panel]:
    yield lines(
        Frame(
            "CPU of telemetry",
            "Share of the CPU time that the library uses.",
            "percentunit",
            limits=(0.05,),
        ),
        PromQL(f"max by (service_name) (flext_self_cpu_ratio{_ALL})", "{{service_name}}"),
    )
    yield lines(
        Frame("CPU time of telemetry", "Seconds of CPU a second that the threads of the library use.", "cores"),
        PromQL(
            f"sum by (service_name) (rate(flext_self_cpu_time_seconds_total{_ALL}[$__rate_interval]))",
            "{{service_name}}",
        ),
    )
