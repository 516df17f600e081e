"""The native runner on a machine that is full, read-only, offline or busy: clear words, and nothing else harmed."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from monitoring.native import processes
from monitoring.native.install import install
from monitoring.native.parts import Build, Part
from monitoring.native.places import REPOSITORY, Places, StackError
from monitoring.native.stack import down, up
from tests.monitoring.stand_in import SERVER, free_port, part_running, pretend_installed, text_of


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def part(places: Places) -> Iterator[Part]:
    served = part_running(SERVER, free_port())
    pretend_installed(served, places)
    yield served
    processes.stop(served, places, grace_seconds=5)


def children_with(text: str) -> list[int]:
    return [one.pid for one in psutil.process_iter(["cmdline"]) if text in " ".join(one.info["cmdline"] or [])]


def test_a_nearly_full_disk_is_reported_before_anything_starts(part: Part, small_disk: Path, console: Console) -> None:
    places = Places(cache=small_disk.parent / "cache", state=small_disk / "state")
    with pytest.raises(StackError, match=r"nearly full: 0 MB are free.*Free space there, or set FLEXT_STACK_STATE"):
        up([part], places, console)
    assert not (small_disk / "state" / "stand-in").exists()


def test_a_full_disk_is_reported_and_leaves_no_process(part: Part, places: Places) -> None:
    """Writing to /dev/full fails like a full disk. The record of the process cannot be written."""
    folder = places.folder(part)
    folder.mkdir(parents=True)
    (folder / "process.draft").symlink_to("/dev/full")
    with pytest.raises(StackError, match=r"no space left on device \([0-9]+ MB are free\)\. Free space there"):
        processes.start(part, places)
    assert part.run is not None
    assert children_with(f"bind='127.0.0.1') {part.run.ports['http']}") == []
    assert not (folder / "process.json").exists()


def test_a_read_only_state_folder_is_reported(part: Part, places: Places, read_only_folder: Path) -> None:
    fixed = Places(cache=places.cache, state=read_only_folder / "state")
    with pytest.raises(StackError, match=r"Cannot write .*(read-only|permission denied).*\. Set FLEXT_STACK_STATE"):
        up([part], fixed, Console(file=io.StringIO()))
    console = Console(file=io.StringIO())
    down([part], fixed, console)
    assert "was not running" in text_of(console)


def test_a_file_in_place_of_the_state_folder_is_reported(part: Part, places: Places, console: Console) -> None:
    places.state.write_text("not a folder", encoding="utf-8")
    with pytest.raises(StackError, match=r"Cannot write .*state: (file exists|not a directory).*FLEXT_STACK_STATE"):
        up([part], places, console)
    assert places.state.read_text(encoding="utf-8") == "not a folder"


def test_a_read_only_cache_is_reported_before_a_build(
    places: Places, console: Console, read_only_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    go = json.dumps({"GOVERSION": "go1.26.1", "GOCACHE": str(tmp_path), "GOMODCACHE": str(tmp_path)})
    (programs / "go").write_text(f"#!/bin/sh\necho '{go}'\n", encoding="utf-8")
    (programs / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    fixed = Places(cache=read_only_folder / "cache", state=places.state)
    with pytest.raises(StackError, match=r"(read-only|permission denied).*\. Set FLEXT_STACK_CACHE"):
        install([part_running(SERVER, 0)], fixed, console)


def test_without_a_network_the_download_is_reported_with_the_fix(
    places: Places, console: Console, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOCACHE", str(tmp_path / "builds"))
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    build = Build(module="example.org/absent", version="v1.0.0", programs={"absent": "."}, disk_gb=0.001)
    absent = Part(name="absent", version="1.0.0", tag="", build=build)
    expected = (
        r"(?s)Download of example\.org/absent@v1\.0\.0 failed: .*connection refused.*Check the network and GOPROXY"
    )
    with pytest.raises(StackError, match=expected):
        install([absent], places, console)
    assert not places.binaries(absent).exists()
    assert list((places.cache / "scratch").iterdir()) == []


def test_a_port_in_use_is_reported_with_the_name_of_its_process(part: Part, places: Places, console: Console) -> None:
    assert part.run is not None
    port = part.run.ports["http"]
    code = f"import socket, sys; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        owner.stdout.readline()
        name = psutil.Process(owner.pid).name()
        with pytest.raises(StackError, match=rf"port {port} \(http\): {re.escape(name)} \(pid {owner.pid}\) uses it"):
            up([part], places, console)
        assert owner.poll() is None, "the owner of the port is not harmed"
        owner.stdin.close()


def test_a_program_of_another_machine_is_reported(part: Part, places: Places, console: Console) -> None:
    program = places.program(part, "stand-in")
    program.unlink()
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(
        StackError, match=r"cannot start .*exec format error\. Remove the file and run `make stack-install`"
    ):
        up([part], places, console)


def test_two_starts_at_the_same_time_start_one_process(part: Part, places: Places) -> None:
    consoles = [Console(file=io.StringIO()), Console(file=io.StringIO())]
    threads = [threading.Thread(target=up, args=([part], places, one)) for one in consoles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert part.run is not None
    assert len(children_with(f"bind='127.0.0.1') {part.run.ports['http']}")) == 1
    assert sum("was running" in text_of(one) for one in consoles) == 1


def test_stopping_parts_that_were_not_started_changes_nothing(part: Part, places: Places, console: Console) -> None:
    down([part], places, console)
    assert "was not running" in text_of(console)
    assert not places.state.exists()


def test_a_record_of_an_ended_process_does_not_prevent_a_start(part: Part, places: Places, console: Console) -> None:
    up([part], places, console)
    first = processes.find(part, places)
    assert first is not None
    first.kill()
    first.wait(5)
    assert processes.find(part, places) is None
    up([part], places, console)
    second = processes.find(part, places)
    assert second is not None
    assert second.pid != first.pid


def test_the_command_line_reports_an_error_in_one_sentence_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "monitoring.native", "up", "no-such-part"],
        cwd=REPOSITORY,
        env=os.environ | {"FLEXT_STACK_CACHE": str(tmp_path), "FLEXT_STACK_STATE": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 1
    assert run.stdout.startswith("Unknown part 'no-such-part'. Use one of ")
    assert run.stderr == ""
