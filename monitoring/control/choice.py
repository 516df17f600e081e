"""Choose the engine: Docker if it works on this machine, else the native runner, or as FLEXT_STACK_ENGINE sets."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from monitoring.control.docker import DockerEngine
from monitoring.control.engine import Engine
from monitoring.control.native import NativeEngine
from monitoring.native.places import StackError, places_from

_VARIABLE: Final = "FLEXT_STACK_ENGINE"
_ASK_SECONDS: Final = 20
_INSTALL_DOCKER: Final = "Install Docker Engine with the Compose plug-in: https://docs.docker.com/engine/install/"


def choose_engine(environ: Mapping[str, str] | None = None) -> tuple[Engine, str]:
    """Return the engine of this machine, and the reason for the choice.

    Args:
        environ: Variables of `places_from`, and `FLEXT_STACK_ENGINE`: `docker`, `native`, or empty for a choice.
            Default: the environment of this process.

    Raises:
        StackError: The variable has another value, or Docker was set and does not work.
    """
    values = os.environ if environ is None else environ
    wanted = values.get(_VARIABLE, "").strip().lower()
    places = places_from(values)
    if wanted == "native":
        return NativeEngine(places), f"set by {_VARIABLE}"
    if wanted not in {"", "docker"}:
        raise StackError(
            f"Invalid {_VARIABLE} {wanted!r}: the engines are docker and native. Set one of them, or unset it."
        )
    problem = docker_problem()
    if not problem:
        return DockerEngine(places), f"set by {_VARIABLE}" if wanted else "the engine and its Compose plug-in answer"
    if wanted:
        raise StackError(f"{_VARIABLE}=docker: {problem}. {_INSTALL_DOCKER}, or set {_VARIABLE}=native.")
    return NativeEngine(places), problem


def docker_problem() -> str:
    """Return why Docker cannot run the stack, or an empty text if it can."""
    if shutil.which("docker") is None:
        return "docker is not on PATH"
    for words, what in ((("info",), "the Docker engine"), (("compose", "version"), "Docker's Compose plug-in")):
        try:
            done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=_ASK_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{what} does not answer: {error}"
        if done.returncode != 0:
            return f"{what} does not answer: {_reason(done.stdout + done.stderr)}"
    return ""


def _reason(output: str) -> str:
    """Return the line of Docker's output that names the failure. `docker info` prints it after other facts."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if any(word in line for word in ("annot", "rror", "denied", "unknown"))]
    return (named or lines or ["no reason given"])[0].partition(". ")[0]
