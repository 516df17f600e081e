"""LogsQL query → why VictoriaLogs rejects it, from a short-lived process without data."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from types import TracebackType
from typing import Final, Self

import httpx

from monitoring.native.parts import VICTORIALOGS
from monitoring.native.places import LOOPBACK
from monitoring.validation.faults import NotCheckedError
from monitoring.validation.messages import sentence
from monitoring.validation.tree import Tree

_READY_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_ENDPOINTS: Final = {
    "stats": "/select/logsql/stats_query",
    "statsRange": "/select/logsql/stats_query_range",
    "hits": "/select/logsql/hits",
}
_PREFIX = re.compile(r"^cannot parse `query` arg \[.*?\]: ", re.DOTALL)


class LogsQLParser:
    """A VictoriaLogs on a free port of loopback, from entering the context to leaving it."""

    def __init__(self, tree: Tree) -> None:
        """Use the installed program with data in the scratch folder."""
        self._program = tree.program(VICTORIALOGS, "victoria-logs")
        self._folder = tree.scratch.state / "logsql"
        self._client = httpx.Client(trust_env=False, timeout=_READY_SECONDS)
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def __enter__(self) -> Self:
        """Start the process, and wait until it answers.

        Raises:
            NotCheckedError: The process does not start.
        """
        self._folder.mkdir(exist_ok=True)
        self._address = f"{LOOPBACK}:{_free_port()}"
        flags = [f"-storageDataPath={self._folder / 'data'}", f"-httpListenAddr={self._address}"]
        try:
            with (self._folder / "output.log").open("wb") as log:
                self._process = subprocess.Popen([self._program, *flags], stdout=log, stderr=log)
        except OSError as error:
            self._client.close()
            action = "delete its folder and run `make stack-install`"
            raise NotCheckedError(f"{self._program} does not start ({error.strerror}), {action}") from error
        self._wait(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the process."""
        self._stop()

    def problem(self, query: str, kind: str) -> str:
        """Return why the query is not valid for its type, or an empty text."""
        endpoint = _ENDPOINTS.get(kind, "/select/logsql/query")
        fields = {"query": query, "limit": "1", "step": "1m", "start": "1h"}
        answer = self._client.post(f"http://{self._address}{endpoint}", data=fields)
        if answer.is_success:
            return ""
        try:
            text = str(answer.json()["error"])
        except (ValueError, KeyError, TypeError):
            text = answer.text
        return sentence(_PREFIX.sub("", text).partition("; context: ")[0])

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                lines = (self._folder / "output.log").read_text(encoding="utf-8", errors="replace").splitlines()
                raise NotCheckedError(f"victoria-logs does not start: {sentence(lines[-1] if lines else 'no output')}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self._client.get(f"http://{self._address}/health").is_success
        except httpx.TransportError:
            return False

    def _stop(self) -> None:
        self._client.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
