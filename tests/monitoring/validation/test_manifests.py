"""A wrong manifest is found by kustomize or by the schemas, and named. Needs kustomize."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.native.parts import KUSTOMIZE
from monitoring.native.places import REPOSITORY, places_from
from monitoring.validation.manifests import checks
from monitoring.validation.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a copy of the manifests in a repository of its own."""
    places = places_from()
    if not places.installed(KUSTOMIZE):
        pytest.skip("kustomize is not installed: run `make stack-install`")
    shutil.copytree(REPOSITORY / "monitoring" / "scale", tmp_path / "monitoring" / "scale")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    copied = replace(places, repository=tmp_path)
    return Tree(copied, replace(copied, state=scratch))


def found(tree: Tree) -> list[str]:
    return [str(fault) for check in checks(tree) for fault in check.run().faults]


def base(tree: Tree, name: str) -> Path:
    return tree.repository / "monitoring" / "scale" / "kubernetes" / "base" / name


def test_the_shipped_manifests_are_good(tree: Tree) -> None:
    assert [check.run().verdict for check in checks(tree)] == ["good", "good"]


def test_an_unknown_field_is_named_with_its_manifest(tree: Tree) -> None:
    file = base(tree, "ingest.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("  strategy:\n", "  stratagem:\n"), encoding="utf-8")
    first, second = found(tree)
    assert "overlays/large/kustomization.yaml:1: Deployment otel-ingest: spec: " in first
    assert "stratagem" in first
    assert "overlays/small/" in second


def test_a_missing_file_is_named(tree: Tree) -> None:
    base(tree, "router.yaml").unlink()
    first, _ = found(tree)
    assert first.startswith("monitoring/scale/kubernetes/overlays/large/kustomization.yaml:1: kustomize: ")
    assert "router.yaml" in first
