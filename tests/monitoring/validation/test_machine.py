"""Ports and secrets of this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitoring.native.parts import ALERTMANAGER, running_parts
from monitoring.native.places import REPOSITORY, places_from
from monitoring.validation.faults import Outcome
from monitoring.validation.table import all_checks
from monitoring.validation.tree import Tree
from tests.monitoring.validation.copies import Copy


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return the repository with a port offset whose ports are all free."""
    ports = [port for part in running_parts() if part.run for port in part.run.ports.values()]
    start = 9_000 + os.getpid() % 2_000
    offset = next(one for one in range(start, start + 2_000, 23) if all(is_free(one + port) for port in ports))
    places = replace(places_from(), port_offset=offset, state=tmp_path / "stack", repository=REPOSITORY)
    return Tree(places, replace(places, state=tmp_path))


@pytest.fixture
def listener(tree: Tree) -> Iterator[socket.socket]:
    """Yield a listener on the port of Alertmanager."""
    with socket.create_server(("127.0.0.1", tree.places.port(ALERTMANAGER, "http"))) as server:
        yield server


def ports(tree: Tree) -> Outcome:
    (check,) = [check for check in all_checks(tree) if "ports are free" in check.title]
    return check.run()


def test_free_ports_are_no_fault(tree: Tree) -> None:
    assert ports(tree).verdict == "good"


def test_a_port_in_use_names_process_and_variable(tree: Tree, listener: socket.socket) -> None:
    (fault,) = ports(tree).faults
    assert f"(pid {os.getpid()}) uses it" in fault.why
    assert fault.what == f"port {listener.getsockname()[1]} (alertmanager http)"
    assert "FLEXT_STACK_PORT_OFFSET" in fault.action
    lines = (REPOSITORY / fault.file).read_text(encoding="utf-8").splitlines()
    assert f'"http": {listener.getsockname()[1] - tree.places.port_offset}' in lines[fault.line - 1]


def test_a_port_of_a_running_container_of_the_stack_is_no_fault(
    tree: Tree, listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small program in place of Docker lists Alertmanager as running."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho {ALERTMANAGER.service}\n", encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    assert listener.fileno() >= 0
    assert ports(tree).verdict == "good"
    docker.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    assert ports(tree).verdict == "faulty"


def test_secrets_are_complete(copy: Copy) -> None:
    assert copy.faults("secrets: ") == []


def test_a_missing_secret_names_the_command(copy: Copy) -> None:
    copy.path("monitoring/secrets/grafana-admin-password").unlink()
    (fault,) = copy.faults("secrets: ")
    assert str(fault).startswith("monitoring/secrets/grafana-admin-password:1: secret: ")
    assert fault.action == "Run `make observability-init`."


def test_a_missing_folder_names_every_secret(copy: Copy) -> None:
    for path in copy.path("monitoring/secrets").iterdir():
        path.unlink()
    copy.path("monitoring/secrets").rmdir()
    faults = copy.faults("secrets: ")
    assert [fault.what for fault in faults] == ["secret", "secret"]
    assert all("make observability-init" in fault.action for fault in faults)


def test_an_empty_secret_and_an_open_folder_are_faults(copy: Copy) -> None:
    copy.write("monitoring/secrets/grafana-admin-password", "")
    copy.path("monitoring/secrets").chmod(0o755)
    texts = " ".join(str(fault) for fault in copy.faults("secrets: "))
    assert "the file is empty" in texts
    assert "chmod 700" in texts


def test_no_secret_is_printed(copy: Copy) -> None:
    secret = copy.text("monitoring/secrets/grafana-admin-password")
    copy.write("monitoring/secrets/grafana-admin-password", f" {secret}\n")
    faults = copy.faults("secrets: ")
    assert faults
    assert all(secret not in str(fault) for fault in faults)
