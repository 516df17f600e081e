"""Versions in .env, the table of parts, the collector's manifest and the compose file → those that differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from monitoring.native.parts import COLLECTOR, JAEGER, PARTS, PROMETHEUS, Part
from monitoring.validation.check import Check
from monitoring.validation.compose import ENVIRONMENT, FILE, services_of
from monitoring.validation.documents import Document, mapping_of
from monitoring.validation.faults import Fault, NotCheckedError
from monitoring.validation.syntax import syntax_faults
from monitoring.validation.tree import Tree, nearest

TABLE: Final = "monitoring/native/parts.py"
MANIFEST: Final = "monitoring/collector/manifest.yaml"
GRAFANA_RUNNER: Final = "monitoring/native/grafana.py"
_IMAGES: Final = {part.image: part for part in PARTS if part.image}
_PLUG_IN = re.compile(r"([a-z][a-z-]+-datasource)@(\d[\w.]*)")


def checks(tree: Tree) -> Iterator[Check]:
    """Yield the checks of all pins."""
    yield Check(f"pins of {ENVIRONMENT} and {TABLE}", partial(_environment, tree))
    yield Check(f"pins of {MANIFEST}", partial(_manifest, tree))
    yield Check(f"images of {FILE}", partial(_images, tree))
    yield Check("pins of Grafana's plug-ins", partial(_plug_ins, tree))
    yield Check("images of the manifests for Kubernetes", partial(_manifests, tree))


def _environment(tree: Tree) -> Iterator[Fault]:
    document, table = tree.document(ENVIRONMENT), tree.document(TABLE)
    if document.text.startswith("\ufeff"):
        action = "Save it as UTF-8 without a byte order mark"
        yield Fault(ENVIRONMENT, 1, "file", "a byte order mark would become part of the first name", action)
    wanted = {f"{part.name.upper()}_TAG": part for part in _IMAGES.values()}
    found: dict[str, int] = {}
    for number, line in enumerate(document.text.removeprefix("\ufeff").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield from _variable(document, number, line, wanted, found)
    for name in wanted.keys() - found.keys():
        action = f"Add {name}={wanted[name].tag}"
        yield Fault(ENVIRONMENT, max(len(document.lines), 1), name, "the tag is missing", action)
    for part in wanted.values():
        if not re.match(rf"v?{re.escape(part.version)}(?:-|$)", part.tag):
            number = table.line_matching(rf'^\s*(name="{part.name}"|{part.name.upper()}: Final = Part\(name=)')
            why = f"tag {part.tag} and version {part.version} are different releases"
            yield Fault(TABLE, number, f"{part.name}", why, "Set both to the same release")
    yield from _modules(table)


def _variable(
    document: Document, number: int, line: str, wanted: dict[str, Part], found: dict[str, int]
) -> Iterator[Fault]:
    matched = re.fullmatch(r"([A-Z_][A-Z0-9_]*)=(.*)", line)
    if matched is None:
        yield Fault(
            ENVIRONMENT, number, "line", f"{line.strip()!r} is not NAME=VALUE", "Write NAME=VALUE without spaces"
        )
        return
    name, value = matched[1], matched[2]
    if name in found:
        why = f"line {found[name]} sets it as well"
        yield Fault(ENVIRONMENT, number, name, why, "Remove one of the two lines")
    elif name not in wanted:
        yield Fault(ENVIRONMENT, number, name, "it is not the tag of a part", f"{nearest(name, wanted)}, or remove it")
    elif value != wanted[name].tag:
        why = f"{value} is not the pin {wanted[name].tag} of {TABLE}"
        yield Fault(ENVIRONMENT, number, name, why, f"Set {name}={wanted[name].tag}, or change both and {MANIFEST}")
    found[name] = number


def _modules(table: Document) -> Iterator[Fault]:
    """Yield a fault for each part whose Go module is another release than its image."""
    for part in PARTS:
        if part.build is None or part.build.version == module_version(part):
            continue
        number = table.line_matching(rf'version="{re.escape(part.build.version)}"')
        why = f"module version {part.build.version} is not release {part.version}"
        yield Fault(TABLE, number, part.name, why, f'Set version="{module_version(part)}" in its build')


def module_version(part: Part) -> str:
    """Return the version of the Go module of a release.

    Prometheus 3.14.0 is v0.314.0 (https://github.com/prometheus/prometheus/blob/main/RELEASE.md). Jaeger 2.13.0 is
    v1.76.0, because both major versions were released together, with minor versions 63 apart.
    """
    numbers = [int(number) for number in re.findall(r"\d+", part.version)]
    if part is PROMETHEUS and len(numbers) == 3:
        return f"v0.{numbers[0]}{numbers[1]:02d}.{numbers[2]}"
    if part is JAEGER and len(numbers) == 3:
        return f"v1.{numbers[1] + 63}.{numbers[2]}"
    return f"v{part.version}"


def _manifest(tree: Tree) -> Iterator[Fault]:
    if syntax_faults(tree, MANIFEST):
        raise NotCheckedError(f"{MANIFEST} is not readable as YAML, correct it first")
    document = tree.document(MANIFEST)
    wanted = f"v{COLLECTOR.version}"
    version = document.mapping("dist").get("version")
    if str(version) != COLLECTOR.version:
        why = f"{version} is not the pin {COLLECTOR.version} of {TABLE}"
        yield Fault(MANIFEST, document.line("dist", "version"), "dist.version", why, f"Set {COLLECTOR.version}")
    providers: list[tuple[str, int]] = []
    for number, line in enumerate(document.lines, start=1):
        module = re.match(r"\s*- gomod: (\S+)(?: (v\S+))?", line)
        if module and "/confmap/provider/" in module[1]:
            providers.append((str(module[2]), number))
        elif module and module[2] != wanted:
            why = f"version {module[2] or 'missing'} is not the pin {wanted} of {TABLE}"
            yield Fault(MANIFEST, number, module[1].rpartition("/")[2], why, f"Set {wanted}")
    usual = Counter(version for version, _ in providers).most_common(1)
    for version, number in providers:
        if version != usual[0][0]:
            why = f"the other providers are {usual[0][0]}"
            yield Fault(MANIFEST, number, f"provider {version}", why, f"Set {usual[0][0]}")


def _image(service: Mapping[str, Any]) -> str:
    """Return the image of a service, or the base image of one that Docker builds from Python's."""
    if "build" not in service:
        return str(service.get("image", ""))
    build = mapping_of(service["build"])
    return f"python:{mapping_of(build.get('args')).get('PYTHON_TAG', '')}"


def _images(tree: Tree) -> Iterator[Fault]:
    if syntax_faults(tree, FILE):
        raise NotCheckedError(f"{FILE} is not readable as YAML, correct it first")
    document = tree.document(FILE)
    for name, service in services_of(document).items():
        image, number = _image(service), document.line("services", name, "build" if "build" in service else "image")
        repository, _, tag = image.partition(":")
        part = _IMAGES.get(repository)
        if part is None:
            what, why = f"image {repository or 'missing'} of service {name}", f"it is not an image of {TABLE}"
            yield Fault(FILE, number, what, why, nearest(repository, _IMAGES))
            continue
        wanted = f"${{{part.name.upper()}_TAG:?is set in .env}}"
        if tag != wanted:
            why = f"{tag or 'no tag'} is not the pin of {ENVIRONMENT}"
            yield Fault(FILE, number, f"image of service {name}", why, f"Write {repository}:{wanted}")


def _manifests(tree: Tree) -> Iterator[Fault]:
    for file in tree.files("monitoring/scale/kubernetes/**/kustomization.yaml"):
        document = tree.document(file)
        for number in range(len(document.sequence("images"))):
            image = document.mapping("images", number)
            name, tag = str(image.get("name")), str(image.get("newTag"))
            part = _IMAGES.get(name)
            if part is not None and tag != part.tag:
                line = document.line("images", number, "newTag")
                why = f"{tag} is not the pin {part.tag} of {TABLE}"
                yield Fault(file, line, f"image {name}", why, f"Set newTag: {part.tag}")


def _plug_ins(tree: Tree) -> Iterator[Fault]:
    first = tree.document(FILE)
    pins = dict(_PLUG_IN.findall(first.text))
    other = tree.document(GRAFANA_RUNNER)
    for name, version in _PLUG_IN.findall(other.text):
        if pins.get(name) != version:
            why = f"{version} is not the version {pins.get(name, 'missing')} of {FILE}"
            number = other.line_of_text(f"{name}@") or 1
            yield Fault(GRAFANA_RUNNER, number, name, why, "Set the same version in both files")
