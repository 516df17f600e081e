"""Queries to Prometheus → number of series with data, values of labels, exemplars, state of rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from monitoring.tester.backends.http import Api, Row
from monitoring.tester.model import Scope

_HISTORY_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric of an expression, with the labels that it is selected by."""

    name: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Prometheus's query API."""

    api: Api

    def instant(self, expression: str, now: float) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series with a number. NaN is no number: panels show nothing for it."""
        data = self.api.get("/api/v1/query", {"query": expression, "time": f"{now:.3f}"})["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        rows = [(row["metric"], row) for row in data["result"]]
        plain = [(labels, float(row["value"][1])) for labels, row in rows if "value" in row]
        native = [(labels, float(row["histogram"][1]["count"])) for labels, row in rows if "histogram" in row]
        return [(labels, value) for labels, value in plain + native if not math.isnan(value)]

    def value(self, expression: str, now: float) -> float:
        """Return the value of an expression with one series at most, 0 without a series."""
        found = self.instant(expression, now)
        return found[0][1] if found else 0.0

    def range(self, expression: str, scope: Scope, now: float) -> int:
        """Return the number of series with a number in the time range of a panel."""
        step = scope.step_seconds
        end = now - now % step  # Grafana aligns the time range with the step
        parameters = {
            "query": expression,
            "start": f"{end - scope.range_seconds:.3f}",
            "end": f"{end + step:.3f}",
            "step": f"{step:.0f}",
        }
        rows = self.api.get("/api/v1/query_range", parameters)["data"]["result"]
        return sum(
            bool(row.get("histograms")) or any(not math.isnan(float(value)) for _, value in row.get("values", []))
            for row in rows
        )

    def exemplars(self, expression: str, scope: Scope, now: float) -> list[dict[str, str]]:
        """Return the labels of all exemplars in the time range, newest first."""
        times = {"start": f"{now - scope.range_seconds:.3f}", "end": f"{now + 60:.3f}"}
        data = self.api.get("/api/v1/query_exemplars", {"query": expression, **times})["data"]
        found = [(float(one["timestamp"]), one["labels"]) for row in data for one in row["exemplars"]]
        return [labels for _, labels in sorted(found, key=lambda one: one[0], reverse=True)]

    def label_values(self, label: str, match: str, scope: Scope, now: float) -> list[str]:
        """Return the values of a label in the time range, of the series that match."""
        times = {"start": f"{now - scope.range_seconds:.3f}", "end": f"{now + 60:.3f}"}
        matching = {"match[]": match} if match else {}
        return [str(one) for one in self.api.get(f"/api/v1/label/{label}/values", {**times, **matching})["data"]]

    def selectors(self, expression: str) -> set[Selector]:
        """Return the metrics that an expression reads, by Prometheus's own parser."""
        return set(_selectors(self.api.get("/api/v1/parse_query", {"query": expression})["data"]))

    def labels(self, metric: str, now: float) -> set[str]:
        """Return the names of all labels of a metric in the last hour, empty without a series."""
        times = {"start": f"{now - _HISTORY_SECONDS:.3f}", "end": f"{now + 60:.3f}"}
        found = self.api.get("/api/v1/labels", {"match[]": f'{{__name__="{metric}"}}', **times})["data"]
        return {str(one) for one in found}

    def rule(self, name: str) -> tuple[str, str] | None:
        """Return health and last error of a loaded alert rule; None if it is not loaded."""
        groups = self.api.get("/api/v1/rules", {"type": "alert"})["data"]["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            if rule["name"] == name:
                return str(rule["health"]), str(rule.get("lastError", ""))
        return None

    def alerts(self) -> list[dict[str, str]]:
        """Return the labels of all firing alerts."""
        found = self.api.get("/api/v1/alerts")["data"]["alerts"]
        return [one["labels"] for one in found if one["state"] == "firing"]


def _selectors(node: object) -> Iterator[Selector]:
    if isinstance(node, list):
        for one in cast("list[object]", node):
            yield from _selectors(one)
    if not isinstance(node, dict):
        return
    row = cast("Row", node)
    if "matchers" in row:
        matchers = {one["name"]: one for one in row["matchers"]}
        name = str(row.get("name") or matchers.get("__name__", {}).get("value", ""))
        labels = {label for label, one in matchers.items() if label != "__name__" and _needs_label(one)}
        yield Selector(name, frozenset(labels))
        return
    for one in row.values():
        yield from _selectors(one)


def _needs_label(matcher: Row) -> bool:
    """Return whether only series with the label can match."""
    return matcher["type"] in {"=", "=~"} and matcher["value"] not in {"", ".*"}
