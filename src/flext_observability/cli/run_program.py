"""Request → a child process that imports the program and generates the text, within a time limit.

The child answers on a pipe of its own, because the program may print, close its streams, or end the process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any, Final

from flext_observability.domain.result import FlextResult
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview

_CHILD: Final = "flext_observability.cli.child"
_MAX_SHOWN_BYTES: Final = 2000
_EXIT_SECONDS: Final = 5.0
_MAIN_FIX: Final = "Put what runs the program under: if __name__ == '__main__'"
_REMOVED: Final = ("ALERTMANAGER_URL", "PROMETHEUS_PUSH_GATEWAY", "OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class Request:
    """What the child generates.

    Attributes:
        command: ``rules`` or ``dashboard``.
        program: Module or file, with ``:NAME`` or without.
        options: Options of the command.
        timeout_seconds: Limit of the child.
    """

    command: str
    program: str
    options: Mapping[str, object]
    timeout_seconds: float


def run_program(request: Request) -> FlextResult[str]:
    """Return the generated text.

    Returns:
        The text; or a failure: that of the generator, ``invalid_program`` (the program cannot be imported, or ends
        the process), ``timeout``.
    """
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as log, os.fdopen(reading, "rb") as answer:
        try:
            child = _start(request, writing, log)
        finally:
            os.close(writing)
        try:
            reply = _read(answer, request.timeout_seconds)
            if reply is not None:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(_EXIT_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # with the processes that the program started
            child.wait()
        return _to_result(reply, request, child.returncode, log)


def _start(request: Request, writing: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    options = json.dumps([request.command, request.program, dict(request.options)])
    environment = {name: value for name, value in os.environ.items() if name not in _REMOVED}
    return subprocess.Popen(  # noqa: S603 - this interpreter and a module of ours
        [sys.executable, "-m", _CHILD, str(writing), options],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[writing],
        start_new_session=True,
    )


def _read(answer: IO[bytes], timeout_seconds: float) -> bytes | None:
    """Return all bytes up to the end of a line; None if they do not come in time."""
    deadline = time.monotonic() + timeout_seconds
    reply = bytearray()
    with DefaultSelector() as selector:
        selector.register(answer, EVENT_READ)
        while not reply.endswith(b"\n"):
            if not selector.select(max(deadline - time.monotonic(), 0)):
                return None
            chunk = os.read(answer.fileno(), 1 << 16)
            if not chunk:
                break
            reply += chunk
    return bytes(reply)


def _to_result(reply: bytes | None, request: Request, code: int, log: IO[bytes]) -> FlextResult[str]:
    name = preview(request.program)
    if reply is None:
        what = f"The program {name} was not imported within {request.timeout_seconds:g} s"
        return FlextResult[str].fail(f"{what}{_shown(log)}", code="timeout", fix=_MAIN_FIX)
    if not reply.endswith(b"\n"):
        what = f"The program {name} ended the process while it was imported (exit code {code})"
        return FlextResult[str].fail(f"{what}{_shown(log)}", code="invalid_program", fix=_MAIN_FIX)
    fields: dict[str, Any] = json.loads(reply)
    if fields["code"] is None:
        return FlextResult[str].ok(fields["text"])
    return FlextResult[str].fail(fields["text"], code=fields["code"], fix=fields["fix"])


def _shown(log: IO[bytes]) -> str:
    """Return the end of the output of the program."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(size - _MAX_SHOWN_BYTES, 0))
    text = log.read().decode(errors="replace").strip()
    return f". Its output: {text}" if text else ""
