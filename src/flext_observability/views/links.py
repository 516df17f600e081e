"""A trace, or its id, and Grafana's address → the page that shows the trace (pure)."""

from __future__ import annotations

import json
from urllib.parse import quote

from flext_observability.views.model import TraceView
from flext_observability.views.text import clean

_DATA_SOURCE = "jaeger"  # uid in the provisioning that ships with the project
_MARGIN_MS = 300_000


def grafana_trace_link(grafana_url: str, trace: TraceView) -> str:
    """Return the address of Grafana's Explore page for a trace; empty when Grafana's address is not set."""
    start_ns = min((span.start_ns for span in trace.spans), default=0)
    end_ns = max((span.end_ns for span in trace.spans), default=0)
    return grafana_link(grafana_url, trace.trace_id, start_ns, end_ns)


def grafana_link(grafana_url: str, trace_id: str, start_ns: int, end_ns: int) -> str:
    """Return the address of Grafana's Explore page for a trace id and a time; empty when Grafana's address is not set."""
    if not grafana_url:
        return ""
    pane = {
        "datasource": _DATA_SOURCE,
        "queries": [{"refId": "A", "query": trace_id}],
        "range": {"from": str(start_ns // 10**6 - _MARGIN_MS), "to": str(end_ns // 10**6 + _MARGIN_MS)},
    }
    panes = quote(json.dumps({"trace": pane}, separators=(",", ":")), safe="")
    return f"{clean(grafana_url, 500).rstrip('/')}/explore?schemaVersion=1&orgId=1&panes={panes}"
