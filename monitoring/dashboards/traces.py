"""Dashboard: traces of one service, and the calls between services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from monitoring.dashboards.definition import SERVICE, Definition, link_to_service
from monitoring.dashboards.panels import Column, Frame, Panel, found_traces, graph, lines, rows
from monitoring.dashboards.queries import PromQL, Traces

_BY: Final = "client, server"
_CALLS: Final = f"sum by ({_BY}) (rate(traces_service_graph_request_total[$__range]))"
_FAILED: Final = f"sum by ({_BY}) (rate(traces_service_graph_request_failed_total[$__range]))"
_SPANS: Final = 'traces_span_metrics_calls_total{service_name="$service"}'


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "traces",
        "Traces",
        "Traces of one service in Jaeger, and the calls between all services.",
        (("Calls between services", _calls()), ("Traces of $service", _traces())),
        (replace(SERVICE, is_single=True),),
        alerts='alertstate="firing",service_name=~"$service|"',
    )


def _calls() -> Iterator[Panel]:
    yield graph(
        Frame("Graph of services", "Which service calls which, from the traces in Jaeger.", height=10), Traces()
    )
    yield rows(
        Frame(
            "Calls",
            "From pairs of client and server spans in the time range. `user` is a caller without telemetry.",
            height=10,
        ),
        {
            "client": Column("from"),
            "server": Column("to", links=("Traces of this service", link_to_service("traces", "__value.text"))),
            "Value #A": Column("calls a second", "reqps"),
            "Value #B": Column("share of errors", "percentunit"),
            "Value #C": Column("95th percentile", "s"),
        },
        PromQL(_CALLS, is_instant=True),
        PromQL(f"({_FAILED} or 0 * {_CALLS}) / ({_CALLS} > 0)", is_instant=True),
        PromQL(
            "histogram_quantile(0.95, sum by (client, server, le) "
            "(rate(traces_service_graph_request_server_seconds_bucket[$__range])))",
            is_instant=True,
        ),
        sort_by="calls a second",
    )
    yield lines(
        Frame("Calls over time", "Calls a second between two services.", "reqps", 24, 7),
        PromQL(_CALLS.replace("$__range", "$__rate_interval"), "{{client}} → {{server}}"),
    )


def _traces() -> Iterator[Panel]:
    yield lines(
        Frame("Spans by kind", "Spans a second of the service.", "ops"),
        PromQL(f"sum by (span_kind) (rate({_SPANS}[$__rate_interval]))", "{{span_kind}}"),
    )
    yield lines(
        Frame("Spans by status", "Spans a second by their status.", "ops"),
        PromQL(f"sum by (status_code) (rate({_SPANS}[$__rate_interval]))", "{{status_code}}"),
    )
    yield found_traces(
        Frame("Last traces", "The newest traces of the service. The id opens the trace.", height=12), Traces("$service")
    )
    yield found_traces(
        Frame(
            "Traces with errors",
            "Traces of the service in which a span has status error. Empty until a request of the service fails.",
            height=12,
        ),
        Traces("$service", tags="error=true"),
    )
