"""Collector and Jaeger files → faults found by `otelcol validate` and `jaeger validate`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from monitoring.native.overlays import overlays
from monitoring.native.parts import COLLECTOR, JAEGER, Part
from monitoring.validation.check import Check
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.messages import document_of, line_of, sentence
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

COLLECTOR_FILE: Final = "otel-collector.yaml"
JAEGER_FILE: Final = "monitoring/jaeger/jaeger.yaml"
TIERS: Final = "monitoring/scale/tiers"
_PROGRAMS: Final = {COLLECTOR: "otelcol", JAEGER: "jaeger"}
_WITHOUT_KAFKA: Final = "-without-kafka"

_UNKNOWN_TYPE = re.compile(r"""'(\w+)' unknown type: "([^"]+)" for id: "([^"]+)"(?: \(valid values: \[([^\]]*)\]\))?""")
_COMPONENT = re.compile(r"^'?(\w+)'? error reading configuration for \"([^\"]+)\":?(.*)")
_INVALID_KEYS = re.compile(r"has invalid keys: (.+)")
_UNDEFINED = re.compile(r"^(service::\S+): references (\w+) \"([^\"]+)\" which is not configured")
_PATH = re.compile(r"^([a-z]\w*(?:::[^\s:]+)+): (.+)")
_FIELD = re.compile(r"^'([\w.\[\]-]+)' (.+)")
_URI = re.compile(r"for uri \"([^\"]+)\"")
_CREATION = re.compile(r'failed to create "([^"]+)" (\w+)(?:, in pipeline "[^"]+")?: (.+)')
_NESTED = re.compile(r"^'([^']*)' decoding failed due to")
_LOG_LINE = re.compile(r"^\d{4}[-/]\d\d[-/]\d\d[ T]\S+ ")


@dataclass(frozen=True, slots=True)
class _Configuration:
    """Files that one program merges from left to right, and variables, which are templates of the table of parts."""

    part: Part
    files: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of each file, overlay and tier, with the addresses of Docker and of the native stack."""
    for part, file in ((COLLECTOR, COLLECTOR_FILE), (JAEGER, JAEGER_FILE)):
        yield _check(tree, f"{file} (Docker)", _Configuration(part, (file,)))
        yield _check(tree, f"{file} (native)", _Configuration(part, (file,), part.run.environment if part.run else {}))
    yield from _overlays(tree)
    for file in tree.files(f"{TIERS}/*.yaml"):
        if file.endswith("/kustomization.yaml"):
            continue
        base = file.replace(_WITHOUT_KAFKA, "")
        files = (file,) if file == base else (base, file)
        yield _check(tree, " with ".join(files), _Configuration(COLLECTOR, files))


def _overlays(tree: Tree) -> Iterator[Check]:
    """Yield a check of each overlay of the collector, and of all together."""
    try:
        found = overlays(tree.repository)
    except (OSError, UnicodeDecodeError):
        # The check of the syntax names the file.
        return
    for chosen in (*((overlay,) for overlay in found), *((found,) if len(found) > 1 else ())):
        files = (COLLECTOR_FILE, *(tree.name(overlay.path) for overlay in chosen))
        needs = {name: value for overlay in chosen for name, value in overlay.needs.items()}
        title = f"{files[0]} with {' and '.join(files[1:])}"
        yield _check(tree, title, _Configuration(COLLECTOR, files, needs))


def _check(tree: Tree, title: str, configuration: _Configuration) -> Check:
    return Check(title, partial(_faults, tree, configuration))


def _faults(tree: Tree, configuration: _Configuration) -> Iterator[Fault]:
    for file in configuration.files:
        if syntax_faults(tree, file):
            raise NotCheckedError(f"{file} is not readable as YAML, correct it first")
    documents = [tree.document(file) for file in configuration.files]
    words = ["validate", *(word for one in documents for word in ("--config", str(one.path)))]
    program = _PROGRAMS[configuration.part]
    variables = {name: tree.fill(configuration.part, value) for name, value in configuration.variables.items()}
    answer = tree.run(configuration.part, program, words, variables=variables)
    if not answer.good:
        yield from message_faults(documents, answer.text)


def message_faults(documents: Sequence[Document], text: str) -> Iterator[Fault]:
    """Yield the faults in the output of `validate`.

    Args:
        documents: Files in the order of the command line.
        text: Output of the program.
    """
    component: tuple[str, ...] = ()
    for line in dict.fromkeys(_messages(text)):
        opened = _COMPONENT.match(line)
        if opened:
            component = (opened[1], opened[2])
            line = opened[3].strip()  # noqa: PLW2901  (the rest of the line may be the message)
        if nested := _NESTED.match(line):
            component = (*(component or ()), *_steps(nested[1]))
        elif line and not line.startswith("decoding failed"):
            if unknown := _UNKNOWN_TYPE.search(line):
                component = ()
                yield _unknown_type(documents, unknown)
            else:
                yield from _in_component(documents, component, line) if component else _of_service(documents, line)


def _messages(text: str) -> Iterator[str]:
    for raw in text.splitlines():
        line = _LOG_LINE.sub("", raw.strip().removeprefix("Error: "))
        line = re.sub(r"^failed to get config: (?:cannot \w+ the configuration: )?", "", line)
        line = re.sub(r"^invalid configuration: ", "", line).removeprefix("* ").strip()
        if line and not line.startswith(("decoding failed due to", "application version")):
            yield line


def _unknown_type(documents: Sequence[Document], match: re.Match[str]) -> Fault:
    section, kind, name, known = match[1], match[2], match[3], (match[4] or "").split()
    document = document_of(documents, section, name)
    action = nearest(kind, known)
    if document.file != JAEGER_FILE:
        action += ", or add its module to monitoring/collector/manifest.yaml and run `make stack-install`"
    why = f"there is no {section.removesuffix('s')} of this type"
    return Fault(document.file, document.line(section, name), f'{section} "{name}"', why, action)


def _in_component(documents: Sequence[Document], place: tuple[str, ...], line: str) -> Iterator[Fault]:
    """Yield the faults of one message about the settings of a component."""
    within = place[:2]
    document = document_of(documents, *within)
    what = f'{within[0]} "{within[1]}"' if len(within) > 1 else ".".join(within)
    if keys := _INVALID_KEYS.search(line):
        for key in keys[1].split(", "):
            document = next((one for one in reversed(documents) if one.line_of_key(key, *within)), documents[0])
            number = document.line_of_key(key, *within) or document.line(*within)
            why = f'the setting "{key}" does not exist'
            yield Fault(document.file, number, what, why, "Correct its name or indentation, or remove it")
        return
    matched = _FIELD.match(line)
    path = (*place, *(_steps(matched[1]) if matched else ()))
    document = document_of(documents, *path)
    number = document.line(*path) if document.has(*path) else line_of(document, line, *within)
    yield Fault(document.file, number, what, sentence(line), "Correct the value")


def _of_service(documents: Sequence[Document], line: str) -> Iterator[Fault]:
    """Yield the fault of one message about pipelines, values or variables."""
    if undefined := _UNDEFINED.match(line):
        yield _undefined(documents, undefined)
    elif created := _CREATION.search(line):
        yield _creation(documents, created)
    elif keys := _INVALID_KEYS.search(line):
        for key in keys[1].split(", "):
            document = document_of(documents, key)
            why = "this section does not exist"
            sections = ("receivers", "processors", "exporters", "connectors", "extensions", "service")
            yield Fault(document.file, document.line(key), f'section "{key}"', why, nearest(key, sections))
    elif path := _PATH.match(line):
        steps = tuple(path[1].split("::"))
        document = document_of(documents, *steps)
        number = line_of(document, path[2], *steps)
        yield Fault(document.file, number, ".".join(steps), sentence(path[2]), "Correct the value")
    elif uri := _URI.search(line):
        document = next((one for one in reversed(documents) if one.line_of_text(uri[1])), documents[0])
        action = "Write ${env:NAME:-default} for a variable"
        number = document.line_of_text(uri[1]) or 1
        yield Fault(document.file, number, f"${{{uri[1]}}}", sentence(line.rpartition(": ")[2] or line), action)
    else:
        document = next((one for one in reversed(documents) if line_of(one, line) > 1), documents[0])
        yield Fault(document.file, line_of(document, line), "configuration", sentence(line), "Correct the entry")


def _creation(documents: Sequence[Document], match: re.Match[str]) -> Fault:
    """Return the fault of a component that cannot be created: the value after the last colon has the line."""
    section, name = f"{match[2]}s", match[1]
    document = document_of(documents, section, name)
    value = match[3].rpartition(": ")[2].strip("\"'`")
    number = document.line_of_value(value, section, name) or line_of(document, match[3], section, name)
    return Fault(document.file, number, f'{section} "{name}"', sentence(match[3]), "Correct the value")


def _steps(field: str) -> tuple[str, ...]:
    """Return the path of a field as the program prints it, such as `backends[disk].ttl`."""
    return tuple(step for step in re.split(r"[.\[\]]+", field) if step)


def _undefined(documents: Sequence[Document], match: re.Match[str]) -> Fault:
    path, kind, name = match[1].split("::"), match[2], match[3]
    section = f"{kind}s"
    within = (*path, section) if section != path[-1] else tuple(path)
    document = next((one for one in reversed(documents) if one.line_of_value(name, *within)), documents[0])
    sections = (section, "connectors") if kind in {"receiver", "exporter"} else (section,)
    known = [key for one in documents for own in sections for key in one.mapping(own)]
    number = document.line_of_value(name, *within) or document.line(*path)
    return Fault(document.file, number, f'{kind} "{name}"', f"{section} does not define it", nearest(name, known))
