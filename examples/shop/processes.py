"""Run modules as child processes that end with this process and write their output to files."""

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
    """A child process.

    Attributes:
        name: Display name.
        process: The process. Closing its standard input ends it.
        output: File with its output.
    """

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def last_output(self) -> str:
        """Return the last lines of its output."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])


@dataclass(slots=True)
class Processes:
    """Child processes of one run. The end of the ``with`` block ends them and removes their files."""

    children: list[Child] = field(default_factory=list[Child])
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="shop-")
    )

    def __enter__(self) -> Self:
        """Enter the context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Terminate the running processes, and kill those that do not end in time."""
        try:
            signal_all(self.children)
            _wait(self.children, time.monotonic() + _GRACE_SECONDS)
        finally:
            self.kill()
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Folder of the output files, removed at the end of the ``with`` block."""
        return Path(self._folder.name)

    def start(
        self, name: str, *argv: str, environment: Mapping[str, str], sockets: Iterable[socket.socket] = ()
    ) -> Child:
        """Run a module as a process.

        Args:
            name: Display name.
            argv: Module and its arguments.
            environment: Its complete environment.
            sockets: Inherited sockets, with the same file descriptors.
        """
        output = self.folder / f"{name}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "examples.shop.child", *argv],
                cwd=REPOSITORY,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                pass_fds=[one.fileno() for one in sockets],
                start_new_session=True,  # Ctrl-C reaches only this process, which then ends the children
            )
        child = Child(name, process, output)
        self.children.append(child)
        return child

    async def end(self, children: Iterable[Child]) -> None:
        """Terminate processes, and wait for their end.

        Raises:
            DemoError: A process did not end in time, or ended with an error.
        """
        ending = list(children)
        signal_all(ending)
        await asyncio.to_thread(_wait, ending, time.monotonic() + _GRACE_SECONDS)
        for child in ending:
            if child.process.poll() != 0:
                raise DemoError(
                    f"{child.name} failed at its end (exit code {child.process.poll()}):\n{child.last_output()}"
                )

    def check(self) -> None:
        """Check that all processes run.

        Raises:
            DemoError: A process has exited.
        """
        for child in self.children:
            if child.process.poll() is not None:
                raise DemoError(f"{child.name} exited (exit code {child.process.poll()}):\n{child.last_output()}")

    def kill(self) -> None:
        """Kill the running processes."""
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()


def signal_all(children: Iterable[Child]) -> None:
    """Send SIGTERM to the running processes."""
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)


def _wait(children: Iterable[Child], deadline: float) -> None:
    waiting = list(children)
    while waiting and time.monotonic() < deadline:
        waiting = [child for child in waiting if child.process.poll() is None]
        time.sleep(_POLL_SECONDS)


async def wait_until(processes: Processes, condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for a condition.

    Raises:
        DemoError: A process exited, or the time limit was reached.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        result = condition()
        if result if isinstance(result, bool) else await result:
            return
        processes.check()
        if time.monotonic() > deadline:
            raise DemoError(f"{what} does not answer after {_READY_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def answers(http: httpx.AsyncClient, address: str) -> bool:
    """Return whether the address answers 200."""
    try:
        return (await http.get(address, timeout=2.0)).status_code == 200
    except httpx.HTTPError:
        return False


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of telemetry and of the shop."""
    settings = ("OTEL_", "FLEXT_", "OBSERVABILITY_", "SHOP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(settings)}


def listening_socket() -> socket.socket:
    """Return a socket that listens on a free loopback port. A child that inherits it cannot lose the port."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)
