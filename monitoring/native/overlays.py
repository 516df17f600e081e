"""COLLECTOR_OVERLAYS → the files that the native collector merges over otel-collector.yaml."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitoring.native.places import StackError

VARIABLE: Final = "COLLECTOR_OVERLAYS"
"""Environment variable with the names of overlays, separated by spaces or commas."""

_MARK: Final = "# overlay: "
_NEED: Final = re.compile(r"^# needs: ([A-Z_]+)=(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Overlay:
    """A file of monitoring/collector/ whose first line starts with `# overlay:`."""

    name: str
    path: Path
    purpose: str
    needs: Mapping[str, str]
    """Example value of each environment variable without a default."""


def overlays(repository: Path) -> tuple[Overlay, ...]:
    """Return all overlays of the repository in the order of their names."""
    found = [_read(path) for path in sorted((repository / "monitoring" / "collector").glob("*.yaml"))]
    return tuple(overlay for overlay in found if overlay is not None)


def chosen_overlays(repository: Path, environ: Mapping[str, str] | None = None) -> tuple[Overlay, ...]:
    """Return the overlays named by COLLECTOR_OVERLAYS, in the order of their names.

    Raises:
        StackError: A name is unknown, or a variable of an overlay is not set.
    """
    values = os.environ if environ is None else environ
    names = values.get(VARIABLE, "").replace(",", " ").split()
    known = {overlay.name: overlay for overlay in overlays(repository)}
    for name in names:
        if name not in known:
            raise StackError(f"{VARIABLE}: {name!r} is not an overlay. {_advice(name, known)}")
    chosen = tuple(overlay for name, overlay in known.items() if name in names)
    for overlay in chosen:
        for variable, example in overlay.needs.items():
            if not values.get(variable):
                raise StackError(f"{variable}: the overlay {overlay.name} needs it. Set {variable}={example}.")
    return chosen


def overlay_words(repository: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the command-line arguments for the overlays named by COLLECTOR_OVERLAYS."""
    return [word for one in chosen_overlays(repository, environ) for word in ("--config", str(one.path))]


def _read(path: Path) -> Overlay | None:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    if not first.startswith(_MARK):
        return None
    return Overlay(path.stem, path, first.removeprefix(_MARK), dict(_NEED.findall(text)))


def _advice(name: str, known: Mapping[str, Overlay]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Use {near[0]!r}." if near else f"Use {' or '.join(known)}."
