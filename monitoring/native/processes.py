"""Start, find and stop the detached process of a part."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

import psutil

from monitoring.native.overlays import overlay_words
from monitoring.native.parts import COLLECTOR, Part
from monitoring.native.places import Places, StackError
from monitoring.native.storage import storing

_CLOCK_TOLERANCE_SECONDS: Final = 2.0
"""The start time of a process is computed from the boot time, which changes with corrections of the system clock."""

_POLL_SECONDS: Final = 0.05
_UNRECORDED_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Record:
    """Identity of a started process. The pid alone is not enough, because the system reuses pids."""

    pid: int
    created: float
    program: str


def start(part: Part, places: Places) -> psutil.Process:
    """Start a part in a new session, so that it continues after this command.

    Raises:
        StackError: The program or the state folder cannot be used. Then no process is left.
    """
    argv = command_line(part, places)
    with storing(places.folder(part)):
        (places.folder(part) / "data").mkdir(parents=True, exist_ok=True)
        with places.log(part).open("wb") as log:
            process = _spawn(part, places, argv, log)
        try:
            _write_record(_record_path(part, places), Record(process.pid, process.create_time(), argv[0]))
        except BaseException:
            # Without a record, no later command could find the process.
            _terminate(process, _UNRECORDED_SECONDS)
            raise
    return process


def _spawn(part: Part, places: Places, argv: list[str], log: IO[bytes]) -> psutil.Process:
    variables = part.run.environment if part.run else {}
    own = {name: places.fill(part, value) for name, value in variables.items()}
    try:
        child = subprocess.Popen(
            argv,
            cwd=places.folder(part),
            env=_clean_environment() | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        advice = "Remove the file and run `make stack-install`" if part.build else "Install it again"
        raise StackError(
            f"{part.name} cannot start {argv[0]}: {(error.strerror or str(error)).lower()}. {advice}."
        ) from error
    # The process continues after this one. The return code avoids the ResourceWarning of Popen.
    child.returncode = 0
    return psutil.Process(child.pid)


def command_line(part: Part, places: Places) -> list[str]:
    """Return the program of a part and its arguments, with the chosen overlays of the collector."""
    words = [places.fill(part, word) for word in part.run.argv] if part.run else []
    return words + overlay_words(places.repository) if part is COLLECTOR else words


def find(part: Part, places: Places) -> psutil.Process | None:
    """Return the running process of a part that was started here, or None."""
    record = _read_record(_record_path(part, places))
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < _CLOCK_TOLERANCE_SECONDS
        # The program is the second word of a script, after its interpreter.
        return process if same and not ended(process) and record.program in process.cmdline()[:2] else None
    except psutil.Error:
        return None


def stop(part: Part, places: Places, *, grace_seconds: float) -> str:
    """Terminate a part, or kill it after the grace period. Remove its record. Return the outcome."""
    process = find(part, places)
    outcome = "was not running"
    if process is not None:
        started = time.monotonic()
        outcome = "stopped" if _terminate(process, grace_seconds) else f"killed after {grace_seconds:.0f} s"
        outcome += f" in {time.monotonic() - started:.1f} s"
    record = _record_path(part, places)
    if record.exists():
        with storing(places.folder(part)):
            record.unlink(missing_ok=True)
    return outcome


def port_owner(port: int) -> str:
    """Return the name of the process that listens on a loopback port, if the system shows it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another process"


def ended(process: psutil.Process) -> bool:
    """Return whether a process has ended. A zombie counts as ended."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _terminate(process: psutil.Process, grace_seconds: float) -> bool:
    """Terminate a process. Return whether it ended within the grace period; otherwise kill it."""
    try:
        process.terminate()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied as error:
        raise StackError(
            f"Cannot stop pid {process.pid}: it belongs to {process.username()}. Run this command as that user."
        ) from error
    if _ends_within(process, grace_seconds):
        return True
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
    _ends_within(process, grace_seconds)
    return False


def _ends_within(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not ended(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _clean_environment() -> dict[str, str]:
    """Return the environment without OpenTelemetry's variables, which would also configure the back ends."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


def _write_record(path: Path, record: Record) -> None:
    """Write the record in one step, so that a full disk leaves no part of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
    draft.rename(path)


def _record_path(part: Part, places: Places) -> Path:
    return places.folder(part) / "process.json"


def _read_record(path: Path) -> Record | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Record(int(values["pid"]), float(values["created"]), str(values["program"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
