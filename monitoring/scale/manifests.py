"""Kustomizations of `monitoring/scale/kubernetes` → built manifests, checked against Kubernetes' schemas, offline."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped] # the library carries no types
import yaml

from monitoring.native.parts import KUSTOMIZE
from monitoring.native.places import REPOSITORY, Places, StackError

FOLDER: Final = REPOSITORY / "monitoring" / "scale" / "kubernetes"
KUBERNETES: Final = "1.37"
_TIMEOUT_SECONDS: Final = 60.0


def overlays(folder: Path = FOLDER) -> list[Path]:
    """Return the folders of the overlays, in the order of their names."""
    return sorted(file.parent for file in (folder / "overlays").glob("*/kustomization.yaml"))


def build(overlay: Path, places: Places) -> list[dict[str, Any]]:
    """Return the manifests of a kustomization.

    Raises:
        StackError: kustomize is not installed, or rejects the files.
    """
    program = places.program(KUSTOMIZE, "kustomize")
    if not program.is_file():
        raise StackError("kustomize is not installed: the manifests were not built. Run `make stack-install`.")
    argv = [str(program), "build", str(overlay)]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS)
    if answer.returncode != 0:
        raise StackError(f"{overlay}: kustomize rejects it: {answer.stderr.strip()}. Correct the named file.")
    return read(answer.stdout)


def read(text: str) -> list[dict[str, Any]]:
    """Return the manifests in the output of `kustomize build`."""
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def violations(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the name of each manifest that the schemas of Kubernetes reject, and why. Unknown fields are rejected."""
    for manifest in manifests:
        name = f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"
        try:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as problem:
            place = ".".join(str(part) for part in problem.path) or "its fields"
            yield name, f"{place}: {problem.message}"
        except kubernetes_validate.SchemaNotFoundError as problem:
            yield name, f"{problem} (Kubernetes {KUBERNETES})"


def faults(manifests: list[dict[str, Any]], source: str) -> list[str]:
    """Return a sentence for each manifest that the schemas of Kubernetes reject.

    Args:
        manifests: Result of `build`.
        source: Name of the kustomization, for the sentences.
    """
    return [f"{source}: {name}: {why}. Correct this field." for name, why in violations(manifests)]


def check(places: Places) -> list[str]:
    """Build each overlay and check its manifests. Return the faults, empty if there is none.

    Raises:
        StackError: kustomize is not installed, or rejects a file.
    """
    return [
        fault
        for overlay in overlays()
        for fault in faults(build(overlay, places), str(overlay.relative_to(REPOSITORY)))
    ]
