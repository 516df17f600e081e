"""Dashboard: requests, errors and durations of services, from span metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import ENVIRONMENT, SERVICE, Definition, link_to_service
from monitoring.dashboards.panels import Column, Frame, Panel, buckets, lines, number, rows
from monitoring.dashboards.queries import PromQL

_OF: Final = 'service_name=~"$service",deployment_environment_name=~"$environment"'
_SERVED: Final = f'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER",{_OF}'
_CALLS: Final = f"traces_span_metrics_calls_total{{{_SERVED}}}"
_ERRORS: Final = f'traces_span_metrics_calls_total{{{_SERVED},status_code="STATUS_CODE_ERROR"}}'
_BUCKETS: Final = f"traces_span_metrics_duration_milliseconds_bucket{{{_SERVED}}}"
_OUTGOING: Final = f'traces_span_metrics_calls_total{{span_kind=~"SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER",{_OF}}}'
_CLICKED: Final = "__field.labels.service_name"
_LINKS: Final = {"Traces": link_to_service("traces", _CLICKED), "Logs": link_to_service("logs", _CLICKED)}
_OPERATION: Final = "service_name, span_name"


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "service-overview",
        "Services",
        "Requests, errors and durations of all services, from the spans that the collector has received.",
        (
            ("Now", _numbers()),
            ("Requests, errors, durations", _courses()),
            ("Operations", _operations()),
        ),
        (SERVICE, ENVIRONMENT),
        alerts='alertstate="firing",service_name=~"$service|"',
    )


def _rate(metric: str, by: str = "service_name", window: str = "$__rate_interval") -> str:
    return f"sum by ({by}) (rate({metric}[{window}]))"


def _ratio(by: str = "service_name", window: str = "$__rate_interval") -> str:
    """Return the share of errors, 0 without an error."""
    calls, errors = _rate(_CALLS, by, window), _rate(_ERRORS, by, window)
    return f"({errors} or 0 * {calls}) / ({calls} > 0)"


def _numbers() -> Iterator[Panel]:
    calls, errors = f"sum(rate({_CALLS}[$__rate_interval]))", f"sum(rate({_ERRORS}[$__rate_interval]))"
    yield number(Frame("Requests", "Requests a second of the chosen services.", "reqps", 6, 4), PromQL(calls))
    yield number(
        Frame("Errors", "Share of the requests that fail.", "percentunit", 6, 4, limits=(0.001, 0.01)),
        PromQL(f"({errors} or vector(0)) / ({calls} > 0)"),
    )
    yield number(
        Frame("95th percentile", "19 of 20 requests are faster.", "ms", 6, 4, limits=(500, 1000)),
        PromQL(f"histogram_quantile(0.95, sum by (le) (rate({_BUCKETS}[$__rate_interval])))"),
    )
    yield number(
        Frame("Services", "Services with a request in the last five minutes.", "short", 6, 4),
        PromQL(f"count(sum by (service_name) (rate({_CALLS}[5m])) > 0)"),
    )


def _courses() -> Iterator[Panel]:
    yield lines(
        Frame("Requests by service", "Incoming requests and messages a second.", "reqps", links=_LINKS),
        PromQL(_rate(_CALLS), "{{service_name}}", has_exemplars=True),
    )
    yield lines(
        Frame(
            "Share of errors by service",
            "Spans with status error among all incoming requests. A service above 1 % needs a look at its traces.",
            "percentunit",
            limits=(0.01,),
            links=_LINKS,
        ),
        PromQL(_ratio(), "{{service_name}}"),
    )
    yield lines(
        Frame("Durations", "Median, 95th and 99th percentile of all chosen services. Points are traces.", "ms"),
        *(
            PromQL(
                f"histogram_quantile({share}, sum by (le) (rate({_BUCKETS}[$__rate_interval])))",
                title,
                has_exemplars=True,
            )
            for share, title in ((0.5, "median"), (0.95, "95th percentile"), (0.99, "99th percentile"))
        ),
    )
    yield buckets(
        Frame("Distribution of durations", "Requests in each interval of durations. Points are traces.", "ms"),
        PromQL(f"sum by (le) (increase({_BUCKETS}[$__rate_interval]))", "{{le}}", has_exemplars=True, is_heatmap=True),
    )
    yield lines(
        Frame("95th percentile by service", "19 of 20 requests are faster.", "ms", links=_LINKS),
        PromQL(f"histogram_quantile(0.95, {_rate(_BUCKETS, 'service_name, le')})", "{{service_name}}"),
    )
    yield lines(
        Frame("Outgoing calls by service", "Calls to other services, databases and queues a second.", "reqps"),
        PromQL(_rate(_OUTGOING), "{{service_name}}"),
    )


def _operations() -> Iterator[Panel]:
    yield rows(
        Frame(
            "Incoming operations",
            "Each operation of the chosen services in the time range: shows which one is slow or fails.",
            width=24,
            height=10,
        ),
        {
            "service_name": Column(
                "service", links=("Traces of this service", link_to_service("traces", "__value.text"))
            ),
            "span_name": Column("operation"),
            "Value #A": Column("requests a second", "reqps"),
            "Value #B": Column("share of errors", "percentunit"),
            "Value #C": Column("95th percentile", "ms"),
        },
        PromQL(_rate(_CALLS, _OPERATION, "$__range"), is_instant=True),
        PromQL(_ratio(_OPERATION, "$__range"), is_instant=True),
        PromQL(f"histogram_quantile(0.95, {_rate(_BUCKETS, f'{_OPERATION}, le', '$__range')})", is_instant=True),
        sort_by="requests a second",
    )
