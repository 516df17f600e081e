"""Field table, part 4: Pushgateway, alerts and notifiers, health, ops server, plug-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flext_observability.settings import types
from flext_observability.settings.endpoint import ALERTMANAGER, PUSH_GATEWAY, WEBHOOK
from flext_observability.settings.fields import setting
from flext_observability.settings.table_signals import LimitFields
from flext_observability.values.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class OperationsFields(LimitFields):
    """Settings of alerts, health, the ops server and plug-ins."""

    push_gateway: str = setting(
        PUSH_GATEWAY,
        "Endpoint of a Pushgateway. Adds the exporter `pushgateway`, unless an argument names the metrics exporters.",
        "PROMETHEUS_PUSH_GATEWAY",
        default="",
        signal="metrics",
    )
    push_gateway_job: str = setting(
        types.TEXT, "Job of the Pushgateway's grouping key; empty: the service name.", default="", signal="metrics"
    )
    push_gateway_grouping: Mapping[str, str] = setting(
        types.KEY_VALUE_LIST,
        "Further labels of the Pushgateway's grouping key.",
        default=types.NO_KEY_VALUES,
        signal="metrics",
    )
    push_gateway_delete_at_exit: bool = setting(
        types.BOOL, "Whether to delete the group from the Pushgateway at exit.", default=False, signal="metrics"
    )
    alertmanager_url: str = setting(
        ALERTMANAGER,
        "Endpoint of an Alertmanager; alerts are sent to its v2 API. Empty disables it.",
        "ALERTMANAGER_URL",
        default="",
    )
    alert_webhook_url: str = setting(WEBHOOK, "Webhook URL for alerts (JSON POST). Empty disables it.", default="")
    alert_notifiers: Sequence[str] = setting(
        types.NAMES, "Names of further notifiers (entry points or `register_notifier`).", default=()
    )
    alert_rules_interval_seconds: float = setting(
        types.INTERVAL, "Interval between evaluations of alert rules and escalations.", default=15.0
    )
    alert_repeat_interval_seconds: float = setting(
        types.INTERVAL, "Interval between notifications of an active alert.", default=14_400.0
    )
    alert_escalate_warning_seconds: float = setting(
        types.SECONDS, "Time until an active warning escalates; 0: never.", default=3600.0
    )
    alert_escalate_error_seconds: float = setting(
        types.SECONDS, "Time until an active error escalates; 0: never.", default=1800.0
    )
    alert_escalate_critical_seconds: float = setting(
        types.SECONDS, "Time until an active critical alert escalates; 0: never.", default=900.0
    )
    self_metrics: bool = setting(
        types.BOOL,
        "Whether queues, exports and losses are metrics, too (`otel.sdk.*`), and the CPU time of our threads.",
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
        default=False,
        signal="metrics",
    )
    overhead_budget_percent: float | None = setting(
        types.PERCENT,
        "Share of telemetry in the CPU time of the process, above which spans leave out detail; None: no limit.",
        default=None,
        unit="percent",
        signal="traces",
    )
    health_telemetry: bool = setting(
        types.BOOL, "Whether the state of telemetry is a health check (`telemetry`, non-critical).", default=True
    )
    ops_token: str = setting(types.SECRET, "Bearer token required by the ops server; empty: none.", default="")
    ops_username: str = setting(
        types.TEXT, "User name required by the ops server (HTTP Basic); empty: none.", default=""
    )
    ops_password: str = setting(types.SECRET, "Password for `ops_username`.", default="")
    ops_allowed_hosts: Sequence[str] = setting(
        types.NAMES,
        "Further host names of the ops server; `.example.com`: all names below; `*`: any.",
        default=(),
    )
    plugins: Sequence[str] = setting(types.NAMES, "Names of plug-ins (entry points or `register_plugin`).", default=())
