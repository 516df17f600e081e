"""Command line of the library. Exit code 0, 1 for a failure or a file that differs, 2 for wrong arguments."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flext_observability.cli.output import deliver
from flext_observability.cli.run_program import Request, run_program
from flext_observability.cli.spool import add_spool, run_spool

_PROGRAM_HELP: Final = """\
PROGRAM is a module (shop.orders), a file (shop/orders.py), or one of them with :NAME (shop.orders:RULES). NAME is a
rule, a list of rules, a FlextObservabilityMonitor, or a function without parameters that is called. The module is
imported in a process of its own, which sends and serves no telemetry. It must declare its instruments on import, or
in that function."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = _parser().parse_args(arguments)
    values = dict(vars(options))
    if values["command"] == "spool":
        return run_spool(values)
    command, program = values.pop("command"), values.pop("program")
    timeout, output, check = values.pop("timeout"), values.pop("output"), values.pop("check")
    try:
        result = run_program(Request(command, program, values, timeout))
    except KeyboardInterrupt:
        return 130
    return deliver(result, output, check, command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flext_observability",
        description="Generate files for Prometheus and Grafana from what a program declares; show the spool.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add, text in (
        ("rules", _add_rules, "Write the alert rules of a program as a Prometheus rule file."),
        ("dashboard", _add_dashboard, "Write a Grafana dashboard for the instruments of a program."),
    ):
        add(commands.add_parser(name, help=text, description=text, epilog=_PROGRAM_HELP))
    text = "Show, send or drop what could not be sent."
    add_spool(commands.add_parser("spool", help=text, description=text))
    return parser


def _add_rules(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    add = parser.add_argument
    add("--owner", default="", help="label owner of each alert")
    add("--runbook-url", default="", metavar="URL", help="annotation runbook_url, with {name} for the name of the rule")
    add("--across-processes", action="store_true", help="combine the series of all processes, not of each")


def _add_dashboard(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--title", default="", help="title of the dashboard (the name of the service)")
    parser.add_argument("--uid", default="", help="uid of the dashboard (from the name of the service)")


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("program", metavar="PROGRAM", help="module, file, or either with :NAME")
    add("-o", "--output", type=Path, metavar="FILE", help="write to this file instead of standard output")
    service = parser.add_mutually_exclusive_group()
    service.add_argument(
        "--service", dest="service_name", metavar="NAME", help="the service whose series are read (that of the program)"
    )
    service.add_argument(
        "--all-services", dest="service_name", action="store_const", const="", help="read the series of all services"
    )
    add(
        "--attributes",
        type=_attributes,
        action="append",
        default=[],
        metavar="METRIC=NAME,NAME",
        help="all attributes of a metric; repeatable",
    )
    add("--check", type=Path, metavar="FILE", help="compare with this file: exit code 1 and a diff if it differs")
    add(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="limit of the import of the program (%(default)g)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600 or math.isnan(seconds):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds


def _attributes(text: str) -> tuple[str, list[str]]:
    metric, equals, names = text.partition("=")
    if not metric or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not METRIC=NAME,NAME")
    return metric, [name for name in names.split(",") if name]
