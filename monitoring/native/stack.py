"""Start, show and stop the stack."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitoring.native import processes
from monitoring.native.grafana import described
from monitoring.native.install import log_tail
from monitoring.native.overlays import chosen_overlays
from monitoring.native.parts import ALERTMANAGER, COLLECTOR, GRAFANA, PROMETHEUS, Part, running_parts
from monitoring.native.places import LOOPBACK, Places, StackError
from monitoring.native.storage import check_state, one_at_a_time, storing
from monitoring.native.targets import write_alertmanager_folder, write_prometheus_folder

_READY_SECONDS: Final = 90.0
_GRACE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.1
_PROBE_SECONDS: Final = 2.0
_SCHEMES: Final = {"http": "http://", "otlp_http": "http://"}

# A proxy of the environment must not be used for loopback.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class PartStatus:
    """State of one part."""

    part: Part
    state: str
    """`up`, `not ready`, `stopped` or `not installed`."""
    process: psutil.Process | None = None


def up(parts: Sequence[Part], places: Places, console: Console) -> None:
    """Start the parts that are not running, and wait until all are ready.

    Args:
        parts: Rows of the table with a `run`, or empty for all.
        places: Folders and addresses.
        console: Output of the state of each part.

    Raises:
        StackError: A part is not installed, an overlay or a variable of it is missing, a port is in use, or a part does
            not become ready.
    """
    wanted = _runnable(parts)
    missing = [part.name for part in wanted if not places.installed(part)]
    if missing:
        raise StackError(f"Not installed: {', '.join(missing)}. Run `make stack-install` first.")
    if COLLECTOR in wanted:
        chosen_overlays(places.repository)
    check_state(places)
    with one_at_a_time(places.state, console):
        _start(wanted, places, console)


def _start(wanted: Sequence[Part], places: Places, console: Console) -> None:
    running = {part.name: process for part in wanted if (process := processes.find(part, places))}
    starting = [part for part in wanted if part.name not in running]
    for part in starting:
        _check_ports(part, places)
    if PROMETHEUS in starting:
        with storing(places.folder(PROMETHEUS)):
            write_prometheus_folder(places)
    if ALERTMANAGER in starting:
        with storing(places.folder(ALERTMANAGER)):
            write_alertmanager_folder(places)
    began = time.monotonic()
    for part in starting:
        running[part.name] = processes.start(part, places)
    for part in wanted:
        seconds = _wait_until_ready(part, places, running[part.name], began)
        how = f"ready after {seconds:.1f} s" if part in starting else _was_running(part, places, running[part.name])
        console.print(f"{part.name:<12} {how}: {_addresses(part, places)}", highlight=False, soft_wrap=True)


def statuses(places: Places) -> list[PartStatus]:
    """Return the state of each part, in the order of the table."""
    return [_status(part, places) for part in running_parts()]


def status(places: Places, console: Console) -> bool:
    """Print a table of all parts. Return whether all are up."""
    found = statuses(places)
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "version", "state", "pid", "address"):
        table.add_column(heading, no_wrap=True)
    for row in found:
        style = "green" if row.state == "up" else "red"
        pid = str(row.process.pid) if row.process else "-"
        table.add_row(row.part.name, row.part.version, Text(row.state, style), pid, _addresses(row.part, places))
    Console(file=console.file, width=max(console.width, 140)).print(table)
    console.print(f"State and logs: {places.state}", highlight=False, soft_wrap=True)
    return all(row.state == "up" for row in found)


def down(parts: Sequence[Part], places: Places, console: Console) -> None:
    """Stop the parts started by `up`, in reverse order. Other processes are not touched."""
    if not parts and processes.find(GRAFANA, places):
        parts = (*running_parts(), described())
    wanted = _runnable(parts)
    with one_at_a_time(places.state, console):
        for part in reversed(wanted):
            outcome = processes.stop(part, places, grace_seconds=_GRACE_SECONDS)
            console.print(f"{part.name:<12} {outcome}", highlight=False)


def is_ready(part: Part, places: Places) -> bool:
    """Return whether the health page of the part answers 200."""
    try:
        with _OPENER.open(places.health_url(part), timeout=_PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, HTTPException, OSError):
        return False


def _runnable(parts: Sequence[Part]) -> tuple[Part, ...]:
    tools = [part.name for part in parts if part.run is None]
    if tools:
        raise StackError(f"{', '.join(tools)} is a tool and has no process.")
    return tuple(parts) or running_parts()


def _was_running(part: Part, places: Places, process: psutil.Process) -> str:
    if process.cmdline() == processes.command_line(part, places):
        return "was running"
    return f"was running, with other arguments than now: stop it first to change them (down {part.name})"


def _status(part: Part, places: Places) -> PartStatus:
    if not places.installed(part):
        return PartStatus(part, "not installed")
    process = processes.find(part, places)
    if process is None:
        return PartStatus(part, "stopped")
    return PartStatus(part, "up" if is_ready(part, places) else "not ready", process)


def _check_ports(part: Part, places: Places) -> None:
    for name in part.run.ports if part.run else ():
        port = places.port(part, name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise StackError(
                    f"{part.name} cannot use port {port} ({name}): "
                    f"{processes.port_owner(port)} uses it ({error.strerror}). "
                    "Stop that process, or set FLEXT_STACK_PORT_OFFSET, for example to 1000, to move all ports."
                ) from error


def _wait_until_ready(part: Part, places: Places, process: psutil.Process, began: float) -> float:
    while not is_ready(part, places):
        waited = time.monotonic() - began
        log = places.log(part)
        if processes.ended(process):
            raise StackError(f"{part.name} exited. Last lines of {log}:\n{log_tail(log)}")
        if waited > _READY_SECONDS:
            url = places.health_url(part)
            raise StackError(
                f"{part.name} does not answer {url} after {waited:.0f} s. Last lines of {log}:\n{log_tail(log)}"
            )
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - began


def _addresses(part: Part, places: Places) -> str:
    shown = part.run.shown if part.run else ()
    labelled = len(shown) > 1
    return "  ".join(
        f"{_SCHEMES.get(name, '')}{places.address(part, name)}" + (f" ({name})" if labelled else "") for name in shown
    )
