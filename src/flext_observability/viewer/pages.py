"""Path and query of the read API → JSON reply from the store, as documented in ``docs/viewer.md``."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

from flext_observability.viewer.replies import Reply, json_reply
from flext_observability.viewer.store import Store

_PAGES = ("/", "/api/summary", "/api/services", "/api/traces", "/api/metrics", "/api/logs")
_TRACE = "/api/traces/"
_DEFAULT_LIMIT = 1_000
_MAX_LIMIT = 10_000


def read(store: Store, path: str, query: str) -> Reply:
    """Return the page of a path, or 404 with the list of pages."""
    version = store.version  # read before the data: a client that polls by version misses nothing
    parameters = {key: values[-1] for key, values in parse_qs(query, errors="replace").items()}
    service, limit = parameters.get("service", ""), _limit(parameters.get("limit", ""))
    content: object
    match path:
        case "/":
            content = {"pages": [*_PAGES, _TRACE + "{trace_id}"]}
        case "/api/summary":
            content = store.summary()
        case "/api/services":
            content = {"version": version, "services": store.services()}
        case "/api/traces":
            content = {"version": version, "traces": store.traces(service=service, limit=limit)}
        case "/api/metrics":
            content = {"version": version, "metrics": store.metrics(service=service, name=parameters.get("name", ""))}
        case "/api/logs":
            logs = store.logs(trace_id=parameters.get("trace_id", "").lower(), service=service, limit=limit)
            content = {"version": version, "logs": logs}
        case _ if path.startswith(_TRACE):
            return _trace(store, path.removeprefix(_TRACE).lower())
        case _:
            return json_reply({"error": "no such page", "pages": _PAGES}, HTTPStatus.NOT_FOUND)
    return json_reply(content)


def _trace(store: Store, trace_id: str) -> Reply:
    version, trace = store.version, store.trace(trace_id)
    if trace is None:
        message = f"unknown trace {trace_id[:64]!r}: it was not received, or evicted"
        return json_reply({"error": message}, HTTPStatus.NOT_FOUND)
    content = {
        "version": version,
        "trace_id": trace_id,
        "hidden_spans": trace.hidden_spans,
        "spans": trace.spans,
        "logs": trace.logs,
    }
    return json_reply(content)


def _limit(text: str) -> int:
    return min(int(text), _MAX_LIMIT) if text.isdecimal() and len(text) < 10 else _DEFAULT_LIMIT
