"""Panels of a dashboard file → their data in the real Prometheus."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from monitoring.tester.catalogue.dashboards import dashboard_scope
from monitoring.tester.catalogue.files import Object, child, children
from monitoring.tester.catalogue.interpolation import Value, interpolate
from monitoring.tester.model import Scope

_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
POINTS: Final = 120


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one line, with seconds before the end as position."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with its place in the grid and its data."""

    title: str
    kind: str
    unit: str
    place: Mapping[str, int]
    series: tuple[tuple[Series, ...], ...]
    """Series of each query."""
    columns: Mapping[str, str]
    """Titles of a table by field."""
    other_source: bool = False
    """Whether the data is in another back end than Prometheus."""


def read(dashboard: Object, sources: Mapping[str, Object], http: httpx.Client, now: float) -> Iterator[Panel]:
    """Yield the panels and rows of a dashboard. All values of its variables are selected."""
    scope = dashboard_scope(dashboard, sources)
    values = {
        str(one["name"]): Value((), is_multiple=True, all_value=".*", is_all=True)
        for one in children(child(dashboard, "templating"), "list")
    }
    for panel in children(dashboard, "panels"):
        targets = children(panel, "targets")
        foreign = any(child(target, "datasource").get("uid") != "prometheus" for target in targets)
        found = () if foreign else tuple(_query(target, values, scope, http, now) for target in targets)
        defaults = child(child(panel, "fieldConfig"), "defaults")
        place = {name: int(number) for name, number in child(panel, "gridPos").items() if name in "xywh"}
        unit = str(defaults.get("unit") or "")
        yield Panel(str(panel["title"]), str(panel["type"]), unit, place, found, _columns(panel), foreign)


def _query(
    target: Object, values: Mapping[str, Value], scope: Scope, http: httpx.Client, now: float
) -> tuple[Series, ...]:
    expression = interpolate(str(target["expr"]), values, scope, now=now)
    legend = str(target.get("legendFormat") or "")
    if target.get("instant"):
        rows = _get(http, "/api/v1/query", {"query": expression, "time": f"{now:.3f}"})
        found = [(row["metric"], [row["value"]]) for row in rows]
    else:
        step = max(scope.range_seconds / POINTS, 15.0)
        times = {"start": f"{now - scope.range_seconds:.3f}", "end": f"{now:.3f}", "step": f"{step:.0f}"}
        rows = _get(http, "/api/v1/query_range", {"query": expression, **times})
        found = [(row["metric"], row.get("values", [])) for row in rows]
    return tuple(_series(labels, points, legend, now) for labels, points in found)


def _series(labels: Mapping[str, str], points: list[list[Any]], legend: str, now: float) -> Series:
    name = _LEGEND.sub(lambda match: labels.get(match[1], ""), legend).strip()
    automatic = ", ".join(f"{key}={value}" for key, value in labels.items())
    numbers = [(float(time) - now, float(value)) for time, value in points]
    finite = tuple((time, value) for time, value in numbers if math.isfinite(value))
    return Series(name if name and name != "__auto" else automatic, labels, finite)


def _columns(panel: Object) -> dict[str, str]:
    for one in children(panel, "transformations"):
        if one.get("id") == "organize":
            options = child(one, "options")
            titles, places = child(options, "renameByName"), child(options, "indexByName")
            return {name: str(titles[name]) for name in sorted(titles, key=lambda name: int(places[name]))}
    return {}


def _get(http: httpx.Client, path: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get(path, params=parameters).raise_for_status().json()["data"]["result"]
    return found
