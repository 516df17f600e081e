"""Programs under a pre-forking server: load from threads, continuous scrapes, and what each process answered."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.backends.ports import free_port
from tests.programs import environment
from tests.waiting import eventually

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def fetch(port: int, path: str = "/", timeout: float = 10.0) -> str:
    """Return the body of a reply, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Accept": OPENMETRICS, "Connection": "close"})
        reply = connection.getresponse()
        body = reply.read().decode()
        if reply.status != 200:
            raise http.client.HTTPException(f"{reply.status}: {body}")
        return without_scopes(body)
    finally:
        connection.close()


def without_scopes(page: str) -> str:
    """Return a page without the labels of scopes."""
    return re.sub(r'otel_scope_\w+="[^"]*",?', "", page).replace(",}", "}").replace("{}", "")


def sample(page: str, name: str) -> float:
    """Return the value of a sample of a page, 0 if there is none."""
    found = re.search(rf"^{re.escape(name)} (\S+)", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@dataclass
class Load:
    """Requests from threads, and the scrapes beside them.

    Attributes:
        answered: (time, process) of each complete reply.
        failed: Requests without a complete reply.
        pages: Pages in the order of the scrapes.
    """

    port: int
    answered: list[tuple[float, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def processes(self) -> Counter[int]:
        """Return the number of replies of each process."""
        return Counter(pid for _, pid in self.answered)

    def request(self) -> None:
        """Send requests until the end."""
        while not self._stop.is_set():
            try:
                pid = int(fetch(self.port))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failed.append(repr(error))
                time.sleep(0.02)
            else:
                self.answered.append((time.monotonic(), pid))
            time.sleep(0.002)

    def scrape(self) -> None:
        """Scrape until the end."""
        while not self._stop.is_set():
            try:
                self.pages.append(fetch(self.port, "/metrics"))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            time.sleep(0.03)

    @contextmanager
    def running(self, threads: int = 3) -> Iterator[None]:
        """Send requests during the block."""
        workers = [threading.Thread(target=self.request) for _ in range(threads)]
        workers.append(threading.Thread(target=self.scrape))
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            self._stop.set()
            for worker in workers:
                worker.join()


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the master."""
        self.process.send_signal(number)

    def has_workers(self, expected: int) -> set[int]:
        """Return the processes that answer a series of requests, if there are so many."""
        found = {int(fetch(self.port)) for _ in range(expected * 8)}
        return found if len(found) >= expected else set()


@contextmanager
def serving(folder: Path, source: str, command: Sequence[str], **settings: str) -> Iterator[Server]:
    """Run a server with the module ``program`` of this source; ``{port}`` in the command is a free port."""
    (folder / "program.py").write_text(textwrap.dedent(source), encoding="utf-8")
    port, log = free_port(), folder / "server.log"
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in command)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment({"TMPDIR": str(temporary), "COVERAGE_PROCESS_CONFIG": "", "HOME": str(folder), **settings}),
        )
    server = Server(process, port, log)
    try:
        eventually(lambda: _answers(server), within_seconds=25, every_seconds=0.1)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _answers(server: Server) -> bool:
    if server.process.poll() is not None:
        raise AssertionError(server.log.read_text())
    try:
        fetch(server.port)
    except (OSError, http.client.HTTPException):
        return False
    return True


def kill(pid: int) -> None:
    """Kill a worker, which cannot do anything about it."""
    os.kill(pid, signal.SIGKILL)
