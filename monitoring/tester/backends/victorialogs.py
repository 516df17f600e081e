"""LogsQL queries → log records, series and values of VictoriaLogs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.tester.backends.http import Api
from monitoring.tester.model import Scope


@dataclass(frozen=True, slots=True)
class VictoriaLogs:
    """VictoriaLogs's query API, with the paths that its Grafana plug-in uses for each query type."""

    api: Api

    def records(self, query: str, scope: Scope, now: float, *, limit: int = 1000) -> list[dict[str, str]]:
        """Return the log records of a query (`instant`), in no order."""
        parameters = {"query": query, "limit": str(limit), **_times(scope, now)}
        text = self.api.text("/select/logsql/query", parameters)
        return [json.loads(line) for line in text.splitlines() if line]

    def stats(self, query: str, scope: Scope, now: float) -> int:
        """Return the number of results of a query with `stats` at one time (`stats`)."""
        data = self.api.get("/select/logsql/stats_query", {"query": query, **_times(scope, now)})["data"]
        return len(data["result"])

    def value(self, query: str, scope: Scope, now: float) -> float:
        """Return the first number of a query with `stats`."""
        result = self.api.get("/select/logsql/stats_query", {"query": query, **_times(scope, now)})["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def stats_range(self, query: str, scope: Scope, now: float, step: str) -> int:
        """Return the number of series of a query with `stats` over time (`statsRange`)."""
        parameters = {"query": query, "step": step, **_times(scope, now)}
        result = self.api.get("/select/logsql/stats_query_range", parameters)["data"]["result"]
        return sum(bool(row["values"]) for row in result)

    def hits(self, query: str, scope: Scope, now: float, *, step: str, fields: Sequence[str]) -> int:
        """Return the number of groups with log records (`hits`)."""
        parameters = {"query": query, "step": step, "field": list(fields), **_times(scope, now)}
        found = self.api.get("/select/logsql/hits", parameters)["hits"]
        return sum(bool(row.get("total") or sum(row.get("values") or [])) for row in found)

    def field_values(self, query: str, field: str, scope: Scope, now: float) -> list[str]:
        """Return the values of a field in the records of a query."""
        parameters = {"query": query, "field": field, **_times(scope, now)}
        return [str(row["value"]) for row in self.api.get("/select/logsql/field_values", parameters)["values"]]

    def field_names(self, query: str, scope: Scope, now: float) -> list[str]:
        """Return the names of all fields in the records of a query."""
        found = self.api.get("/select/logsql/field_names", {"query": query, **_times(scope, now)})
        return [str(row["value"]) for row in found["values"]]


def _times(scope: Scope, now: float) -> dict[str, str]:
    return {"start": f"{now - scope.range_seconds:.3f}", "end": f"{now + 60:.3f}"}
