"""docker-compose.monitoring.yml → faults found by Docker Compose without an engine, for each profile and all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from monitoring.native.parts import COMPOSE
from monitoring.validation.check import Check
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.messages import line_of, sentence
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

FILE: Final = "docker-compose.monitoring.yml"
ENVIRONMENT: Final = ".env"

_UNSET = re.compile(r"interpolating (\S+): required variable (\w+) is missing a value")
_UNDEFINED = re.compile(r'service "([^"]+)" (?:refers to|depends on) undefined (\w+) "?([^":]+)')
_ADDITIONAL = re.compile(r"([\w.\[\]/-]+) additional properties (.+) not allowed")
_PLACE = re.compile(r"(?:validating [^:]+: |')?((?:services|volumes|networks|secrets)[\w.\[\]/-]*)'? (.+)")


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check without a profile, one for each profile, and one with all."""
    yield Check(f"{FILE} without a profile", partial(_faults, tree, ""))
    for profile in _profiles(tree):
        yield Check(f"{FILE} with profile {profile}", partial(_faults, tree, profile))
    yield Check(f"{FILE} with all profiles", partial(_faults, tree, "*"))


def _profiles(tree: Tree) -> list[str]:
    if syntax_faults(tree, FILE):
        return []
    services = services_of(tree.document(FILE))
    return sorted({str(name) for one in services.values() for name in one.get("profiles") or ()})


def services_of(document: Document) -> dict[str, dict[str, Any]]:
    """Return the services of the compose file by name."""
    return {name: document.mapping("services", name) for name in document.mapping("services")}


def _faults(tree: Tree, profile: str) -> Iterator[Fault]:
    if syntax_faults(tree, FILE):
        raise NotCheckedError(f"{FILE} is not readable as YAML, correct it first")
    document = tree.document(FILE)
    environment = tree.repository / ENVIRONMENT
    if not environment.is_file():
        raise NotCheckedError(f"{ENVIRONMENT} is missing, restore it: git checkout -- {ENVIRONMENT}")
    words = ["--project-directory", str(_project(tree, document)), "--env-file", str(environment)]
    words += ["-f", str(document.path), *(("--profile", profile) if profile else ()), "config", "--quiet"]
    answer = tree.run(COMPOSE, "docker-compose", words)
    if not answer.good:
        yield from message_faults(document, answer.text)


def _project(tree: Tree, document: Document) -> Path:
    """Return a folder with a placeholder for each file that the services read, so that secrets are not needed here."""
    folder = tree.scratch.state / "compose"
    for service in services_of(document).values():
        named: Any = service.get("env_file") or ()
        for entry in [named] if isinstance(named, str) else named:
            path = folder / str(entry if isinstance(entry, str) else entry["path"])
            if path.resolve().is_relative_to(folder.resolve()) and path != folder:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    folder.mkdir(exist_ok=True)
    return folder


def message_faults(document: Document, text: str) -> Iterator[Fault]:
    """Yield the faults in the output of `docker-compose config`."""
    lines = [line for line in text.splitlines() if line.strip() and "level=warning" not in line]
    for line in lines:
        if not line.startswith("decoding failed"):
            yield _fault(document, line.strip().replace(f"{document.path}: ", ""))


def _fault(document: Document, line: str) -> Fault:
    if in_environment := re.search(rf"failed to read \S+/{re.escape(ENVIRONMENT)}: line (\d+): (.*)", line):
        action = "Write NAME=VALUE without spaces"
        return Fault(ENVIRONMENT, int(in_environment[1]), "line", sentence(in_environment[2]), action)
    if unset := _UNSET.search(line):
        action = f"Add {unset[2]}=TAG to {ENVIRONMENT}, or correct the name of the variable"
        number = document.line_of_text(unset[2]) or document.line(*_path(unset[1]))
        return Fault(document.file, number, unset[1], f"the variable {unset[2]} has no value", action)
    if undefined := _UNDEFINED.search(line):
        return _undefined(document, undefined)
    if additional := _ADDITIONAL.search(line):
        path = _path(additional[1])
        key = additional[2].split(",")[0].strip("' ")
        number = document.line_of_key(key, *path) or document.line_of_key(key) or document.line(*path)
        action = "Correct its name or indentation, or remove it"
        return Fault(document.file, number, additional[1], f'the setting "{key}" does not exist', action)
    if place := _PLACE.search(line):
        path = _path(place[1])
        return Fault(document.file, document.line(*path), place[1], sentence(place[2]), "Correct the value")
    return Fault(document.file, _line(document, line), "file", sentence(line), "Correct the entry")


def _undefined(document: Document, match: re.Match[str]) -> Fault:
    service, kind, name = match[1], match[2], match[3].strip()
    section = f"{kind}s"
    number = document.line_of_value(name, "services", service) or document.line_of_text(name) or 1
    action = nearest(name, document.mapping(section), otherwise=f"Add it to {section}")
    return Fault(document.file, number, f'{kind} "{name}" of service {service}', f"{section} has no {name}", action)


def _line(document: Document, message: str) -> int:
    """Return the line of a value that ends the message, as in `invalid containerPort: x`."""
    value = message.rpartition(": ")[2]
    pattern = rf"[\s:\"'\[]{re.escape(value)}[\s\"'\],]*$"
    found = document.line_matching(pattern)
    return found if found > 1 and ":" in message else line_of(document, message)


def _path(text: str) -> tuple[str | int, ...]:
    steps = [step for step in re.split(r"[.\[\]]+", text) if step]
    return tuple(int(step) if step.isdigit() else step for step in steps)
