"""Field table, part 4: Pushgateway, alerts and their notifiers, health, doors, plug-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flext_observability.settings import types as kinds
from flext_observability.settings.endpoint import ALERTMANAGER, PUSH_GATEWAY, WEBHOOK
from flext_observability.settings.fields import setting
from flext_observability.settings.table_signals import LimitFields


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class OperationsFields(LimitFields):
    """Settings of what watches the program and tells people."""

    push_gateway: str = setting(
        PUSH_GATEWAY,
        "Address of a Pushgateway; set, the exporter `pushgateway` joins the metrics exporters, unless an argument names them.",
        "PROMETHEUS_PUSH_GATEWAY",
        default="",
        signal="metrics",
    )
    push_gateway_job: str = setting(
        kinds.TEXT, "Job in the Pushgateway's grouping key; empty: the service's name.", default="", signal="metrics"
    )
    push_gateway_grouping: Mapping[str, str] = setting(
        kinds.PAIRS,
        "Further labels of the Pushgateway's grouping key.",
        default=kinds.NO_PAIRS,
        signal="metrics",
    )
    push_gateway_delete_at_exit: bool = setting(
        kinds.FLAG,
        "Whether the group is deleted from the Pushgateway at the end, instead of left for Prometheus to scrape.",
        default=False,
        signal="metrics",
    )
    alertmanager_url: str = setting(
        ALERTMANAGER, "Address of an Alertmanager; set, alerts are sent to its v2 API.", "ALERTMANAGER_URL", default=""
    )
    alert_webhook_url: str = setting(WEBHOOK, "Address that alerts are posted to as JSON; empty: none.", default="")
    alert_notifiers: Sequence[str] = setting(
        kinds.NAMES, "Further notifiers, by the name of their entry point or of `register_notifier`.", default=()
    )
    alert_rules_interval_seconds: float = setting(
        kinds.INTERVAL, "Time between two looks at the alert rules and at escalations.", default=15.0, unit="s"
    )
    alert_repeat_interval_seconds: float = setting(
        kinds.INTERVAL, "Time after which an alert that is still active is told again.", default=14_400.0, unit="s"
    )
    alert_escalate_warning_seconds: float = setting(
        kinds.SECONDS, "Time after which an active warning escalates; 0: never.", default=3600.0, unit="s"
    )
    alert_escalate_error_seconds: float = setting(
        kinds.SECONDS, "Time after which an active error escalates; 0: never.", default=1800.0, unit="s"
    )
    alert_escalate_critical_seconds: float = setting(
        kinds.SECONDS, "Time after which an active critical alert escalates; 0: never.", default=900.0, unit="s"
    )
    health_telemetry: bool = setting(
        kinds.FLAG,
        "Whether the state of telemetry itself is one of the health checks (`telemetry`, not critical).",
        default=True,
    )
    ops_token: str = setting(kinds.SECRET, "Bearer token that the ops server asks for; empty: none.", default="")
    ops_username: str = setting(
        kinds.TEXT, "User name that the ops server asks for (HTTP basic); empty: none.", default=""
    )
    ops_password: str = setting(kinds.SECRET, "Password for `ops_username`.", default="")
    plugins: Sequence[str] = setting(
        kinds.NAMES, "Plug-ins, by the name of their entry point or of `register_plugin`.", default=()
    )
