"""Path and query of the read API → JSON about what the store holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from flext_observability.viewer.replies import Reply, json_reply
from flext_observability.viewer.store import Store

_TRACE = "/api/traces/"
_DEFAULT_LIMIT = 1_000
_MAX_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class _Query:
    """What a request asks for; an empty text asks for everything."""

    service: str
    name: str
    trace_id: str
    limit: int


class Pages:
    """The read API; ``docs/viewer.md`` describes the shapes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pages: dict[str, Callable[[_Query], object]] = {
            "/": self._index,
            "/api/summary": self._summary,
            "/api/services": self._services,
            "/api/traces": self._traces,
            "/api/metrics": self._metrics,
            "/api/logs": self._logs,
        }

    def answer(self, path: str, query: str) -> Reply:
        """Return the page of a path, or a reply that says which pages there are."""
        if path.startswith(_TRACE):
            return self._trace(path.removeprefix(_TRACE).lower())
        page = self._pages.get(path)
        if page is None:
            return json_reply({"error": "no such page", "pages": list(self._pages)}, HTTPStatus.NOT_FOUND)
        return json_reply(page(_parse(query)))

    def _index(self, query: _Query) -> object:
        return {"pages": [*self._pages, _TRACE + "{trace_id}"]}

    def _summary(self, query: _Query) -> object:
        return self._store.summary()

    def _services(self, query: _Query) -> object:
        return {"version": self._store.version, "services": self._store.services()}

    def _traces(self, query: _Query) -> object:
        version = self._store.version  # read first: a page that asks again for what is newer misses nothing
        return {"version": version, "traces": self._store.traces(service=query.service, limit=query.limit)}

    def _metrics(self, query: _Query) -> object:
        version = self._store.version
        return {"version": version, "metrics": self._store.metrics(service=query.service, name=query.name)}

    def _logs(self, query: _Query) -> object:
        version = self._store.version
        logs = self._store.logs(trace_id=query.trace_id, service=query.service, limit=query.limit)
        return {"version": version, "logs": logs}

    def _trace(self, trace_id: str) -> Reply:
        version, trace = self._store.version, self._store.trace(trace_id)
        if trace is None:
            return json_reply({"error": f"no trace {trace_id[:64]!r} is kept"}, HTTPStatus.NOT_FOUND)
        content = {
            "version": version,
            "trace_id": trace_id,
            "hidden_spans": trace.hidden_spans,
            "spans": trace.spans,
            "logs": trace.logs,
        }
        return json_reply(content)


def _parse(query: str) -> _Query:
    asked = {name: values[-1] for name, values in parse_qs(query, errors="replace").items()}
    limit = asked.get("limit", "")
    return _Query(
        service=asked.get("service", ""),
        name=asked.get("name", ""),
        trace_id=asked.get("trace_id", "").lower(),
        limit=min(int(limit), _MAX_LIMIT) if limit.isdecimal() and len(limit) < 10 else _DEFAULT_LIMIT,
    )
