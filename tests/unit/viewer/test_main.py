from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from flext_observability.viewer.main import main
from tests.waiting import eventually


def run(*arguments: str) -> int:
    return main(["--port", "0", *arguments])


def test_it_stops_after_its_time_with_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert run("--quit-after", "0.05", "--memory", "16") == 0
    page = capsys.readouterr().out
    assert page.startswith("Viewer listens on http://127.0.0.1:")
    assert page.endswith("Received 0 spans, 0 log records, 0 data points from 0 services.\n")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_on_either_signal(number: signal.Signals, tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    def interrupt() -> None:
        eventually(ready.exists)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert run("--quiet", "--plain", "--ready-file", str(ready)) == 0
    thread.join()


@pytest.mark.parametrize("host", ["::1", "localhost", "0.0.0.0"])
def test_the_ready_file_contains_the_address(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready = tmp_path / "ready"
    assert run("--host", host, "--quit-after", "0.02", "--ready-file", str(ready)) == 0
    address = ready.read_text().strip()
    assert f"listens on {address} " in capsys.readouterr().out
    assert address.rpartition(":")[0] == {
        "::1": "http://[::1]",
        "localhost": "http://127.0.0.1",
        "0.0.0.0": "http://0.0.0.0",
    }.get(host)
    assert list(tmp_path.iterdir()) == [ready]


def test_a_port_in_use_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"Port {port} on 127.0.0.1 is taken. Stop the program that uses it, or choose another port with --port.\n"
    )


def test_a_foreign_host_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--host", "nowhere.invalid") == 1
    error = capsys.readouterr().err
    assert error.startswith("Cannot listen on port 0 of nowhere.invalid: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "65536"], "'65536' is not a port"),
        (["--port", "x"], "'x' is not a port"),
        (["--quit-after", "-1"], "'-1' is not a number of seconds"),
        (["--quit-after", "nan"], "'nan' is not a number of seconds"),
        (["--quit-after", "soon"], "invalid"),
        (["--memory", "0"], "'0' is not a number of megabytes"),
        (["--ready-file", "/no/such/folder/file"], "does not exist"),
    ],
)
def test_an_invalid_argument_is_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_help_lists_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    page = capsys.readouterr().out
    for option in ("--host", "--port", "--plain", "--quiet", "--quit-after", "--ready-file", "--memory"):
        assert option in page
