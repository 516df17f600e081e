"""Rule files → faults: alerts without the labels and texts that routing and people need, wrong objectives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from monitoring.validation.check import Check
from monitoring.validation.documents import Document, mapping_of
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

_RULES: Final = "monitoring/prometheus/rules/*.yml"
_LABELS: Final = {"severity": ("critical", "warning", "info"), "owner": ("service", "observability")}
_TEXTS: Final = ("summary", "description", "runbook_url")
_MAX_OBJECTIVE: Final = 0.06
_EXAMPLE: Final = 0.01
_RATIOS: Final = ("objective:error_ratio", "objective:slow_ratio")
_VECTOR: Final = re.compile(r"\s*vector\(\s*(\d+(?:\.\d+)?(?:[eE]-?\d+)?)\s*\)\s*")


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of all alerts, and one of the objectives."""
    yield Check("labels and texts of alerts", partial(_alerts, tree))
    yield Check("objectives of services", partial(_objectives, tree))


def _rules(tree: Tree) -> Iterator[tuple[Document, tuple[str | int, ...], dict[str, Any]]]:
    """Yield each rule with its file and its path."""
    for file in tree.files(_RULES):
        if syntax_faults(tree, file):
            raise NotCheckedError(f"{file} is not readable as YAML, correct it first")
        document = tree.document(file)
        for group in range(len(document.sequence("groups"))):
            for number in range(len(document.sequence("groups", group, "rules"))):
                path = ("groups", group, "rules", number)
                yield document, path, document.mapping(*path)


def _alerts(tree: Tree) -> Iterator[Fault]:
    for document, path, rule in _rules(tree):
        if "alert" not in rule:
            continue
        line, what = document.line(*path), f"alert {rule['alert']}"
        labels, texts = mapping_of(rule.get("labels")), mapping_of(rule.get("annotations"))
        for name, allowed in _LABELS.items():
            value = str(labels.get(name, ""))
            if value not in allowed:
                why = f"its label {name} is {value!r}" if value else f"it has no label {name}"
                yield Fault(document.file, line, what, why, nearest(value, allowed))
        for name in _TEXTS:
            if not str(texts.get(name) or "").strip():
                yield Fault(document.file, line, what, f"it has no annotation {name}", f"Add {name} to annotations")


def _objectives(tree: Tree) -> Iterator[Fault]:
    for document, path, rule in _rules(tree):
        if rule.get("record") not in _RATIOS:
            continue
        text = str(rule.get("expr", ""))
        found = _VECTOR.fullmatch(text)
        if found is None or not 0 < float(found[1]) <= _MAX_OBJECTIVE:
            why = f"{found[1] if found else text} is not a number above 0 and at most {_MAX_OBJECTIVE}"
            action = f"Write vector(N) with such a number, which the fastest burn rate can reach: vector({_EXAMPLE})"
            yield Fault(document.file, document.line(*path), str(rule["record"]), why, action)
