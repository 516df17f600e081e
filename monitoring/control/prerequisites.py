"""Check what the engine needs on this machine before anything is started."""

from __future__ import annotations

import platform
import shutil
import subprocess
from typing import Final

from monitoring.control.context import Context
from monitoring.native.parts import GO_MINIMUM, built_parts
from monitoring.native.places import StackError
from monitoring.native.storage import check_state, free_mb
from monitoring.native.toolchain import check_disk, find_toolchain

_GO: Final = ".".join(map(str, GO_MINIMUM))


def check_prerequisites(context: Context) -> None:
    """Print the engine and the versions that it needs.

    Raises:
        StackError: Neither Docker nor Go can run the stack, or the disk is too small for the build.
    """
    report = context.report
    report.done(f"Python {platform.python_version()}, make {_first_line('make', '--version')}")
    report.done(f"engine {context.engine.name}: {context.reason}")
    if context.docker:
        report.done(f"Docker: {_first_line('docker', 'compose', 'version')}")
    else:
        report.done(_check_native(context))
        check_state(context.engine.places)
        free = free_mb(context.engine.places.state) / 1024
        report.done(f"data, logs and pid files: {context.engine.places.state}, {free:.1f} GB free")


def check_engine(context: Context) -> None:
    """Print the engine, and check that it can run the stack, without a list of versions.

    Raises:
        StackError: Neither Docker nor Go can run the stack.
    """
    context.report.done(f"engine {context.engine.name}: {context.reason}")
    if not context.docker:
        _check_native(context)


def _check_native(context: Context) -> str:
    places = context.engine.places
    missing = [part for part in built_parts() if not places.installed(part)]
    if not missing:
        return f"all parts are built, in {places.cache / 'bin'}"
    try:
        toolchain = find_toolchain()
    except StackError as error:
        raise StackError(_nothing_works(context.reason, error)) from error
    check_disk(missing, places, toolchain)
    return f"{toolchain.version} builds {', '.join(part.name for part in missing)}"


def _nothing_works(docker: str, go: StackError) -> str:
    return (
        f"This machine cannot run the stack: {docker}; and {str(go).split('. ', maxsplit=1)[0]}. "
        "Install one of the two, then run this command again:\n"
        "  Docker Engine with its Compose plug-in  https://docs.docker.com/engine/install/\n"
        f"  Go {_GO} or newer, with go on PATH       https://go.dev/dl/ (the first build needs 12 GB of disk)"
    )


def _first_line(program: str, *words: str) -> str:
    path = shutil.which(program)
    if path is None:
        return "not found"
    done = subprocess.run([path, *words], capture_output=True, text=True, check=False, timeout=20)
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0].strip().removeprefix("GNU Make ") if lines else "without a version"
