"""Commands about the spool: list what is stored, send it, drop it."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flext_observability.pipeline.spool.inspection import Holding, drop, holdings

if TYPE_CHECKING:
    from flext_observability.api.handle import Observability

_POLL_SECONDS: Final = 0.05
_HEADER: Final = ("service", "process", "state", "signal", "exporter", "requests", "items", "KiB", "age", "reason")


def add_spool(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    texts = {
        "list": "Show what is stored, by process, signal and exporter.",
        "replay": "Send what ended processes of a service left, through the exporters that the environment configures.",
        "drop": "Delete what ended processes left. Running ones keep theirs.",
    }
    for name, text in texts.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument(
            "--directory", type=Path, metavar="FOLDER", help="folder of all spools (that of the settings)"
        )
        if name == "list":
            action.add_argument("--json", action="store_true", help="print JSON for programs")
        if name == "drop":
            action.add_argument("--refused", action="store_true", help="delete what back ends refused for good instead")
        if name == "replay":
            action.add_argument("service", metavar="SERVICE", help="name of the service")
            action.add_argument(
                "--timeout", type=float, default=60.0, metavar="SECONDS", help="longest time (%(default)g)"
            )


def run_spool(values: dict[str, Any]) -> int:
    """Run an action; return the exit code."""
    directory = values["directory"] or _directory()
    match values["action"]:
        case "list":
            _show(list(holdings(directory)), directory, as_json=values["json"])
            return 0
        case "drop":
            print(f"dropped {drop(directory, refused=values['refused'])} items in {directory}")
            return 0
        case _:
            return _replay(directory, values["service"], values["timeout"])


def _directory() -> Path:
    from flext_observability.providers.spool import spool_directory
    from flext_observability.settings.resolve import resolve

    return spool_directory(resolve(None, {}, os.environ).unwrap().config)


def _show(found: list[Holding], directory: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([each._asdict() for each in found], indent=2))
        return
    if not found:
        print(f"nothing is stored in {directory}")
        return
    now = time.time_ns()
    rows = [_HEADER, *(_row(each, now) for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _row(each: Holding, now: int) -> tuple[str, ...]:
    age = f"{max(now - each.oldest_ns, 0) / 1e9:.0f} s"
    size = f"{each.size / 1024:.1f}"
    counts = str(each.requests), str(each.items), size, age
    return each.service, each.process, each.state, each.signal, each.exporter, *counts, each.reason


def _replay(directory: Path, service: str, timeout: float) -> int:
    from flext_observability.api.start import init_observability
    from flext_observability.pipeline.spool.folders import service_folder

    folder = service_folder(directory, service).name
    waiting = sum(each.items for each in holdings(directory) if each.service == folder and each.state == "ended")
    if not waiting:
        print(f"ended processes of {service} left nothing in {directory}")
        return 0
    started = init_observability(service_name=service, spool=True, spool_directory=str(directory), console=False)
    sent, dropped = _wait(started.unwrap(), waiting, time.monotonic() + timeout)
    print(f"sent {sent} of {waiting} items, {dropped} were refused or damaged, {waiting - sent - dropped} are left")
    return 0 if sent + dropped >= waiting else 1


def _wait(handle: Observability, waiting: int, deadline: float) -> tuple[int, int]:
    while True:
        rows = [row.inherited for status in handle.status().values() for row in status.deliveries]
        sent = sum(row.exported for row in rows)
        dropped = sum(sum(row.dropped.values()) for row in rows)
        if sent + dropped >= waiting or time.monotonic() >= deadline:
            handle.shutdown()
            return sent, dropped
        time.sleep(_POLL_SECONDS)
