"""Dashboard: Prometheus and Alertmanager themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.dashboards.definition import Definition
from monitoring.dashboards.panels import Column, Frame, Panel, lines, number, rows
from monitoring.dashboards.queries import PromQL

_PROMETHEUS: Final = '{job="prometheus"}'
_ALERTMANAGER: Final = '{job="alertmanager"}'


def definition() -> Definition:
    """Return the dashboard."""
    return Definition(
        "prometheus-alertmanager",
        "Prometheus and Alertmanager",
        "Whether metrics are scraped and stored, rules evaluated, and notifications delivered.",
        (
            ("Targets", _targets()),
            ("Prometheus", _prometheus()),
            ("Rules", _rules()),
            ("Alertmanager", _alertmanager()),
        ),
        runbooks=("TargetDown", "PrometheusRuleFailures", "AlertmanagerNotificationsFail"),
    )


def _rate(metric: str, selector: str, by: str = "") -> str:
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({metric}{selector}[$__rate_interval]))"


def _targets() -> Iterator[Panel]:
    yield number(
        Frame("Targets that are down", "Targets without an answer to the last scrape.", "short", 6, limits=(1,)),
        PromQL("count(up == 0) or vector(0)"),
    )
    yield rows(
        Frame("Targets", "All scraped targets: 1 is up, 0 is down.", width=18),
        {
            "job": Column("job"),
            "instance": Column("instance"),
            "Value #A": Column("up"),
            "Value #B": Column("scrape", "s"),
            "Value #C": Column("samples"),
        },
        PromQL("sum by (job, instance) (up)", is_instant=True),
        PromQL("sum by (job, instance) (scrape_duration_seconds)", is_instant=True),
        PromQL("sum by (job, instance) (scrape_samples_scraped)", is_instant=True),
    )


def _prometheus() -> Iterator[Panel]:
    yield lines(
        Frame("Stored samples", "Samples a second, scraped and pushed.", "ops", 8),
        PromQL(_rate("prometheus_tsdb_head_samples_appended_total", _PROMETHEUS, "type"), "{{type}}"),
    )
    yield lines(
        Frame("Series", "Series in memory. A jump is an attribute with too many values.", "short", 8),
        PromQL(f"prometheus_tsdb_head_series{_PROMETHEUS}", "series"),
        PromQL(f"prometheus_tsdb_exemplar_exemplars_in_storage{_PROMETHEUS}", "exemplars"),
    )
    yield lines(
        Frame("Rejected samples", "Samples a second that are too old or out of bounds.", "ops", 8, limits=(1,)),
        PromQL(_rate("prometheus_tsdb_too_old_samples_total", _PROMETHEUS), "too old"),
        PromQL(_rate("prometheus_tsdb_out_of_bound_samples_total", _PROMETHEUS), "out of bounds"),
        PromQL(_rate("prometheus_tsdb_out_of_order_samples_total", _PROMETHEUS), "out of order"),
    )
    yield lines(
        Frame("Disk", "Blocks, write-ahead log, and the part of it for late samples.", "bytes", 8),
        PromQL(f"prometheus_tsdb_storage_blocks_bytes{_PROMETHEUS}", "blocks"),
        PromQL(f"prometheus_tsdb_wal_storage_size_bytes{_PROMETHEUS}", "write-ahead log"),
        PromQL(f"prometheus_tsdb_out_of_order_wbl_storage_size_bytes{_PROMETHEUS}", "late samples"),
    )
    yield lines(
        Frame("Failures of the store", "Above 0: read the log of Prometheus.", "short", 8, limits=(1,)),
        PromQL(f"prometheus_tsdb_wal_corruptions_total{_PROMETHEUS}", "damaged write-ahead logs"),
        PromQL(f"prometheus_tsdb_wal_writes_failed_total{_PROMETHEUS}", "failed writes"),
        PromQL(f"prometheus_tsdb_compactions_failed_total{_PROMETHEUS}", "failed compactions"),
        PromQL(f"prometheus_tsdb_reloads_failures_total{_PROMETHEUS}", "failed reloads of blocks"),
    )
    yield lines(
        Frame("Memory", "Resident memory of Prometheus and Alertmanager.", "bytes", 8),
        PromQL('process_resident_memory_bytes{job=~"prometheus|alertmanager"}', "{{job}}"),
    )


def _rules() -> Iterator[Panel]:
    failed = f"rate(prometheus_rule_evaluation_failures_total{_PROMETHEUS}[$__rate_interval])"
    group = 'label_replace({}, "group", "$1", "rule_group", ".*;(.*)")'
    yield lines(
        Frame("Duration of rule groups", "Time of the last evaluation. It must stay below the interval of 15 s.", "s"),
        PromQL(group.format(f"prometheus_rule_group_last_duration_seconds{_PROMETHEUS}"), "{{group}}"),
    )
    yield lines(
        Frame("Failed evaluations", "Evaluations a second that fail.", "ops", limits=(0.001,)),
        PromQL(f"sum by (group) ({group.format(failed)})", "{{group}}"),
    )
    yield lines(
        Frame("Alerts sent", "Alerts a second to Alertmanager; each firing alert is sent again every minute.", "ops"),
        PromQL(_rate("prometheus_notifications_sent_total", _PROMETHEUS, "alertmanager"), "sent"),
        PromQL(_rate("prometheus_notifications_dropped_total", _PROMETHEUS), "dropped"),
    )
    yield lines(
        Frame("Queue of alerts", "Alerts that wait for Alertmanager.", "short"),
        PromQL(f"prometheus_notifications_queue_length{_PROMETHEUS}", "waiting"),
        PromQL(f"prometheus_notifications_queue_capacity{_PROMETHEUS}", "capacity"),
    )


def _alertmanager() -> Iterator[Panel]:
    yield lines(
        Frame("Alerts", "Alerts in Alertmanager by state.", "short", 8),
        PromQL(f"sum by (state) (alertmanager_alerts{_ALERTMANAGER})", "{{state}}"),
    )
    yield lines(
        Frame("Notifications", "Notifications a second to all receivers.", "ops", 8),
        PromQL(_rate("alertmanager_notifications_total", _ALERTMANAGER), "all"),
    )
    yield lines(
        Frame("Failed notifications", "Notifications a second that the receiver refused.", "ops", 8, limits=(0.001,)),
        PromQL(_rate("alertmanager_notifications_failed_total", _ALERTMANAGER), "all"),
    )
    yield lines(
        Frame("Configuration", "1 after a successful reload, 0 after a failed one.", "short"),
        PromQL(f"prometheus_config_last_reload_successful{_PROMETHEUS}", "Prometheus"),
        PromQL(f"alertmanager_config_last_reload_successful{_ALERTMANAGER}", "Alertmanager"),
    )
    yield lines(
        Frame("Silences", "Silences in Alertmanager by state.", "short"),
        PromQL(f"sum by (state) (alertmanager_silences{_ALERTMANAGER})", "{{state}}"),
    )
