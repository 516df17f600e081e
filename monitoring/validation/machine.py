"""Ports and secrets of this machine → those in use by other processes, and those that are missing."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from monitoring.control.secret_files import MARKER, NAMES, secret_problems, secrets_folder
from monitoring.native import processes
from monitoring.native.parts import Part, running_parts
from monitoring.native.places import LOOPBACK
from monitoring.validation.check import Check
from monitoring.validation.compose import FILE
from monitoring.validation.faults import Fault
from monitoring.validation.tree import Tree

TABLE: Final = "monitoring/native/parts.py"
_DOCKER_SECONDS: Final = 20


def checks(tree: Tree) -> Iterator[Check]:
    """Yield a check of the ports and one of the secrets."""
    ports = sum(len(part.run.ports) for part in running_parts() if part.run)
    yield Check(f"{ports} ports are free or used by this stack", partial(_ports, tree))
    yield Check(f"secrets: {', '.join(NAMES)}", partial(_secrets, tree))


def _ports(tree: Tree) -> Iterator[Fault]:
    busy = [
        (part, name, tree.places.port(part, name))
        for part in running_parts()
        for name in (part.run.ports if part.run else ())
        if _in_use(tree.places.port(part, name))
    ]
    containers = _containers(tree.repository) if busy else set[str]()
    for part, name, port in busy:
        if part.service not in containers and not _own(tree, part, port):
            yield _busy(tree, part, name, port)


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _own(tree: Tree, part: Part, port: int) -> bool:
    """Return whether the process of this stack has the port."""
    process = processes.find(part, tree.places)
    if process is None:
        return False
    try:
        return any(
            bool(one.laddr) and one.laddr.port == port and one.status == psutil.CONN_LISTEN
            for one in process.net_connections(kind="tcp")
        )
    except psutil.Error:
        return False


def _containers(repository: Path) -> set[str]:
    """Return the running services of the compose file, empty without Docker."""
    docker = shutil.which("docker")
    if docker is None:
        return set()
    argv = [docker, "compose", "-f", str(repository / FILE), "ps", "--services", "--status", "running"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_DOCKER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return set()
    return set(done.stdout.split()) if done.returncode == 0 else set()


def _busy(tree: Tree, part: Part, name: str, port: int) -> Fault:
    table = tree.document(TABLE)
    own = part.run.ports[name] if part.run else port
    first = table.line_matching(rf'^\s*name="{part.name}",')
    number = next(
        (
            number
            for number, line in enumerate(table.lines[first - 1 :], start=first)
            if re.search(rf'"{name}": {own}\b', line)
        ),
        first,
    )
    why = f"{processes.port_owner(port)} uses it"
    action = "Stop that process, or set FLEXT_STACK_PORT_OFFSET, for example to 1000, to move all ports"
    return Fault(TABLE, number, f"port {port} ({part.name} {name})", why, action)


def _secrets(tree: Tree) -> Iterator[Fault]:
    folder = secrets_folder(tree.repository)
    if not folder.is_dir():
        action = "Run `make observability-init`"
        for name in NAMES:
            yield Fault(tree.name(folder / name), 1, "secret", "it is missing", action)
        return
    for problem in secret_problems(tree.repository):
        path, _, rest = problem.partition(": ")
        why, _, action = rest.partition(". ")
        what = "file" if path.endswith(MARKER) else "secret"
        yield Fault(tree.name(Path(path)), 1, what, why, action or "Run `make observability-init`")
