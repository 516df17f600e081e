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
    line = file.read_text(encoding="utf-8").splitlines().index("  stratagem:") + 1
    for text in found(tree):
        assert text.startswith(f"monitoring/scale/kubernetes/base/ingest.yaml:{line}: Deployment otel-ingest: spec: ")
        assert "stratagem" in text


def test_a_wrong_value_has_the_line_of_its_field(tree: Tree) -> None:
    file = base(tree, "ingest.yaml")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  selector:\n", "  minReadySeconds: soon\n  selector:\n", 1), encoding="utf-8")
    line = file.read_text(encoding="utf-8").splitlines().index("  minReadySeconds: soon") + 1
    first, _ = found(tree)
    assert first.startswith(f"monitoring/scale/kubernetes/base/ingest.yaml:{line}: Deployment otel-ingest: ")


def test_a_patch_without_its_manifest_is_named(tree: Tree) -> None:
    file = tree.repository / "monitoring/scale/kubernetes/overlays/small/sizes.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("name: otel-sampler", "name: otel-samplr"), encoding="utf-8"
    )
    (fault,) = found(tree)
    assert fault.startswith("monitoring/scale/kubernetes/overlays/small/")
    assert "otel-samplr" in fault


def test_a_missing_file_is_named(tree: Tree) -> None:
    base(tree, "router.yaml").unlink()
    first, _ = found(tree)
    assert first.startswith("monitoring/scale/kubernetes/base/kustomization.yaml:")
    assert first.endswith(': router.yaml: it does not exist. Use "ingest.yaml".') or "router.yaml: it does not" in first
