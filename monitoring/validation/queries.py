"""Queries of dashboards and provisioned data sources → those that the parser of their back end rejects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from monitoring.native.parts import PROMETHEUS
from monitoring.validation.check import Check
from monitoring.validation.documents import Document, list_of, mapping_of
from monitoring.validation.faults import Fault
from monitoring.validation.grafana import (
    Path,
    dashboard_files,
    entries,
    provided,
    provisioning_files,
    readable,
    title_of,
)
from monitoring.validation.logsql import LogsQLParser
from monitoring.validation.prometheus import reason
from monitoring.validation.tree import Tree, nearest
from monitoring.validation.variables import unknown_variables, variables_of, without_variables

_VICTORIALOGS: Final = "victoriametrics-logs-datasource"
_VARIABLE_QUERIES: Final = (
    re.compile(r"^\s*label_values\(\s*(?P<query>.+?)\s*,\s*[\w.]+\s*\)\s*$", re.DOTALL),
    re.compile(r"^\s*query_result\((?P<query>.+)\)\s*$", re.DOTALL),
)
_FUNCTIONS_OF_VARIABLES: Final = ("label_values", "query_result", "label_names", "metrics")
_RULE = re.compile(r'rule (\d+), "[^"]*": (?:could not parse expression: )?(.*)')


@dataclass(frozen=True, slots=True)
class Query:
    """One query with its place."""

    document: Document
    path: Path
    text: str
    """The query without variables."""
    kind: str = ""
    """Type of the query in VictoriaLogs: `instant`, `stats`, `statsRange` or `hits`."""

    def fault(self, why: str, action: str) -> Fault:
        """Return a fault at the line of this query."""
        what = f"query of {title_of(self.document, self.path)}"
        return Fault(self.document.file, self.document.line(*self.path), what, why, action)


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the PromQL queries, one of the LogsQL queries, and one of the variables in all queries."""
    yield Check("PromQL queries of dashboards and data sources", partial(_promql, tree))
    yield Check("LogsQL queries of dashboards and data sources", partial(_logsql, tree))
    yield Check("variables in queries of dashboards", partial(_variables, tree))


def queries(tree: Tree, source_type: str) -> list[Query]:
    """Return all queries for data sources of one type."""
    types = provided(tree)
    found: list[Query] = []
    for document in readable(tree, dashboard_files(tree)):
        variables = variables_of(document)
        for path, text, uid, kind in _raw(document):
            if types.get(uid, "prometheus" if not uid else "") == source_type:
                found.append(Query(document, path, without_variables(text, variables), kind))
    for document in readable(tree, provisioning_files(tree)):
        found += [
            Query(document, path, without_variables(text.replace("$$", "$"), {}), "instant")
            for path, text, uid in _of_links(document)
            if types.get(uid) == source_type
        ]
    return found


def _raw(document: Document) -> Iterator[tuple[Path, str, str, str]]:
    """Yield path, text, data source and kind of each query of a dashboard, with its variables."""
    for entry in entries(document):
        expression = entry.data.get("expr")
        if isinstance(expression, str) and expression.strip():
            kind = str(entry.data.get("queryType") or "instant")
            yield (*entry.path, "expr"), expression, entry.source, kind
        if entry.path[:2] == ("templating", "list") and entry.data.get("type") == "query":
            yield from _of_variable(entry.path, entry.data.get("query"), entry.source)


def _of_variable(path: Path, query: object, source: str) -> Iterator[tuple[Path, str, str, str]]:
    """Yield the query of a template variable, which is a text or a mapping with a text."""
    place = (*path, "query")
    if isinstance(query, dict):
        query, place = mapping_of(cast("object", query)).get("query"), (*place, "query")
    if not isinstance(query, str) or not query.strip():
        return
    for pattern in _VARIABLE_QUERIES:
        if found := pattern.match(query):
            yield place, found["query"], source, "instant"
            return
    if not query.lstrip().startswith(_FUNCTIONS_OF_VARIABLES):
        yield place, query, source, "instant"


def _of_links(document: Document) -> Iterator[tuple[Path, str, str]]:
    """Yield the queries of links between data sources: traces to metrics, traces to logs."""
    for entry in entries(document):
        uid = str(entry.data.get("datasourceUid") or "")
        texts: list[tuple[Path, object]] = [(("query",), entry.data.get("query"))]
        for number, one in enumerate(list_of(entry.data.get("queries"))):
            texts.append((("queries", number, "query"), mapping_of(one).get("query")))
        for steps, text in texts:
            if uid and isinstance(text, str):
                yield (*entry.path, *steps), text, uid


def _variables(tree: Tree) -> Iterator[Fault]:
    for document in readable(tree, dashboard_files(tree)):
        known = variables_of(document)
        for path, text, _, _ in _raw(document):
            for name in unknown_variables(text, known):
                query = Query(document, path, text)
                yield query.fault(f"the dashboard has no variable ${name}", nearest(name, known).replace('"', '"$', 1))


def _promql(tree: Tree) -> Iterator[Fault]:
    """Yield the faults that promtool finds in a rule file with one rule for each query."""
    found = queries(tree, "prometheus")
    file = tree.scratch.state / "queries.yml"
    rules = [{"record": f"query:{number}", "expr": query.text} for number, query in enumerate(found)]
    # JSON is valid YAML.
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}, indent=1), encoding="utf-8")
    answer = tree.run(PROMETHEUS, "promtool", ["check", "rules", "--lint=none", str(file)])
    if answer.good:
        return
    for entry in dict.fromkeys(answer.text.split(f"{file}: ")):
        if matched := _RULE.search(" ".join(entry.split())):
            yield found[int(matched[1]) - 1].fault(*reason(matched[2], "query"))


def _logsql(tree: Tree) -> Iterator[Fault]:
    """Yield the faults that an own VictoriaLogs without data finds."""
    found = queries(tree, _VICTORIALOGS)
    if not found:
        return
    with LogsQLParser(tree) as parser:
        for query in found:
            if problem := parser.problem(query.text, query.kind):
                yield query.fault(problem, "Correct the query")
