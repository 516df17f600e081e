"""Start, find and stop the detached process of a part."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from monitoring.native.overlays import overlay_words
from monitoring.native.parts import COLLECTOR, Part
from monitoring.native.places import Places

_CLOCK_TOLERANCE_SECONDS: Final = 2.0
"""The start time of a process is computed from the boot time, which changes with corrections of the system clock."""

_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Record:
    """Identity of a started process. The pid alone is not enough, because the system reuses pids."""

    pid: int
    created: float
    program: str


def start(part: Part, places: Places) -> psutil.Process:
    """Start a part in a new session, so that it continues after this command."""
    if part.run is None:
        raise ValueError(part.name)
    folder = places.folder(part)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    argv = command_line(part, places)
    own = {name: places.fill(part, value) for name, value in part.run.environment.items()}
    with places.log(part).open("wb") as log:
        child = subprocess.Popen(
            argv,
            cwd=folder,
            env=_clean_environment() | own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # The process continues after this one. The return code avoids the ResourceWarning of Popen.
    child.returncode = 0
    process = psutil.Process(child.pid)
    record = Record(child.pid, process.create_time(), argv[0])
    _record_path(part, places).write_text(json.dumps(asdict(record)), encoding="utf-8")
    return process


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
        return process if same and not ended(process) and process.cmdline()[:1] == [record.program] else None
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
    _record_path(part, places).unlink(missing_ok=True)
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
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
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


def _record_path(part: Part, places: Places) -> Path:
    return places.folder(part) / "process.json"


def _read_record(path: Path) -> Record | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Record(int(values["pid"]), float(values["created"]), str(values["program"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
