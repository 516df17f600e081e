"""The native runner with small real processes in place of the parts and Go. Needs no Go and no stack."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from monitoring.native import processes
from monitoring.native.install import install
from monitoring.native.parts import COLLECTOR, Build, Part
from monitoring.native.places import Places, StackError, places_from
from monitoring.native.stack import down, up
from tests.monitoring.stand_in import SERVER, STUBBORN, free_port, part_running, pretend_installed, text_of

FAKE_GO = """#!/bin/sh
case "$1 $2" in
  "env -json") echo '{"GOVERSION": "@VERSION@", "GOCACHE": "@CACHE@", "GOMODCACHE": "@CACHE@"}' ;;
  "mod download") echo '{"Dir": "@SOURCES@"}' ;;
  build*) while [ "$1" != -o ]; do shift; done; @COMPILE@ ;;
esac
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def part(places: Places, console: Console) -> Iterator[Part]:
    served = part_running(SERVER, free_port())
    pretend_installed(served, places)
    yield served
    down([served], places, console)


def test_up_waits_until_ready_and_keeps_running_parts(part: Part, places: Places, console: Console) -> None:
    up([part], places, console)
    first = processes.find(part, places)
    up([part], places, console)
    assert first is not None
    assert processes.find(part, places) == first
    assert "ready after" in text_of(console)
    assert "was running" in text_of(console)


def test_down_stops_the_process_and_removes_its_record(part: Part, places: Places, console: Console) -> None:
    up([part], places, console)
    process = processes.find(part, places)
    down([part], places, console)
    assert process is not None
    assert processes.ended(process)
    assert processes.find(part, places) is None
    down([part], places, console)
    assert "was not running" in text_of(console)


def test_a_part_that_ignores_sigterm_is_killed(places: Places, console: Console) -> None:
    stubborn = part_running(STUBBORN, free_port())
    pretend_installed(stubborn, places)
    up([stubborn], places, console)
    process = processes.find(stubborn, places)
    outcome = processes.stop(stubborn, places, grace_seconds=0.2)
    assert outcome.startswith("killed after")
    assert process is not None
    assert processes.ended(process)


def test_a_reused_pid_is_not_stopped(part: Part, places: Places) -> None:
    record = places.folder(part) / "process.json"
    record.parent.mkdir(parents=True)
    ours = {"pid": os.getpid(), "created": 1.0, "program": str(places.program(part, "stand-in"))}
    record.write_text(json.dumps(ours), encoding="utf-8")
    assert processes.find(part, places) is None
    assert processes.stop(part, places, grace_seconds=0.1) == "was not running"


def test_a_damaged_record_counts_as_not_running(part: Part, places: Places) -> None:
    record = places.folder(part) / "process.json"
    record.parent.mkdir(parents=True)
    record.write_text("{", encoding="utf-8")
    assert processes.find(part, places) is None


def test_an_exited_part_is_reported_with_the_end_of_its_log(places: Places, console: Console) -> None:
    broken = part_running("import sys; sys.exit('no such disk')", free_port())
    pretend_installed(broken, places)
    with pytest.raises(StackError, match=r"stand-in exited(?s:.*)no such disk"):
        up([broken], places, console)


def test_a_port_in_use_is_reported_with_the_fix(part: Part, places: Places, console: Console) -> None:
    assert part.run is not None
    with (
        socket.create_server(("127.0.0.1", part.run.ports["http"])),
        pytest.raises(StackError, match=r"port \d+ \(http\).*FLEXT_STACK_PORT_OFFSET"),
    ):
        up([part], places, console)


def test_a_missing_part_is_reported_with_the_install_command(places: Places, console: Console) -> None:
    with pytest.raises(StackError, match="make stack-install"):
        up([COLLECTOR], places, console)


def test_port_offset_moves_ports_and_state(tmp_path: Path) -> None:
    places = places_from({"FLEXT_STACK_CACHE": str(tmp_path), "FLEXT_STACK_PORT_OFFSET": "1000"})
    assert places.address(COLLECTOR, "otlp_http") == "127.0.0.1:5318"
    assert places.state == tmp_path / "state-1000"


def test_state_folder_can_be_elsewhere(tmp_path: Path) -> None:
    places = places_from({"XDG_CACHE_HOME": str(tmp_path), "FLEXT_STACK_STATE": str(tmp_path / "mine")})
    assert places.cache == tmp_path / "flext-observability"
    assert places.state == tmp_path / "mine"


@pytest.mark.parametrize("offset", ["many", "-1", "60000", "1.5"])
def test_an_invalid_port_offset_is_rejected(offset: str) -> None:
    with pytest.raises(StackError, match="set a whole number from 0 to"):
        places_from({"FLEXT_STACK_PORT_OFFSET": offset})


def fake_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, version: str = "go1.26.1", compile_with: str = ""
) -> None:
    """Put a fake `go` first on the path. `compile_with` is shell code with the output file in "$2"."""
    programs, sources = folder / "programs", folder / "sources"
    programs.mkdir()
    sources.mkdir()
    values = {"VERSION": version, "CACHE": str(folder), "SOURCES": str(sources), "COMPILE": compile_with or ": > $2"}
    script = FAKE_GO
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    (programs / "go").write_text(script, encoding="utf-8")
    (programs / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def test_install_builds_once(places: Places, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(tmp_path, monkeypatch)
    wanted = part_running(SERVER, 0)
    install([wanted], places, console)
    assert places.installed(wanted)
    assert not list((places.cache / "scratch").iterdir())
    monkeypatch.setenv("PATH", "")
    install([wanted], places, console)
    assert "already in" in text_of(console)


def test_a_failed_build_leaves_nothing_in_place_and_shows_its_log(
    places: Places, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch, compile_with=": > $2; echo out of memory >&2; exit 1")
    wanted = part_running(SERVER, 0)
    with pytest.raises(StackError, match="out of memory"):
        install([wanted], places, console)
    assert not places.binaries(wanted).exists()
    assert not list((places.cache / "scratch").iterdir())


def test_files_of_a_killed_build_are_removed(
    places: Places, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch)
    beyond_any_pid = 2**30
    (places.cache / "scratch" / f"{beyond_any_pid}-left" / "sources").mkdir(parents=True)
    install([part_running(SERVER, 0)], places, console)
    assert not list((places.cache / "scratch").iterdir())


def test_missing_go_is_reported_with_the_fix(places: Places, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match=r"Go is not on PATH.*Install Go 1\.26 or newer"):
        install([COLLECTOR], places, console)


def test_old_go_is_reported_with_the_fix(
    places: Places, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch, version="go1.21.4")
    with pytest.raises(StackError, match=r"is go1\.21\.4, and the parts need 1\.26"):
        install([COLLECTOR], places, console)


def test_missing_disk_space_is_reported(
    places: Places, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, monkeypatch)
    build = Build(module="example.org/huge", version="v1.0.0", programs={"huge": "."}, disk_gb=1e9)
    huge = Part(name="huge", version="1.0.0", tag="", build=build)
    with pytest.raises(StackError, match=r"GB are missing.*FLEXT_STACK_CACHE"):
        install([huge], places, console)
