"""Read dashboards, data sources and rules, and name the file in each error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from monitoring.native.places import REPOSITORY, StackError

Object = Mapping[str, Any]
"""A JSON or YAML object."""

_GRAFANA: Final = "monitoring/grafana"


@dataclass(frozen=True, slots=True)
class Files:
    """The folders that the checks are read from."""

    repository: Path = REPOSITORY

    def dashboards(self) -> dict[str, Object]:
        """Return all dashboards by uid."""
        found = {file: _object(file, json.loads) for file in sorted(self._folder(f"{_GRAFANA}/dashboards", "*.json"))}
        by_uid: dict[str, Object] = {}
        for file, dashboard in found.items():
            uid = str(dashboard.get("uid", ""))
            if not uid or uid in by_uid:
                raise StackError(f"{file}: uid {uid!r} is missing or in use. Give each dashboard its own uid.")
            by_uid[uid] = dashboard
        return by_uid

    def sources(self) -> dict[str, Object]:
        """Return all provisioned data sources by uid."""
        files = self._folder(f"{_GRAFANA}/provisioning/datasources", "*.y*ml")
        return {str(one["uid"]): one for file in files for one in _object(file, yaml.safe_load)["datasources"]}

    def rule_groups(self) -> dict[str, list[Object]]:
        """Return the rule groups of each rule file by the name of the file."""
        files = sorted(self._folder("monitoring/prometheus/rules", "*.y*ml"))
        return {file.stem: list(_object(file, yaml.safe_load).get("groups") or []) for file in files}

    def _folder(self, name: str, pattern: str) -> list[Path]:
        folder = self.repository / name
        files = list(folder.glob(pattern))
        if not files:
            raise StackError(f"No {pattern} in {folder}. Restore the folder from the repository.")
        return files


def child(parent: Object, name: str) -> Object:
    """Return an object in an object, empty if it is absent."""
    found = parent.get(name)
    return cast("Object", found) if isinstance(found, Mapping) else {}


def children(parent: Object, name: str) -> list[Object]:
    """Return the objects of an array in an object, empty if it is absent."""
    return cast("list[Object]", parent.get(name) or [])


def texts(parent: Object, name: str) -> list[str]:
    """Return the texts of an array in an object, empty if it is absent."""
    return [str(one) for one in cast("list[object]", parent.get(name) or [])]


def _object(file: Path, load: Callable[[str], object]) -> Object:
    try:
        content = load(file.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise StackError(f"{file}: cannot be parsed ({error}). Correct the file.") from error
    if not isinstance(content, Mapping):
        raise StackError(f"{file}: has no object at the top. Correct the file.")
    return cast("Object", content)
