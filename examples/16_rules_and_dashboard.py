"""Write the alert rules of a program for Prometheus and a dashboard of its instruments for Grafana."""

from __future__ import annotations

import json

from flext_observability import FlextAlertRule, flext_grafana_dashboard, flext_prometheus_rules, init_observability

observability = init_observability(service_name="kettle", exporters="none").unwrap()
metrics = observability.metrics
metrics.counter("kettle.cups", unit="cups", description="Cups of tea")
metrics.gauge("kettle.temperature", unit="celsius", description="Temperature of the water")
metrics.histogram("kettle.boil", unit="seconds", description="Time until the water boils")

RULES = [
    FlextAlertRule("too_hot", metric="kettle.temperature", above=99, for_seconds=60, severity="critical"),
    FlextAlertRule("slow", metric="kettle.boil", measure="p95", combine="max", above=300),
]
for line in flext_prometheus_rules(RULES, owner="kitchen").unwrap().splitlines():
    if "alert: " in line or "for: " in line or "{service_name=" in line:
        print(line.strip())

typo = FlextAlertRule("dry", metric="kettle.cup", measure="rate", below=1)
print(flext_prometheus_rules([typo]).error)

dashboard = json.loads(flext_grafana_dashboard(title="Kettle").unwrap())
for panel in dashboard["panels"]:
    print(panel["type"], "·", panel["title"])
observability.shutdown()
