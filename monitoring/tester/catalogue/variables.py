"""Template variables of a dashboard → checks of their queries, and values from the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from monitoring.tester.catalogue.files import Object, child, children, texts
from monitoring.tester.catalogue.interpolation import ALL, REFERENCE, Value
from monitoring.tester.model import Check, Scope

_LABEL_VALUES: Final = re.compile(
    r"label_values\(\s*(?:(?P<metric>.+?)\s*,\s*)?(?P<label>[\w.\"$]+)\s*\)\s*$", re.DOTALL
)
_QUERY_RESULT: Final = re.compile(r"query_result\((?P<query>.+)\)\s*$", re.DOTALL)
_METRICS: Final = re.compile(r"metrics\((?P<pattern>.+)\)\s*$")
_TRACE_NAMES: Final = re.compile(r"trace", re.IGNORECASE)


def variables(dashboard: Object) -> list[Object]:
    """Return the template variables so that each follows those that its query refers to."""
    waiting = list(children(child(dashboard, "templating"), "list"))
    names = {str(one["name"]) for one in waiting}
    done: list[Object] = []
    while waiting:
        known = {one["name"] for one in done}
        ready = [one for one in waiting if not (_references(one) & names) - known - {one["name"]}]
        done += ready or waiting
        waiting = [one for one in waiting if one not in done]
    return done


def variable_checks(dashboard: Object, sources: Mapping[str, Object], scope: Scope) -> Iterator[Check]:
    """Yield a check for each variable with a query."""
    for one in variables(dashboard):
        if one.get("type") == "query":
            yield _check(one, sources, scope)


def value_of(variable: Object, found: Sequence[str], sources: Mapping[str, Object], *, trace_id: str) -> Value:
    """Return the value of a variable after the dashboard is opened.

    Args:
        variable: The variable as in the dashboard.
        found: Answer of its query, empty for other types.
        sources: Provisioned data sources by uid.
        trace_id: Trace id for an empty text box whose name has the word "trace".
    """
    is_multiple = bool(variable.get("multi") or variable.get("includeAll"))
    current = child(variable, "current")
    chosen = texts(current, "value") if isinstance(current.get("value"), list) else [str(current.get("value") or "")]
    chosen = [one for one in chosen if one]
    match variable.get("type"):
        case "datasource":
            own = [uid for uid, one in sources.items() if one.get("type") == variable.get("query")]
            return Value(tuple(chosen or own[:1]))
        case "query" | "custom" | "interval":
            values = list(found) or _listed(str(variable.get("query") or ""))
        case _:
            text = chosen[0] if chosen else str(variable.get("query") or "")
            is_trace = not text and bool(_TRACE_NAMES.search(str(variable["name"])))
            return Value((trace_id if is_trace else text,))
    if ALL in chosen or (variable.get("includeAll") and not chosen):
        return Value(tuple(values), is_multiple, str(variable.get("allValue") or ""), is_all=True)
    kept = [one for one in chosen if one in values] or values[:1]
    return Value(tuple(kept), is_multiple)


def filtered(variable: Object, found: Sequence[str]) -> list[str]:
    """Return the values that the regular expression of a variable keeps, sorted, each once."""
    pattern = str(variable.get("regex") or "")
    if not pattern:
        return sorted(set(found))
    compiled = re.compile(pattern[1 : pattern.rindex("/")] if pattern.startswith("/") else pattern)
    matches = [match for one in found if (match := compiled.search(one))]
    return sorted({match[1] if match.re.groups else match.string for match in matches})


def _references(variable: Object) -> set[str]:
    return {match["plain"] or match["name"] for match in REFERENCE.finditer(str(variable.get("query") or ""))}


def _listed(text: str) -> list[str]:
    return [one.strip().partition(" : ")[2] or one.strip() for one in text.split(",") if one.strip()]


def _check(variable: Object, sources: Mapping[str, Object], scope: Scope) -> Check:
    uid = str(child(variable, "datasource").get("uid", ""))
    name = f"${variable['name']}"
    query = variable.get("query")
    if uid not in sources:
        problem = f"data source {uid!r} is not provisioned. Use one of {', '.join(sorted(sources))}."
        return Check(scope.dashboard, name, "variable", "static", str(query), {"problem": problem}, scope)
    if sources[uid].get("type") == "prometheus":
        kind, text, options = _prometheus(str(child(variable, "query").get("query") or query))
    else:
        kind, text, options = _logs(child(variable, "query"))
    return Check(scope.dashboard, name, "variable", kind, text, {**options, "variable": variable}, scope)


def _prometheus(text: str) -> tuple[str, str, dict[str, Any]]:
    if found := _LABEL_VALUES.match(text):
        return "prometheus label_values", found["metric"] or "", {"label": found["label"]}
    if found := _QUERY_RESULT.match(text):
        return "prometheus query_result", found["query"], {}
    if found := _METRICS.match(text):
        return "prometheus metrics", found["pattern"], {}
    problem = "unknown variable query. Use label_values(metric, label), query_result(query) or metrics(regex)."
    return "static", text, {"problem": problem}


def _logs(query: Object) -> tuple[str, str, dict[str, Any]]:
    kind = {"fieldValue": "field_values", "fieldName": "field_names"}.get(str(query.get("type")), "")
    if not kind:
        return "static", str(query), {"problem": f"unknown type {query.get('type')!r}. Use fieldValue or fieldName."}
    return f"victorialogs {kind}", str(query.get("query") or "*"), {"field": query.get("field", "")}
