"""Raise an alert by a rule over a metric: it is notified, escalated, acknowledged and resolved."""

from __future__ import annotations

import queue

from flext_observability import FlextAlert, FlextAlertRule, init_observability

notified: queue.Queue[FlextAlert] = queue.Queue()


def wait_for(status: str) -> FlextAlert:
    """Print notified alerts up to one with this status, and return it."""
    while True:
        alert = notified.get(timeout=10)
        print(f"{alert.status}: {alert.severity}, level {alert.escalation_level}: {alert.message}")
        if alert.status == status:
            return alert


observability = init_observability(
    service_name="waterworks",
    exporters="memory",
    alert_rules_interval_seconds=0.05,  # interval of rules and escalations, 15 by default
    alert_escalate_warning_seconds=0.5,  # an hour by default
).unwrap()
alerts = observability.alerts
alerts.add_notifier("duty", notified.put).unwrap()  # or ALERTMANAGER_URL, a webhook, your own class
alerts.add_rule(
    FlextAlertRule(
        "tank nearly full", metric="tank.level", above=0.8, for_seconds=0.1, message="{value:.0%} of the tank is used"
    )
).unwrap()

level = observability.metrics.gauge("tank.level", unit="1")
level.set(0.93)
wait_for("active")

alert = wait_for("escalated")  # by time, because it is not acknowledged
alerts.escalate_alert(
    alert, {"level": 3, "reason": "no answer from the duty engineer", "severity": "critical"}
).unwrap()
wait_for("escalated")
alerts.acknowledge_alert(alert).unwrap()
wait_for("acknowledged")

level.set(0.4)  # a valve was opened
wait_for("resolved")
print("still active:", len(alerts.active_alerts().unwrap()))
observability.shutdown()
