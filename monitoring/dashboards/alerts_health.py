"""Dashboard: active alerts, their history, and the health checks of programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import PROGRAM, Definition, link_to_service, runbook
from monitoring.dashboards.panels import Column, Frame, Panel, lines, number, rows
from monitoring.dashboards.queries import PromQL

_CHECKS: Final = 'flext_health_status_ratio{service_name=~"$service"}'


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "alerts-health",
        "Alerts and health",
        "What is wrong now, since when, and what to do.",
        (("Alerts", _alerts()), ("Health checks", _health()), ("Service level", _service_level())),
        (PROGRAM,),
    )


def _alerts() -> Iterator[Panel]:
    for severity, limit in (("critical", 1.0), ("warning", 1.0), ("info", 1000.0)):
        yield number(
            Frame(
                f"{severity.capitalize()}", f"Alerts of severity {severity} that fire.", "short", 4, 4, limits=(limit,)
            ),
            PromQL(f'count(ALERTS{{alertstate="firing",severity="{severity}"}}) or vector(0)'),
        )
    yield number(
        Frame("Pending", "Alerts whose condition holds, but not for long enough.", "short", 4, 4),
        PromQL('count(ALERTS{alertstate="pending"}) or vector(0)'),
    )
    yield number(
        Frame("Notifications", "Notifications that Alertmanager has sent in the time range.", "short", 4, 4),
        PromQL("sum(increase(alertmanager_notifications_total[$__range]))"),
    )
    yield number(
        Frame("Targets that are down", "Parts of the stack without an answer.", "short", 4, 4, limits=(1,)),
        PromQL("count(up == 0) or vector(0)"),
    )
    yield rows(
        Frame(
            "Active alerts",
            "Pending and firing alerts. The name opens the runbook of an alert of this stack. An alert of a program "
            "names its page in the annotation runbook_url. Empty until a rule fires.",
            height=9,
        ),
        {
            "alertname": Column("alert", links=("Runbook", runbook("${__value.text}"))),
            "severity": Column("severity"),
            "alertstate": Column("state"),
            "service_name": Column("service", links=("Service", link_to_service("service-overview", "__value.text"))),
            "owner": Column("owner"),
            "instance": Column("instance"),
        },
        PromQL("ALERTS", is_instant=True),
    )
    yield lines(
        Frame("History", "Number of alerts that fire, by name. Empty until a rule fires.", "short", height=9),
        PromQL('count by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"),
        stacked=True,
    )


def _health() -> Iterator[Panel]:
    yield rows(
        Frame("Health checks", "Last result of each check: 1 healthy, 0.5 degraded, 0 unhealthy."),
        {
            "service_name": Column("service", links=("Logs", link_to_service("logs", "__value.text"))),
            "flext_check": Column("check"),
            "service_instance_id": Column("instance"),
            "Value": Column("status"),
        },
        PromQL(f"min by (service_name, flext_check, service_instance_id) ({_CHECKS})", is_instant=True),
    )
    yield lines(
        Frame("Health over time", "Worst result of each check: 1 healthy, 0.5 degraded, 0 unhealthy.", "short"),
        PromQL(f"min by (service_name, flext_check) ({_CHECKS})", "{{service_name}} {{flext_check}}"),
    )


def _service_level() -> Iterator[Panel]:
    yield lines(
        Frame("Share of errors", "Of incoming requests, in windows of five minutes.", "percentunit", limits=(0.01,)),
        PromQL('service_name:error_ratio:rate5m{service_name=~"$service"}', "{{service_name}}"),
    )
    yield lines(
        Frame("95th percentile", "Duration of incoming requests, in windows of five minutes.", "ms", limits=(1000,)),
        PromQL('service_name:duration_milliseconds:p95_5m{service_name=~"$service"}', "{{service_name}}"),
    )
