"""Dashboard JSON → checks of its queries, variables and annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from monitoring.tester.catalogue.files import Object, child, children, texts
from monitoring.tester.catalogue.interpolation import seconds
from monitoring.tester.catalogue.variables import variable_checks
from monitoring.tester.model import Check, Scope

EXCUSE: Final = re.compile(r"(?:^|(?<=[.!?])\s+|\n\s*)(Empty [^\n]*?[.!?])(?=\s|$)")
PROMETHEUS: Final = "prometheus"
LOGS: Final = "victoriametrics-logs-datasource"
JAEGER: Final = "jaeger"
ALERTMANAGER: Final = "alertmanager"
_WITHOUT_QUERY: Final = {"row", "text", "news", "dashlist"}
_GRAFANA: Final = {"-- Grafana --", "grafana"}


def dashboard_checks(dashboard: Object, sources: Mapping[str, Object]) -> Iterator[Check]:
    """Yield a check for each query of a dashboard, in the order of its JSON."""
    scope = dashboard_scope(dashboard, sources)
    yield from variable_checks(dashboard, sources, scope)
    for annotation in children(child(dashboard, "annotations"), "list"):
        yield from _annotation(annotation, sources, scope)
    for panel in panels(dashboard):
        yield from _panel(panel, sources, scope)


def dashboard_scope(dashboard: Object, sources: Mapping[str, Object]) -> Scope:
    """Return the default time range of a dashboard, with the scrape interval of the first Prometheus."""
    scope = Scope(dashboard=str(dashboard["uid"]))
    span = seconds(str(child(dashboard, "time").get("from", "now-1h")), scope)
    own = [one for one in sources.values() if one.get("type") == PROMETHEUS]
    scrape = seconds(str(child(own[0], "jsonData").get("timeInterval", "15s")), scope) if own else 15.0
    return replace(scope, range_seconds=span, scrape_seconds=scrape)


def panels(dashboard: Object) -> Iterator[Object]:
    """Yield all panels, also those of collapsed rows."""
    for panel in children(dashboard, "panels"):
        yield panel
        yield from panels(panel)


def excuse(panel: Object) -> str:
    """Return the sentence of the description that starts with "Empty", or an empty text."""
    found = EXCUSE.search(str(panel.get("description") or ""))
    return found[1] if found else ""


def source_problem(uid: str, sources: Mapping[str, Object]) -> str:
    """Return why no query can use this data source, or an empty text."""
    if uid in sources:
        return ""
    return f"data source {uid!r} is not provisioned. Use one of {', '.join(sorted(sources))}."


def _panel(panel: Object, sources: Mapping[str, Object], scope: Scope) -> Iterator[Check]:
    title = str(panel.get("title") or f"panel {panel.get('id')}")
    base = Check(scope.dashboard, title, "", "static", "", scope=_panel_scope(panel, scope), excuse=excuse(panel))
    targets = children(panel, "targets")
    if panel.get("type") == "alertlist":
        yield replace(base, part="alerts", kind="alertmanager alerts", options=child(panel, "options"))
    elif not targets and panel.get("type") not in _WITHOUT_QUERY:
        yield replace(base, part="queries", options={"problem": "panel has no query. Add one, or remove the panel."})
    for number, target in enumerate(targets):
        named = replace(base, part=f"query {target.get('refId') or number}")
        uid = str((child(target, "datasource") or child(panel, "datasource")).get("uid", ""))
        yield from query_checks(named, target, uid, sources)


def _panel_scope(panel: Object, scope: Scope) -> Scope:
    changed = replace(scope, max_points=int(panel.get("maxDataPoints") or scope.max_points))
    if panel.get("timeFrom"):
        changed = replace(changed, range_seconds=seconds(str(panel["timeFrom"]), scope))
    return replace(changed, min_step_seconds=seconds(str(panel.get("interval") or ""), changed))


def _annotation(annotation: Object, sources: Mapping[str, Object], scope: Scope) -> Iterator[Check]:
    uid = str(child(annotation, "datasource").get("uid", ""))
    if annotation.get("builtIn") or uid in _GRAFANA:
        return
    note = "Empty until there is an event to annotate."
    base = Check(scope.dashboard, str(annotation.get("name")), "annotation", "static", "", scope=scope, excuse=note)
    yield from query_checks(base, child(annotation, "target") or annotation, uid, sources)


def query_checks(base: Check, target: Object, uid: str, sources: Mapping[str, Object]) -> Iterator[Check]:
    """Yield the checks of one query: one for each of range, instant and exemplars.

    Args:
        base: Names and scope of the checks.
        target: The query as in the dashboard.
        uid: Uid of its data source.
        sources: Provisioned data sources by uid.
    """
    if problem := source_problem(uid, sources):
        yield replace(base, text=str(target.get("expr") or ""), options={"problem": problem})
        return
    base = replace(base, text=str(target.get("expr") or target.get("query") or ""))
    match sources[uid].get("type"):
        case "prometheus":
            yield from _prometheus(base, target)
        case "victoriametrics-logs-datasource":
            yield from _logs(base, target, sources[uid])
        case "jaeger":
            yield _jaeger(base, target)
        case other:
            problem = f"queries of data source type {other!r} cannot be run. Use Prometheus, Jaeger or VictoriaLogs."
            yield replace(base, options={"problem": problem})


def _prometheus(base: Check, target: Object) -> Iterator[Check]:
    step = seconds(str(target.get("interval") or target.get("step") or ""), base.scope)
    if step:
        base = replace(base, scope=replace(base.scope, min_step_seconds=step))
    is_instant = bool(target.get("instant"))
    if is_instant:
        yield replace(base, kind="prometheus instant")
    if target.get("range") or not is_instant:
        part = f"{base.part} range" if is_instant else base.part
        yield replace(base, part=part, kind="prometheus range")
    if target.get("exemplar"):
        yield replace(base, part=f"{base.part} exemplars", kind="prometheus exemplars")


def _logs(base: Check, target: Object, source: Object) -> Iterator[Check]:
    kind = str(target.get("queryType") or "instant")
    options: dict[str, Any] = {
        "limit": int(target.get("maxLines") or child(source, "jsonData").get("maxLines") or 1000),
        "fields": texts(target, "fields"),
        "step": str(target.get("step") or ""),
    }
    yield replace(base, kind=f"victorialogs {kind}", options=options)


def _jaeger(base: Check, target: Object) -> Check:
    kind = str(target.get("queryType") or "trace")
    names = ("service", "operation", "tags", "minDuration", "maxDuration", "limit")
    wanted = {name: str(target[name]) for name in names if target.get(name)}
    return replace(base, kind=f"jaeger {kind}", options=wanted)
