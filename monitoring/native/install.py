"""Build parts of the stack: download the sources, build in a scratch folder, and move the binaries to the cache."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console

from monitoring.native.parts import Build, Part
from monitoring.native.places import Places, StackError
from monitoring.native.progress import BuildProgress
from monitoring.native.storage import storing
from monitoring.native.toolchain import Toolchain, check_disk, find_toolchain, go_environment

_LOG_TAIL_LINES: Final = 25
_DOWNLOAD_ADVICE: Final = (
    "Check the network and GOPROXY (`go env GOPROXY`), then run this command again. Finished parts are kept. "
    "Built parts need no network."
)


@dataclass(frozen=True, slots=True)
class _Workshop:
    """Common settings of the commands that build one part."""

    go: str
    scratch: Path
    log: Path
    environment: Mapping[str, str]
    progress: BuildProgress

    def run(self, argv: list[str], folder: Path) -> None:
        """Run one command in `folder`, with its output in the log."""
        with self.log.open("ab") as output:
            output.write(f"$ {' '.join(argv)}\n".encode())
            output.flush()
            child = subprocess.Popen(
                argv,
                cwd=folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._wait(child)
        if child.returncode != 0:
            raise StackError(f"`{' '.join(argv)}` failed. The end of {self.log}:\n{log_tail(self.log)}")

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        try:
            while True:
                try:
                    child.wait(timeout=0.5)
                except subprocess.TimeoutExpired:
                    self.progress.tick()
                else:
                    return
        except BaseException:
            # The session includes the children of the compiler, which must end with an interrupted build.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise


def install(parts: Iterable[Part], places: Places, console: Console) -> None:
    """Build the parts that are not in the cache.

    Args:
        parts: Rows of the table. Rows without a build are skipped.
        places: Folders of the binaries. Sources and compiled packages stay in Go's caches for the next build.
        console: Output of the progress.

    Raises:
        StackError: Go or disk space is missing, or a build failed. Finished parts are kept.
    """
    wanted = [part for part in parts if part.build is not None]
    missing = [part for part in wanted if not places.installed(part)]
    for part in wanted:
        if part not in missing:
            console.print(
                f"{part.name} {part.version}: already in {places.binaries(part)}", highlight=False, soft_wrap=True
            )
    if not missing:
        return
    toolchain = find_toolchain()
    check_disk(missing, places, toolchain)
    advice = "set FLEXT_STACK_CACHE to a folder that this user can write to"
    with storing(places.cache, advice), BuildProgress(console, len(missing)) as progress:
        _sweep(places)
        for part in missing:
            _install_one(part, places, toolchain, progress)


def log_tail(path: Path, lines: int = _LOG_TAIL_LINES) -> str:
    """Return the last lines of a log file, empty if it does not exist."""
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _install_one(part: Part, places: Places, toolchain: Toolchain, progress: BuildProgress) -> None:
    build = part.build
    if build is None:
        return
    progress.begin(f"{part.name} {part.version}")
    logs = places.cache / "log"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"build-{part.name}-{part.version}.log"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=_scratch_root(places)) as folder:
        scratch = Path(folder)
        workshop = _Workshop(toolchain.program, scratch, log, go_environment(scratch), progress)
        output = scratch / "output"
        output.mkdir()
        _build(part, build, workshop, places.repository, output)
        size = _place(output, places.binaries(part))
    progress.end(f"built, {size / 1e6:.0f} MB,")


def _build(part: Part, build: Build, workshop: _Workshop, repository: Path, output: Path) -> None:
    sources = _fetch(build, workshop)
    if build.manifest:
        _generate(build, workshop, sources, repository, output)
        return
    flags = "-s -w" + (f" -X {build.version_variable}={part.version}" if build.version_variable else "")
    for program, package in build.programs.items():
        workshop.progress.step(f"compiling {program}")
        argv = [workshop.go, "build", "-trimpath", "-ldflags", flags, "-o", str(output / program), package]
        workshop.run(argv, sources)


def _generate(build: Build, workshop: _Workshop, sources: Path, repository: Path, output: Path) -> None:
    """Build the builder, and let it generate and compile the program of the manifest."""
    workshop.progress.step("compiling the builder")
    builder = workshop.scratch / "builder"
    workshop.run([workshop.go, "build", "-o", str(builder), "."], sources)
    (program,) = build.programs
    workshop.progress.step(f"generating and compiling {program}")
    manifest = workshop.scratch / "manifest.yaml"
    shutil.copyfile(repository / build.manifest, manifest)
    workshop.run([str(builder), f"--config={manifest}"], workshop.scratch)
    (workshop.scratch / "generated" / program).rename(output / program)


def _fetch(build: Build, workshop: _Workshop) -> Path:
    """Download a module and copy it from the read-only module cache, so that its replace directives apply."""
    wanted = f"{build.module}@{build.version}"
    workshop.progress.step(f"downloading {wanted}")
    argv = [workshop.go, "mod", "download", "-json", wanted]
    answer = subprocess.run(
        argv, cwd=workshop.scratch, env=dict(workshop.environment), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise StackError(f"Download of {wanted} failed: {_download_error(answer)}\n{_DOWNLOAD_ADVICE}")
    cached = Path(str(json.loads(answer.stdout)["Dir"]))
    sources = workshop.scratch / "sources"
    shutil.copytree(cached, sources, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(sources):
        Path(folder).chmod(0o755)
    return sources


def _download_error(answer: subprocess.CompletedProcess[str]) -> str:
    """Return the error of `go mod download -json`, which is a field of its JSON output or plain text."""
    try:
        return str(json.loads(answer.stdout)["Error"]).strip()
    except (ValueError, KeyError, TypeError):
        return (answer.stdout + answer.stderr).strip()


def _place(output: Path, target: Path) -> int:
    """Move a finished build to its place in one step, unless another process was faster. Return its size in bytes."""
    size = sum(path.stat().st_size for path in output.iterdir())
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        output.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    return size


def _scratch_root(places: Places) -> Path:
    root = places.cache / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _sweep(places: Places) -> None:
    """Remove the files of interrupted builds. The name of a scratch folder starts with the pid of its process."""
    for folder in _scratch_root(places).iterdir():
        owner = folder.name.partition("-")[0]
        if not (owner.isdigit() and psutil.pid_exists(int(owner))):
            shutil.rmtree(folder, ignore_errors=True)
