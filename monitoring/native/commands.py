"""Command line of the native stack: install, up, status, down."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from rich.console import Console

from monitoring.native.install import install
from monitoring.native.parts import Part, built_parts
from monitoring.native.places import StackError, places_from
from monitoring.native.stack import down, status, up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Print an error with its fix, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    console = Console()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _dispatch(chosen.command, _named(chosen.part), console)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted: finished parts are kept. Run the same command again to continue.")
        return 130


def _dispatch(command: str, parts: tuple[Part, ...], console: Console) -> int:
    places = places_from()
    if command == "install":
        install(parts or built_parts(), places, console)
    elif command == "up":
        up(parts, places, console)
    elif command == "down":
        down(parts, places, console)
    else:
        return 0 if status(places, console) else 1
    return 0


def _named(names: Sequence[str]) -> tuple[Part, ...]:
    known = {part.name: part for part in built_parts()}
    for name in names:
        if name not in known:
            raise StackError(f"Unknown part {name!r}. Use one of {', '.join(known)}.")
    return tuple(part for name, part in known.items() if name in names)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.native", description="Build and run the monitoring stack."
    )
    parser.add_argument("command", choices=("install", "up", "status", "down"))
    names = ", ".join(part.name for part in built_parts())
    parser.add_argument("part", nargs="*", help=f"only these parts (default: all): {names}")
    return parser


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
