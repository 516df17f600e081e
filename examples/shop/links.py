"""Addresses of pages that show a trace, its log records and the metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from examples.shop.stack import Stack

# Jaeger and Prometheus have no web UI when they are built from Go modules. The links then lead to their JSON APIs.
_JAEGER = "/trace/{trace_id}"
_JAEGER_API = "/api/traces/{trace_id}?prettyPrint=true"
_PROMETHEUS = "/query?g0.expr=shop_orders_total&g0.tab=graph"
_PROMETHEUS_API = "/api/v1/query?query=shop_orders_total"
_VICTORIALOGS = "/select/vmui/#/?query=trace_id:={trace_id}&g0.range_input=1h&g0.end_input={end}"


async def find_links(http: httpx.AsyncClient, stack: Stack, grafana: str) -> dict[str, str]:
    """Return an address template by label for each back end that answers. ``page`` completes a template.

    Args:
        http: HTTP client.
        stack: Addresses of the back ends.
        grafana: Base URL of Grafana, empty if it does not answer.
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
    """Return the address of the page for a trace of the last hour. It stays valid afterwards."""
    end = datetime.now(UTC) + timedelta(minutes=1)
    return template.format(trace_id=trace_id, end=end.strftime("%Y-%m-%dT%H:%M:%SZ"))


async def _has_web_ui(http: httpx.AsyncClient, address: str) -> bool:
    """Return whether the address answers a page with a script. Jaeger without its web UI answers one without."""
    try:
        answer = await http.get(address, timeout=2.0)
    except httpx.HTTPError:
        return False
    return answer.is_success and "<script" in answer.text
