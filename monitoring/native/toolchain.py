"""Find the Go toolchain, and check the free disk space."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitoring.native.parts import GO_MINIMUM, Part
from monitoring.native.places import Places, StackError

_GIGABYTE: Final = 1024**3
_WARM_SHARE: Final = 0.25
"""Estimated share of the disk space if the sources are in the module cache. An estimate that is too high would reject
a build that fits."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Go toolchain of a supported version, and the folders of its caches."""

    program: str
    version: str
    build_cache: Path
    module_cache: Path


def find_toolchain() -> Toolchain:
    """Find Go on the path.

    Raises:
        StackError: Go is missing or too old.
    """
    needed = ".".join(map(str, GO_MINIMUM))
    advice = f"Install Go {needed} or newer (https://go.dev/dl/), put it on PATH, then run this command again."
    program = shutil.which("go")
    if program is None:
        raise StackError(f"Go is not on PATH: the stack is built from Go modules. {advice}")
    query = [program, "env", "-json", "GOVERSION", "GOCACHE", "GOMODCACHE"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, cwd=Path(program).parent)
    if answer.returncode != 0:
        raise StackError(f"`{program} env` failed: {answer.stderr.strip()} {advice}")
    values: dict[str, str] = json.loads(answer.stdout)
    found = re.match(r"go(\d+)\.(\d+)", values["GOVERSION"])
    if found is None or (int(found[1]), int(found[2])) < GO_MINIMUM:
        raise StackError(f"{program} is {values['GOVERSION']}, and the parts need {needed}. {advice}")
    return Toolchain(program, values["GOVERSION"], Path(values["GOCACHE"]), Path(values["GOMODCACHE"]))


def go_environment(scratch: Path) -> dict[str, str]:
    """Return the environment of Go commands: module files apply, a surrounding workspace does not."""
    own = {"GOWORK": "off", "GOFLAGS": "-mod=mod -buildvcs=false", "GOTMPDIR": str(scratch), "CGO_ENABLED": "0"}
    return dict(os.environ) | own


def check_disk(parts: Iterable[Part], places: Places, toolchain: Toolchain) -> None:
    """Compare the disk space for building `parts` with the free space of each file system.

    Raises:
        StackError: A file system has too little free space.
    """
    needed = sum(_disk_gb(part, toolchain) for part in parts)
    shares = {toolchain.build_cache: 0.5, toolchain.module_cache: 0.4, places.cache: 0.1}
    by_device: dict[int, list[tuple[Path, float]]] = defaultdict(list)
    for folder, share in shares.items():
        existing = _existing(folder)
        by_device[existing.stat().st_dev].append((folder, share))
    for folders in by_device.values():
        gigabytes = needed * sum(share for _, share in folders)
        free = shutil.disk_usage(_existing(folders[0][0])).free / _GIGABYTE
        if free < gigabytes:
            names = ", ".join(str(folder) for folder, _ in folders)
            raise StackError(
                f"The build needs about {gigabytes:.1f} GB in {names}, where {free:.1f} GB are free: "
                f"{gigabytes - free:.1f} GB are missing. "
                "Free them, or set GOCACHE, GOMODCACHE or FLEXT_STACK_CACHE to folders on a larger disk."
            )


def _disk_gb(part: Part, toolchain: Toolchain) -> float:
    if part.build is None:
        return 0.0
    sources = toolchain.module_cache / f"{part.build.module}@{part.build.version}"
    return part.build.disk_gb * (_WARM_SHARE if sources.is_dir() else 1.0)


def _existing(folder: Path) -> Path:
    return next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
