"""Go toolchain and free disk in, a checked build environment or an error that says what is missing out."""

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
"""What a part still takes when its sources are in the module cache: a guess that is too low ends in the compiler's own
message, one that is too high would refuse a build that fits."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Go toolchain that is new enough, and the folders of its caches."""

    program: str
    version: str
    build_cache: Path
    module_cache: Path


def find_toolchain() -> Toolchain:
    """Find Go on the path.

    Raises:
        StackError: When Go is missing or older than the parts need.
    """
    needed = ".".join(map(str, GO_MINIMUM))
    advice = f"Install Go {needed} or newer (https://go.dev/dl/), put it on PATH, then run this again."
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
    """The variables for every Go command: the maintainers' module files apply, a workspace around us does not."""
    own = {"GOWORK": "off", "GOFLAGS": "-mod=mod -buildvcs=false", "GOTMPDIR": str(scratch), "CGO_ENABLED": "0"}
    return dict(os.environ) | own


def check_disk(parts: Iterable[Part], places: Places, toolchain: Toolchain) -> None:
    """Compare what building `parts` takes with the free space of each file system involved.

    Raises:
        StackError: Naming the folder, what it needs and what it has.
    """
    needed = sum(_disk_gb(part, toolchain) for part in parts)
    shares = {toolchain.build_cache: 0.5, toolchain.module_cache: 0.4, places.cache: 0.1}
    by_device: dict[int, list[tuple[Path, float]]] = defaultdict(list)
    for folder, share in shares.items():
        there = _existing(folder)
        by_device[there.stat().st_dev].append((folder, share))
    for folders in by_device.values():
        gigabytes = needed * sum(share for _, share in folders)
        free = shutil.disk_usage(_existing(folders[0][0])).free / _GIGABYTE
        if free < gigabytes:
            names = ", ".join(str(folder) for folder, _ in folders)
            raise StackError(
                f"Building takes about {gigabytes:.1f} GB in {names}, where {free:.1f} GB are free: {gigabytes - free:.1f} GB "
                "are missing. Free them, or point GOCACHE, GOMODCACHE or FLEXT_STACK_CACHE at a larger disk."
            )


def _disk_gb(part: Part, toolchain: Toolchain) -> float:
    if part.build is None:
        return 0.0
    sources = toolchain.module_cache / f"{part.build.module}@{part.build.version}"
    return part.build.disk_gb * (_WARM_SHARE if sources.is_dir() else 1.0)


def _existing(folder: Path) -> Path:
    return next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
