"""YAML and JSON files → faults of their syntax, before a program reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Final

import yaml

from monitoring.validation.check import Check
from monitoring.validation.documents import LOADER, Document, repeated_keys
from monitoring.validation.faults import Fault
from monitoring.validation.tree import Tree, UnreadableError

YAML_FILES: Final = (
    "otel-collector.yaml",
    "docker-compose.monitoring.yml",
    "monitoring/**/*.yaml",
    "monitoring/**/*.yml",
)
JSON_FILES: Final = ("monitoring/grafana/**/*.json",)
REQUIRED: Final = (
    "otel-collector.yaml",
    "docker-compose.monitoring.yml",
    ".env",
    "monitoring/alertmanager/alertmanager.yml",
    "monitoring/collector/manifest.yaml",
    "monitoring/grafana/provisioning/dashboards/stack.yml",
    "monitoring/grafana/provisioning/datasources/stack.yml",
    "monitoring/jaeger/jaeger.yaml",
    "monitoring/prometheus/prometheus.yml",
    "monitoring/prometheus/targets/alertmanager.yml",
    "monitoring/prometheus/targets/pushgateway.yml",
    "monitoring/prometheus/targets/stack.yml",
)
"""Files without which a part does not start."""

_ACTIONS: Final = (
    (r"tab character|'\\t'|cannot start any token", "Indent with spaces, and quote values that start with @, ` or %"),
    (r"undefined alias", "Define the anchor with & before this line, or correct its name"),
    (r"mapping values are not allowed", "Quote a value that contains a colon, and check the indentation"),
    (r"unexpected end of stream|quoted scalar", "Close the quotation mark"),
    (r"',' or '[\]}]'", "Close the bracket"),
    (r"expected <block end>|did not find expected|could not find expected", "Check the indentation and the colons"),
)


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the YAML files and one of the JSON files."""
    yaml_files = (*REQUIRED, *tree.files(*YAML_FILES))
    yaml_files = tuple(dict.fromkeys(file for file in yaml_files if file.endswith((".yaml", ".yml"))))
    yield Check(f"YAML syntax of {len(yaml_files)} files", partial(_all, tree, yaml_files))
    json_files = tree.files(*JSON_FILES)
    yield Check(f"JSON syntax of {len(json_files)} files", partial(_all, tree, json_files))


def syntax_faults(tree: Tree, file: str) -> list[Fault]:
    """Return the faults of the syntax of one file, empty if a program can read it."""
    try:
        document = tree.document(file)
    except UnreadableError as error:
        return [error.fault]
    faults = _json_faults(document) if file.endswith(".json") else _yaml_faults(document)
    return list(faults)


def _all(tree: Tree, files: tuple[str, ...]) -> Iterator[Fault]:
    for file in files:
        yield from syntax_faults(tree, file)


def _yaml_faults(document: Document) -> Iterator[Fault]:
    try:
        nodes = list(yaml.compose_all(document.text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        yield _fault(document, mark.line + 1 if mark else 1, " ".join(filter(None, (error.context, error.problem))))
        return
    except yaml.YAMLError as error:
        yield _fault(document, _line_of_character(document, error), str(error).splitlines()[0])
        return
    if not any(nodes):
        action = f"Restore it: git checkout -- {document.file}"
        yield Fault(document.file, 1, "file", "it has no content", action)
    yield from _repeated(document, nodes)


def _repeated(document: Document, nodes: list[yaml.Node]) -> Iterator[Fault]:
    for node in nodes:
        for first, later in repeated_keys(node):
            line, name = later.start_mark.line + 1, str(later.value)
            why = f"the same mapping has this key in line {first.start_mark.line + 1}"
            yield Fault(document.file, line, f'key "{name}"', why, "Remove one of the two, or merge them")


def _fault(document: Document, line: int, problem: str) -> Fault:
    action = next((text for pattern, text in _ACTIONS if re.search(pattern, problem)), "Correct the line")
    if conflict := re.search(r"^<<<<<<< ", document.text, re.MULTILINE):
        line = document.text.count("\n", 0, conflict.start()) + 1
        return Fault(document.file, line, "YAML", "there is a mark of a merge conflict", "Solve the conflict")
    if "\t" in document.lines[min(line, len(document.lines)) - 1]:
        problem, action = f"{problem}, the line has a tab", "Indent with spaces"
    return Fault(document.file, min(line, len(document.lines)), "YAML", problem, action)


def _line_of_character(document: Document, error: yaml.YAMLError) -> int:
    position = getattr(error, "position", None)
    if isinstance(position, int):
        return document.text.count("\n", 0, position) + 1
    return next((n for n, line in enumerate(document.lines, 1) if not line.replace("\t", " ").isprintable()), 1)


def _json_faults(document: Document) -> Iterator[Fault]:
    if document.text.startswith("\ufeff"):
        why = "the file starts with a byte order mark, which Grafana does not accept"
        yield Fault(document.file, 1, "JSON", why, "Save it as UTF-8 without a byte order mark")
        return
    try:
        json.loads(document.text)
    except json.JSONDecodeError as error:
        action = "Generate the file again, or correct the line"
        yield Fault(document.file, error.lineno, "JSON", f"{error.msg}, column {error.colno}", action)
    except RecursionError:
        yield Fault(document.file, 1, "JSON", "it is nested too deeply", "Generate the file again")
    else:
        yield from _repeated(document, [document.root] if document.root else [])
