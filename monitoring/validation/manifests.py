"""Overlays of the manifests for Kubernetes → faults found by kustomize and by the schemas of Kubernetes, offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from monitoring.native.parts import KUSTOMIZE
from monitoring.scale.manifests import read, violations
from monitoring.validation.check import Check
from monitoring.validation.documents import Document
from monitoring.validation.faults import Fault
from monitoring.validation.messages import line_of, sentence
from monitoring.validation.tree import Tree, nearest

FOLDER: Final = "monitoring/scale/kubernetes"
OVERLAYS: Final = f"{FOLDER}/overlays/*/kustomization.yaml"
_FILE: Final = re.compile(r"[\w./-]+\.ya?ml")
_UNEXPECTED: Final = re.compile(r"\('([^']+)'(?:, '[^']+')* (?:was|were) unexpected\)")


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of each overlay, with all files that it includes."""
    for file in tree.files(OVERLAYS):
        yield Check(f"{file.removesuffix('/kustomization.yaml')} (kustomize, schemas)", partial(_faults, tree, file))


def _faults(tree: Tree, overlay: str) -> Iterator[Fault]:
    answer = tree.run(KUSTOMIZE, "kustomize", ["build", str((tree.repository / overlay).parent)])
    if not answer.good:
        yield _rejected(tree, overlay, answer.text)
        return
    for name, why in violations(read(answer.text)):
        yield _violation(tree, overlay, name, why)


def _rejected(tree: Tree, overlay: str, text: str) -> Fault:
    """Return the fault of a build: in the line of a kustomization that names a missing file, else in the named file."""
    message = sentence(text.replace(str(tree.repository) + "/", "").removeprefix("Error: "))
    cause = sentence(message.rpartition(" err=")[2].partition(": must build at directory")[0])
    known = tree.files(f"{FOLDER}/**/*.yaml")
    for name in dict.fromkeys(_FILE.findall(message)):
        if name in known and not name.endswith("kustomization.yaml"):
            document = tree.document(name)
            return Fault(name, line_of(document, message), "kustomize", cause, "Correct the manifest")
        for file in (one for one in known if one.endswith("kustomization.yaml")):
            document = tree.document(file)
            line = document.line_of_value(name)
            if line and not (document.path.parent / name).exists():
                others = [PurePosixPath(one).name for one in tree.files(f"{PurePosixPath(file).parent}/*.yaml")]
                return Fault(file, line, name, "it does not exist", nearest(name, others))
    document = tree.document(overlay)
    return Fault(overlay, line_of(document, message), "kustomize", cause, "Correct the kustomization")


def _violation(tree: Tree, overlay: str, name: str, why: str) -> Fault:
    """Return the fault of one manifest, in the last file of the overlay that has the faulty field."""
    place, _, message = why.partition(": ")
    path = tuple(place.split(".")) if place != "its fields" else ()
    unexpected = _UNEXPECTED.search(message)
    keys = (*path, unexpected[1]) if unexpected else path
    own = [one for one in _manifests(tree, overlay) if name == _name(one)]
    document = next((one for one in reversed(own) if one.has(*keys)), own[0] if own else tree.document(overlay))
    line = document.line(*keys) if own else 1
    action = "Correct the name of the field, or remove it" if unexpected else "Correct the value"
    return Fault(document.file, line, name, why, action)


def _manifests(tree: Tree, overlay: str) -> Iterator[Document]:
    """Yield each manifest of the base, and then of the overlay, with the lines of its file."""
    files = tree.files(f"{FOLDER}/base/*.yaml"), tree.files(f"{PurePosixPath(overlay).parent}/*.yaml")
    for file in (one for group in files for one in group):
        document, start = tree.document(file), 0
        for number, line in enumerate([*document.lines, "---"]):
            if line.startswith("---"):
                text = "\n" * start + "\n".join(document.lines[start:number])
                yield Document(file, document.path, text)
                start = number + 1


def _name(document: Document) -> str:
    """Return kind and name, as the check of the schemas prints them."""
    return f"{document.mapping().get('kind')} {document.mapping('metadata').get('name')}"
