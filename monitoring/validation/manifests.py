"""Overlays of the manifests for Kubernetes → faults found by kustomize and by the schemas of Kubernetes, offline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from monitoring.native.parts import KUSTOMIZE
from monitoring.scale.manifests import read, violations
from monitoring.validation.check import Check
from monitoring.validation.faults import Fault
from monitoring.validation.messages import sentence
from monitoring.validation.tree import Tree

OVERLAYS: Final = "monitoring/scale/kubernetes/overlays/*/kustomization.yaml"


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of each overlay, with all files that it includes."""
    for file in tree.files(OVERLAYS):
        yield Check(f"{file.removesuffix('/kustomization.yaml')} (kustomize, schemas)", partial(_faults, tree, file))


def _faults(tree: Tree, file: str) -> Iterator[Fault]:
    answer = tree.run(KUSTOMIZE, "kustomize", ["build", str((tree.repository / file).parent)])
    if not answer.good:
        yield Fault(file, 1, "kustomize", sentence(answer.text), "Correct the file that it names")
        return
    for name, why in violations(read(answer.text)):
        yield Fault(file, 1, name, why, "Correct this field in the file of the manifest, or in the patch")
