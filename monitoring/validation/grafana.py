"""Dashboards and provisioning files of Grafana → data sources that nothing provides, repeated ids, missing files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from monitoring.validation.check import Check
from monitoring.validation.documents import Document, list_of, mapping_of
from monitoring.validation.faults import Fault
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

DASHBOARDS: Final = "monitoring/grafana/dashboards"
PROVISIONING: Final = "monitoring/grafana/provisioning"
_OWN_OF_GRAFANA: Final = frozenset({"-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana", "__expr__", "-100"})
_REFERENCES: Final = frozenset({"datasourceUid", "alertmanagerUid", "datasourceUID"})

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping of a document with the data source that applies to it."""

    path: Path
    data: dict[str, Any]
    source: str
    """Uid of the nearest `datasource` at or above the mapping, else empty."""


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the provisioning files, and one of the data sources of all dashboards."""
    yield Check("data sources of Grafana's provisioning files", partial(_provisioning, tree))
    yield Check("data sources and ids of the dashboards", partial(_dashboards, tree))


def dashboard_files(tree: Tree) -> tuple[str, ...]:
    """Return the JSON files of all dashboards."""
    return tree.files(f"{DASHBOARDS}/**/*.json")


def provisioning_files(tree: Tree) -> tuple[str, ...]:
    """Return the provisioning files."""
    return tree.files(f"{PROVISIONING}/**/*.yml", f"{PROVISIONING}/**/*.yaml")


def readable(tree: Tree, files: tuple[str, ...]) -> Iterator[Document]:
    """Yield the documents with valid syntax. The checks of the syntax name the others."""
    for file in files:
        if not syntax_faults(tree, file):
            yield tree.document(file)


def provided(tree: Tree) -> dict[str, str]:
    """Return the type of each provisioned data source by its uid."""
    found: dict[str, str] = {}
    for document in readable(tree, provisioning_files(tree)):
        for number in range(len(document.sequence("datasources"))):
            source = document.mapping("datasources", number)
            found[str(source.get("uid", ""))] = str(source.get("type", ""))
    return found


def entries(document: Document) -> Iterator[Entry]:
    """Yield all mappings of a document from the outside to the inside."""
    yield from _entries(document.mapping(), (), "")


def _entries(value: object, path: Path, source: str) -> Iterator[Entry]:
    if isinstance(value, dict):
        own = mapping_of(cast("object", value))
        if "datasource" in own:
            source = uid_of(own["datasource"]) or source
        yield Entry(path, own, source)
        for key, child in own.items():
            yield from _entries(child, (*path, key), source)
    elif isinstance(value, list):
        for number, child in enumerate(list_of(cast("object", value))):
            yield from _entries(child, (*path, number), source)


def uid_of(source: object) -> str:
    """Return the uid of a `datasource` entry, which is a mapping or a text; empty for the default data source."""
    return source if isinstance(source, str) else str(mapping_of(source).get("uid") or "")


def _provisioning(tree: Tree) -> Iterator[Fault]:
    known = provided(tree)
    seen: dict[str, str] = {}
    for document in readable(tree, provisioning_files(tree)):
        for number in range(len(document.sequence("datasources"))):
            yield from _source(document, number, seen)
        for entry in entries(document):
            for key in sorted(_REFERENCES & entry.data.keys()):
                uid = str(entry.data[key] or "")
                if uid and uid not in known and uid not in _OWN_OF_GRAFANA:
                    line = document.line(*entry.path, key)
                    why = "no provisioning file provides it"
                    yield Fault(document.file, line, f'{key} "{uid}"', why, nearest(uid, known))


def _source(document: Document, number: int, seen: dict[str, str]) -> Iterator[Fault]:
    """Yield the faults of one data source: without a type, name or uid, or with the uid of another one."""
    source, line = document.mapping("datasources", number), document.line("datasources", number)
    for key in ("name", "type", "uid", "url"):
        if not source.get(key):
            why = "dashboards refer to it" if key == "uid" else "Grafana needs it"
            yield Fault(
                document.file,
                line,
                f'data source "{source.get("name", number)}"',
                f"{key} is missing: {why}",
                f"Add {key}",
            )
    uid = str(source.get("uid", ""))
    place = f"{document.file}:{line}"
    if uid and uid in seen:
        line = document.line("datasources", number, "uid")
        yield Fault(document.file, line, f'uid "{uid}"', f"the data source at {seen[uid]} has it", "Use another uid")
    seen.setdefault(uid, place)


def _dashboards(tree: Tree) -> Iterator[Fault]:
    known, uids = provided(tree), dict[str, str]()
    for document in readable(tree, dashboard_files(tree)):
        yield from _identity(document, uids)
        variables = {str(mapping_of(one).get("name")) for one in document.sequence("templating", "list")}
        for entry in entries(document):
            if "datasource" in entry.data:
                yield from _reference(document, entry, known, variables)


def _identity(document: Document, uids: dict[str, str]) -> Iterator[Fault]:
    dashboard = document.mapping()
    for key in ("uid", "title"):
        if not dashboard.get(key):
            yield Fault(document.file, 1, "dashboard", f"{key} is missing, links need it", f"Add {key}")
    uid = str(dashboard.get("uid", ""))
    if uid and uid in uids:
        line = document.line("uid")
        yield Fault(document.file, line, f'uid "{uid}"', f"{uids[uid]} has it as well", "Use another uid")
    uids.setdefault(uid, document.file)
    ids: dict[Any, int] = {}
    for entry in entries(document):
        if "gridPos" not in entry.data or "id" not in entry.data:
            continue
        line, number = document.line(*entry.path, "id"), entry.data["id"]
        if number in ids:
            why = f"the panel in line {ids[number]} has it as well"
            yield Fault(document.file, line, f"panel id {number}", why, "Give each panel its own id")
        ids.setdefault(number, line)


def _reference(document: Document, entry: Entry, known: dict[str, str], variables: set[str]) -> Iterator[Fault]:
    source = entry.data["datasource"]
    uid = uid_of(source)
    kind = str(mapping_of(source).get("type") or "")
    if not uid or uid in _OWN_OF_GRAFANA or uid.startswith("-- "):
        return
    what = f'data source "{uid}" of {title_of(document, entry.path)}'
    line = document.line(*entry.path, "datasource", "uid")
    if uid.startswith("$"):
        name = uid.strip("${}").partition(":")[0]
        if name not in variables:
            yield Fault(document.file, line, what, f"the dashboard has no variable {name}", nearest(name, variables))
    elif uid not in known:
        yield Fault(document.file, line, what, f"no file of {PROVISIONING} provides it", nearest(uid, known))
    elif kind and kind != known[uid]:
        line = document.line(*entry.path, "datasource", "type")
        yield Fault(document.file, line, what, f"its type is {known[uid]}, not {kind}", f'Use "{known[uid]}"')


def title_of(document: Document, path: Path) -> str:
    """Return the title of the panel that has an entry, or the name of its variable or annotation."""
    for length in range(len(path), 0, -1):
        found = document.mapping(*path[:length])
        name = found.get("title") or (found.get("name") if {"list", "datasources"} & {*path[:length]} else None)
        if isinstance(name, str) and name:
            return f'"{name}"'
    return "the file"
