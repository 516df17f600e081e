"""Dashboards as code → JSON files that their generator would change or remove."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from monitoring.dashboards.files import contents
from monitoring.validation.check import Check
from monitoring.validation.faults import Fault
from monitoring.validation.grafana import DASHBOARDS, dashboard_files
from monitoring.validation.tree import Tree

_ACTION: Final = "Run `make dashboards`"


def checks(tree: Tree) -> Iterator[Check]:
    """Yield the check of all generated files."""
    yield Check("dashboards are those of monitoring/dashboards", partial(_faults, tree))


def _faults(tree: Tree) -> Iterator[Fault]:
    wanted = contents()
    existing = {PurePosixPath(file).name: file for file in dashboard_files(tree)}
    for name, text in wanted.items():
        if name not in existing:
            yield Fault(f"{DASHBOARDS}/{name}", 1, "dashboard", "the file does not exist", _ACTION)
            continue
        found = tree.document(existing[name]).text
        if found != text:
            why = "the file is not what its code generates"
            yield Fault(existing[name], _first_difference(found, text), "dashboard", why, _ACTION)
    for name in existing.keys() - wanted.keys():
        why = "no code generates it, so that the generator removes it"
        action = f"Add it to monitoring/dashboards/, or keep it in another folder. {_ACTION}"
        yield Fault(existing[name], 1, "dashboard", why, action)


def _first_difference(found: str, wanted: str) -> int:
    """Return the first line that differs."""
    pairs = zip(found.splitlines(), wanted.splitlines(), strict=False)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), None)
    return (len(found.splitlines()) - 1 if same is None else same) + 1
