"""Create entities of every kind. Invalid arguments give a failure with a reason, not an exception."""

from __future__ import annotations

from flext_observability import (
    FlextResult,
    flext_create_alert,
    flext_create_health_check,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    init_observability,
    memory_store,
)


def show(result: FlextResult[object]) -> None:
    """Print the entity or the failure of a call."""
    if result.success:
        print(type(result.data).__name__, "created")
    else:
        print(f"{result.code}: {result.error}")


observability = init_observability(service_name="report", exporters="memory", log_level="INFO").unwrap()

show(flext_create_metric("report.rows", 1200, "count", tags={"table": "orders"}))
started = flext_create_trace("write report", "report", context={"format": "csv"})
show(started)
show(flext_create_log_entry("info", "report written", {"rows": 1200}))
show(flext_create_health_check("report disk", "degraded", "9 % free"))
show(flext_create_alert("disk nearly full", "warning", "9 % free on /data", source="report"))

show(flext_create_metric("report rows", 1200))
show(flext_create_metric("report.rows", float("nan")))
show(flext_create_alert("disk full", "catastrophic", "0 % free"))

trace = started.unwrap()
observability.tracing.complete_trace(trace)
observability.shutdown()
store = memory_store()
bodies = [item.log_record.body for item in store.logs]
print("span:", store.spans[0].name, "· status:", trace.status, "· records:", bodies)
