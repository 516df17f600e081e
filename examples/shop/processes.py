"""Modules to run → child processes that end with us, each with its output in a file."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from examples.shop.failure import DemoError

REPOSITORY = Path(__file__).resolve().parents[2]
_READY_SECONDS = 20.0
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.02
_SHOWN_LINES = 20


@dataclass(slots=True)
class Child:
    """A process that we started.

    Attributes:
        name: What people call it.
        process: The process; its standard input is the leash.
        output: File with what it prints.
    """

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def last_words(self) -> str:
        """Return the end of what it printed."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


@dataclass(slots=True)
class Processes:
    """All processes of one run; leaving the block ends them, and removes their files."""

    children: list[Child] = field(default_factory=list[Child])
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="shop-")
    )

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs, kindly at first."""
        try:
            signal_all(self.children)
            _wait(self.children, time.monotonic() + _GRACE_SECONDS)
        finally:
            self.kill()
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where output goes; gone with the block."""
        return Path(self._folder.name)

    def start(
        self, name: str, *argv: str, environment: Mapping[str, str], sockets: Iterable[socket.socket] = ()
    ) -> Child:
        """Run a module as a process.

        Args:
            name: What people call it.
            argv: Module and its arguments.
            environment: All of its variables.
            sockets: What it inherits, under the same numbers.
        """
        output = self.folder / f"{name}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "examples.shop.leash", *argv],
                cwd=REPOSITORY,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                pass_fds=[one.fileno() for one in sockets],
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )
        child = Child(name, process, output)
        self.children.append(child)
        return child

    async def end(self, children: Iterable[Child]) -> None:
        """Ask processes to end and wait until they have.

        Raises:
            DemoError: One did not end in time, or ended with an error.
        """
        ending = list(children)
        signal_all(ending)
        await asyncio.to_thread(_wait, ending, time.monotonic() + _GRACE_SECONDS)
        for child in ending:
            if child.process.poll() != 0:
                raise DemoError(
                    f"{child.name} did not end well (exit code {child.process.poll()}):\n{child.last_words()}"
                )

    def check(self) -> None:
        """See that all are alive.

        Raises:
            DemoError: One is not; with its last words.
        """
        for child in self.children:
            if child.process.poll() is not None:
                raise DemoError(
                    f"{child.name} ended by itself (exit code {child.process.poll()}):\n{child.last_words()}"
                )

    def kill(self) -> None:
        """End everything now."""
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()


def signal_all(children: Iterable[Child]) -> None:
    """Ask processes to end."""
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)


def _wait(children: Iterable[Child], deadline: float) -> None:
    waiting = list(children)
    while waiting and time.monotonic() < deadline:
        waiting = [child for child in waiting if child.process.poll() is None]
        time.sleep(_POLL_SECONDS)


async def wait_until(processes: Processes, is_so: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for something that the processes bring about.

    Raises:
        DemoError: A process ended, or it took too long.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        now = is_so()
        if now if isinstance(now, bool) else await now:
            return
        processes.check()
        if time.monotonic() > deadline:
            raise DemoError(f"{what} does not answer after {_READY_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def answers(http: httpx.AsyncClient, address: str) -> bool:
    """Whether something answers 200 there, at once."""
    try:
        return (await http.get(address, timeout=2.0)).status_code == 200
    except httpx.HTTPError:
        return False


def clean_environment() -> dict[str, str]:
    """Return our variables without those that would steer the telemetry or the calls of the services in some other way."""
    steering = ("OTEL_", "FLEXT_", "OBSERVABILITY_", "SHOP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)}


def listening_socket() -> socket.socket:
    """Return a socket that listens on a free loopback port; a child can inherit it, so that nobody can take the port in between."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)
