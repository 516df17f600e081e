"""Command line of the stack's commands. The names are those of the make targets."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Final

from rich.console import Console

from monitoring.control import alerting, grafana, health, setting_up, suites, telemetry
from monitoring.control.choice import choose_engine
from monitoring.control.context import Context
from monitoring.control.report import Report
from monitoring.native.places import StackError

COMMANDS: Final[Mapping[str, Callable[[Context], int]]] = {
    "observability-init": setting_up.observability_init,
    "observability-validate": suites.observability_validate,
    "observability-test": suites.observability_test,
    "monitoring-setup": setting_up.monitoring_setup,
    "prometheus-start": setting_up.prometheus_start,
    "grafana-setup": grafana.grafana_setup,
    "jaeger-start": setting_up.jaeger_start,
    "alertmanager-config": alerting.alertmanager_config,
    "metrics-collect": telemetry.metrics_collect,
    "traces-start": telemetry.traces_start,
    "alerts-configure": alerting.alerts_configure,
    "health-monitor": health.health_monitor,
    "stack-up": setting_up.stack_up,
    "stack-down": setting_up.stack_down,
    **{name: partial(suites.run_suite, name=name) for name in suites.SUITES},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Print an error with its action, and return the exit code."""
    given = _parser().parse_args(arguments)
    console = Console()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        engine, reason = choose_engine()
        extra = tuple(shlex.split(given.args))
        context = Context(engine, reason, Report(console), watch_seconds=given.watch, arguments=extra)
        return COMMANDS[given.command](context)
    except StackError as problem:
        console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted: finished steps are kept. Run the same command again to continue.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.control", description="Set up, check and test the monitoring stack."
    )
    parser.add_argument("command", choices=tuple(COMMANDS), metavar="COMMAND", help=", ".join(COMMANDS))
    watch = "repeat health-monitor every SECONDS until Ctrl-C"
    parser.add_argument("--watch", type=_seconds, default=0.0, metavar="SECONDS", help=watch)
    parser.add_argument("--args", default="", help="arguments for pytest or the tester, in one quoted text")
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.2 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"invalid interval {text!r}: use 0.2 to 86400 seconds")
    return value


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
