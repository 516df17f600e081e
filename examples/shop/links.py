"""Back ends that answer → addresses of pages that show a trace, its log lines and the metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from examples.shop.stack import Stack

# Built from Go modules, Jaeger and Prometheus have no web UI: their APIs are shown instead, as JSON.
_JAEGER = "/trace/{trace_id}"
_JAEGER_API = "/api/traces/{trace_id}?prettyPrint=true"
_PROMETHEUS = "/query?g0.expr=shop_orders_total&g0.tab=graph"
_PROMETHEUS_API = "/api/v1/query?query=shop_orders_total"
_VICTORIALOGS = "/select/vmui/#/?query=trace_id:={trace_id}&g0.range_input=1h&g0.end_input={end}"


async def find_links(http: httpx.AsyncClient, stack: Stack, grafana: str) -> dict[str, str]:
    """Return label → template of an address for each back end that answers, to be filled in by ``page``.

    Args:
        http: Client for all of them.
        stack: Their addresses.
        grafana: Base address of Grafana; empty when it does not answer.
    """
    jaeger = _JAEGER if await _has_web_ui(http, stack.jaeger + "/") else _JAEGER_API
    prometheus = _PROMETHEUS if await _has_web_ui(http, stack.prometheus + "/query") else _PROMETHEUS_API
    links = {
        "Jaeger": stack.jaeger and stack.jaeger + jaeger,
        "Prometheus": stack.prometheus and stack.prometheus + prometheus,
        "VictoriaLogs": stack.victorialogs and stack.victorialogs + _VICTORIALOGS,
        "Grafana": grafana,
    }
    return {label: address for label, address in links.items() if address}


def page(template: str, trace_id: str) -> str:
    """Return the address of the page for one trace of the last hour; it stays valid after that hour."""
    end = datetime.now(UTC) + timedelta(minutes=1)
    return template.format(trace_id=trace_id, end=end.strftime("%Y-%m-%dT%H:%M:%SZ"))


async def _has_web_ui(http: httpx.AsyncClient, address: str) -> bool:
    """Return whether a page with a script is there; Jaeger without its web UI answers with a page that has none."""
    try:
        answer = await http.get(address, timeout=2.0)
    except httpx.HTTPError:
        return False
    return answer.is_success and "<script" in answer.text
