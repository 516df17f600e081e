"""Address of Grafana and a trace → link to the trace in Grafana (pure)."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from flext_observability.views.model import TraceView
from flext_observability.views.text import sanitize

_DATA_SOURCE = "jaeger"  # uid of the data source in monitoring/grafana
_MARGIN_MS = 300_000


def grafana_trace_link(grafana_url: str, trace: TraceView) -> str:
    """Return the link to a trace on Grafana's Explore page; empty without an address of Grafana."""
    start_ns = min((span.start_ns for span in trace.spans), default=0)
    end_ns = max((span.end_ns for span in trace.spans), default=0)
    return grafana_link(grafana_url, trace.trace_id, start_ns, end_ns)


def grafana_base(grafana_url: str) -> str:
    """Return the address of Grafana for links, without credentials, query and fragment: other people see links."""
    scheme, slashes, rest = grafana_url.partition("//")
    rest = (rest if slashes else grafana_url).rpartition("@")[2]
    base = re.split(r"[?#]", rest, maxsplit=1)[0].rstrip("/")
    return sanitize(f"{scheme}//{base}" if slashes else base, 500)


def grafana_link(grafana_url: str, trace_id: str, start_ns: int, end_ns: int) -> str:
    """Return the link to a trace id and a time range on Grafana's Explore page; empty without an address of Grafana."""
    if not grafana_url:
        return ""
    pane = {
        "datasource": _DATA_SOURCE,
        "queries": [{"refId": "A", "query": trace_id}],
        "range": {"from": str(start_ns // 10**6 - _MARGIN_MS), "to": str(end_ns // 10**6 + _MARGIN_MS)},
    }
    panes = quote(json.dumps({"trace": pane}, separators=(",", ":")), safe="")
    return f"{grafana_base(grafana_url)}/explore?schemaVersion=1&orgId=1&panes={panes}"
