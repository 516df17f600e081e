"""A small HTTP server as a part of the stack, for tests of the runner without the real parts."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

from rich.console import Console

from monitoring.native.parts import Build, Part, Run
from monitoring.native.places import Places

SERVER = """import http.server, sys
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"""
STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVER


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def part_running(script: str, port: int) -> Part:
    build = Build(module="example.org/stand-in", version="v1.0.0", programs={"stand-in": "."})
    run = Run(ports={"http": port}, health=("http", "/"), argv=("{bin}/stand-in", "-c", script, str(port)))
    return Part(name="stand-in", version="1.0.0", tag="1.0.0", build=build, run=run)


def pretend_installed(part: Part, places: Places) -> None:
    places.binaries(part).mkdir(parents=True)
    places.program(part, "stand-in").symlink_to(Path(sys.executable).resolve())


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
