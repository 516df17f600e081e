"""YAML or JSON file → its data, with the line of each entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import yaml

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader with libyaml is much faster. Wheels have it; a build from source may not."""


@dataclass(frozen=True)
class Document:
    """A readable file of the repository."""

    file: str
    """Path relative to the repository."""
    path: Path
    text: str

    @cached_property
    def root(self) -> yaml.Node | None:
        """Return the first YAML document as nodes with lines, or None if it is empty or not YAML."""
        try:
            return next(iter(yaml.compose_all(self.text, Loader=LOADER)), None)
        except yaml.YAMLError:
            return None

    def mapping(self, *path: str | int) -> dict[str, Any]:
        """Return the mapping at a path, empty if there is none."""
        return mapping_of(self._at(path))

    def sequence(self, *path: str | int) -> list[Any]:
        """Return the list at a path, empty if there is none."""
        return list_of(self._at(path))

    @cached_property
    def _data(self) -> object:
        """Return the first YAML document as mappings and lists, or None if it is not valid."""
        try:
            return next(iter(yaml.load_all(self.text, Loader=LOADER)), None)
        except (yaml.YAMLError, ValueError):
            return None

    def _at(self, path: tuple[str | int, ...]) -> object:
        found: Any = self._data
        for step in path:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return None
        return cast("object", found)

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines of the text."""
        return self.text.splitlines()

    def line(self, *path: str | int) -> int:
        """Return the line of an entry, or of its last ancestor that exists."""
        found, node = 1, self.root
        for step in path:
            entry = _child(node, step)
            if entry is None:
                break
            key, node = entry
            found = key.start_mark.line + 1
        return found

    def has(self, *path: str | int) -> bool:
        """Return whether an entry exists."""
        node = self.root
        for step in path:
            entry = _child(node, step)
            if entry is None:
                return False
            node = entry[1]
        return True

    def line_of_key(self, name: str, *within: str | int) -> int | None:
        """Return the line of the first key of this name below an entry."""
        return next((key.start_mark.line + 1 for key, _ in _pairs(self._node(*within)) if key.value == name), None)

    def line_of_value(self, value: str, *within: str | int) -> int | None:
        """Return the line of the first scalar with this value below an entry."""
        scalars = (node for node in _nodes(self._node(*within)) if isinstance(node, yaml.ScalarNode))
        return next((node.start_mark.line + 1 for node in scalars if node.value == value), None)

    def line_of_text(self, text: str, first: int = 1) -> int | None:
        """Return the line of the first occurrence outside comments, from line `first` on."""
        for number, line in enumerate(self.lines[first - 1 :], start=first):
            if text in line and not line.lstrip().startswith("#"):
                return number
        return None

    def last_line_of_text(self, text: str) -> int | None:
        """Return the line of the last occurrence outside comments."""
        found = [number for number, line in enumerate(self.lines, 1) if text in line and line.lstrip()[:1] != "#"]
        return found[-1] if found else None

    def line_matching(self, pattern: str) -> int:
        """Return the first line that matches a regular expression, or 1."""
        return next((number for number, line in enumerate(self.lines, start=1) if re.search(pattern, line)), 1)

    def _node(self, *within: str | int) -> yaml.Node | None:
        node = self.root
        for step in within:
            entry = _child(node, step)
            if entry is None:
                return None
            node = entry[1]
        return node


def mapping_of(value: object) -> dict[str, Any]:
    """Return a mapping of YAML or JSON with texts as keys, empty for another value."""
    entries = cast("dict[object, Any]", value) if isinstance(value, dict) else {}
    return {str(key): child for key, child in entries.items()}


def list_of(value: object) -> list[Any]:
    """Return a list of YAML or JSON, empty for another value."""
    if not isinstance(value, list):
        return []
    items = cast("Iterable[Any]", value)
    return list(items)


def repeated_keys(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield the first and the later key for each key that a mapping has twice."""
    for mapping in _nodes(node):
        if not isinstance(mapping, yaml.MappingNode):
            continue
        seen: dict[str, yaml.Node] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            if key.value in seen:
                yield seen[key.value], key
            seen.setdefault(key.value, key)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the key and the value of one step. The key of a list item is the item."""
    if isinstance(node, yaml.SequenceNode) and str(step).isdigit() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key, value
        for key, value in node.value:
            if key.value == "<<" and (found := _child(value, step)):
                return found
    return None


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for mapping in _nodes(node):
        if isinstance(mapping, yaml.MappingNode):
            yield from mapping.value


def _nodes(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield a node and everything below it once, in the order of the file."""
    seen: set[int] = set()
    waiting = [node] if node is not None else []
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, yaml.MappingNode):
            waiting.extend(part for pair in reversed(one.value) for part in reversed(pair))
        elif isinstance(one, yaml.SequenceNode):
            waiting.extend(reversed(one.value))
