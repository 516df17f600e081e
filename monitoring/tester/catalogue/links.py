"""Links of dashboards and data sources → checks of their targets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from monitoring.tester.catalogue.dashboards import panels, source_problem
from monitoring.tester.catalogue.files import Object, child, children, texts
from monitoring.tester.catalogue.rules import file_of
from monitoring.tester.model import Check

_MARKDOWN: Final = re.compile(r"\]\(([^)\s]+)\)|(?<![(\"])(https?://[^\s)\"<>]+)")
_EXPLORE: Final = "/explore"
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}|\$\w+")


def link_checks(
    dashboard: Object, dashboards: Mapping[str, Object], sources: Mapping[str, Object], repository: Path
) -> Iterator[Check]:
    """Yield a check for each link of a dashboard, its panels, fields and texts."""
    uid = str(dashboard["uid"])
    for number, link in enumerate(children(dashboard, "links"), start=1):
        name = str(link.get("title") or number)
        if link.get("type") == "dashboards":
            yield _list(uid, f"link {name}", texts(link, "tags"), dashboards)
        else:
            url = str(link.get("url", ""))
            problem = url_problem(url, dashboards, sources, repository)
            yield Check(uid, "dashboard", f"link {name}", "static", url, {"problem": problem})
    for panel in panels(dashboard):
        title = str(panel.get("title") or f"panel {panel.get('id')}")
        if panel.get("type") == "dashlist":
            yield _list(uid, title, texts(child(panel, "options"), "tags"), dashboards)
        for number, url in enumerate(_urls(panel), start=1):
            problem = url_problem(url, dashboards, sources, repository)
            yield Check(uid, title, f"link {number}", "static", url, {"problem": problem})


def source_checks(sources: Mapping[str, Object]) -> Iterator[Check]:
    """Yield a check for each link between data sources."""
    for uid, source in sources.items():
        data = child(source, "jsonData")
        for link in children(data, "exemplarTraceIdDestinations"):
            yield _source(uid, "exemplar → trace", link, link.get("datasourceUid"), sources)
        for link in children(data, "derivedFields"):
            yield _source(uid, "log → trace", link, link.get("datasourceUid"), sources)
        if link := child(data, "tracesToLogsV2"):
            yield _source(uid, "trace → logs", link, link.get("datasourceUid"), sources)
        if link := child(data, "tracesToMetrics"):
            for number, query in enumerate(children(link, "queries"), start=1):
                options = {**link, "query": query.get("query", "")}
                name = f"trace → metrics {number}"
                yield _source(uid, name, options, link.get("datasourceUid"), sources)
        if other := str(data.get("alertmanagerUid") or ""):
            yield Check("links", uid, "alerts", "static", other, {"problem": source_problem(other, sources)})


def url_problem(url: str, dashboards: Mapping[str, Object], sources: Mapping[str, Object], repository: Path) -> str:
    """Return why a link leads nowhere, or an empty text. Pages of other sites are not opened."""
    parts = urlsplit(url)
    if path := file_of(url):
        exists = any(repository.glob(_PLACEHOLDER.sub("*", path)))
        return "" if exists else f"no file {path}. Write it, or correct the link."
    if parts.scheme in {"http", "https"} and parts.netloc:
        return ""
    if parts.path == _EXPLORE:
        return next((problem for uid in _explored(parts.query) if (problem := source_problem(uid, sources))), "")
    found = re.match(r"/d/([^/]+)", parts.path)
    if found is None:
        return f"{url!r} is neither a dashboard nor an absolute URL. Use /d/<uid> or https://."
    return _dashboard_problem(found[1], parts.query, dashboards)


def _dashboard_problem(uid: str, query: str, dashboards: Mapping[str, Object]) -> str:
    target = dashboards.get(uid)
    if target is None:
        return f"no dashboard has the uid {uid!r}. Use one of {', '.join(sorted(dashboards))}."
    known = {f"var-{one['name']}" for one in children(child(target, "templating"), "list")}
    given = {name for name, _ in parse_qsl(_PLACEHOLDER.sub("x", query)) if name.startswith("var-")}
    missing = sorted(given - known)
    return f"dashboard {uid!r} has no variable {', '.join(missing)}. Correct the link." if missing else ""


def _explored(query: str) -> list[str]:
    """Return the uids of the data sources that a link to Explore opens."""
    return re.findall(r'(?:"(?:uid|datasource)":\s*"|\buid=)([^"&]*)', unquote(query)) or ["(none)"]


def _list(uid: str, item: str, tags: list[str], dashboards: Mapping[str, Object]) -> Check:
    found = [one for one in dashboards.values() if set(tags) <= set(texts(one, "tags"))]
    problem = "" if found else f"no dashboard has the tags {', '.join(tags)}. Correct them."
    return Check(uid, item, "dashboards", "static", ", ".join(tags), {"problem": problem, "rows": len(found)})


def _urls(panel: Object) -> Iterator[str]:
    fields = child(panel, "fieldConfig")
    properties = [one for override in children(fields, "overrides") for one in children(override, "properties")]
    groups = [
        children(panel, "links"),
        children(child(fields, "defaults"), "links"),
        *(children(one, "value") for one in properties if one.get("id") == "links"),
    ]
    # An internal link has a data source instead of a URL. Grafana opens its query in Explore.
    yield from (
        str(link.get("url") or f"{_EXPLORE}?uid={child(link, 'internal').get('datasourceUid', '')}")
        for group in groups
        for link in group
    )
    if panel.get("type") == "text":
        content = str(child(panel, "options").get("content", ""))
        yield from (first or second for first, second in _MARKDOWN.findall(content))


def _source(uid: str, name: str, link: Object, other: object, sources: Mapping[str, Object]) -> Check:
    if problem := source_problem(str(other), sources):
        return Check("links", uid, name, "static", str(other), {"problem": problem})
    text = str(link.get("query") or link.get("matcherRegex") or link.get("name") or "")
    kind = re.sub(r" \d+$", "", name)
    return Check("links", uid, name, f"link {kind}", text, {**link, "target": str(sources[str(other)].get("type"))})
