"""Check the shipped configuration with the programs that read it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from monitoring.native.overlays import overlays
from monitoring.native.parts import ALERTMANAGER, COLLECTOR, COMPOSE, JAEGER, PROMETHEUS, VICTORIALOGS, Part
from monitoring.native.places import Places
from monitoring.native.targets import prometheus_folder, write_prometheus_folder

ALL_GOOD: Final = 0
FAULTY: Final = 1
NOT_CHECKED: Final = 2
"""No fault was found, but a program for a check is not installed."""


@dataclass(frozen=True, slots=True)
class _Check:
    """Check of one file by one program."""

    title: str
    part: Part
    program: str
    words: tuple[str, ...]
    native: bool = False
    """Whether the check uses the loopback variables of the part instead of the defaults for Docker."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment variables of this check."""


def validate(places: Places, console: Console) -> int:
    """Check each configuration file with its program.

    Returns:
        `ALL_GOOD`, `FAULTY`, or `NOT_CHECKED` if a check was not possible and no fault was found.
    """
    with tempfile.TemporaryDirectory() as folder:
        # The checks use a scratch folder as state, so that they do not change a running stack.
        scratch = replace(places, state=Path(folder))
        write_prometheus_folder(scratch)
        outcomes = [_run(check, scratch, console) for check in _checks(scratch)]
    if False in outcomes:
        return FAULTY
    return NOT_CHECKED if None in outcomes else ALL_GOOD


def _checks(places: Places) -> Iterator[_Check]:
    monitoring = places.repository / "monitoring"
    prometheus = monitoring / "prometheus"
    collector_file = str(places.repository / "otel-collector.yaml")
    for native in (False, True):
        where = "native" if native else "Docker"
        collector = ("validate", "--config", collector_file)
        yield _Check(f"otel-collector.yaml ({where})", COLLECTOR, "otelcol", collector, native)
        jaeger = ("validate", "--config", str(monitoring / "jaeger" / "jaeger.yaml"))
        yield _Check(f"jaeger.yaml ({where})", JAEGER, "jaeger", jaeger, native)
        folder = prometheus_folder(places) if native else prometheus
        config = ("check", "config", str(folder / "prometheus.yml"))
        yield _Check(f"prometheus.yml with its targets ({where})", PROMETHEUS, "promtool", config)
    yield from _tiers(monitoring / "scale" / "tiers")
    yield from _overlays(places, collector_file)
    rules = tuple(str(path) for path in sorted((prometheus / "rules").glob("*.yml")))
    yield _Check("Prometheus rules", PROMETHEUS, "promtool", ("check", "rules", *rules))
    tests = tuple(str(path) for path in sorted((prometheus / "rule-tests").glob("*.yml")))
    yield _Check("Prometheus rule tests", PROMETHEUS, "promtool", ("test", "rules", *tests))
    # VictoriaLogs has flags instead of a file. It reads all of them before it prints its version.
    flags = (*_flags(VICTORIALOGS, places), "-version")
    yield _Check("flags of VictoriaLogs", VICTORIALOGS, "victoria-logs", flags)
    alertmanager = ("check-config", str(monitoring / "alertmanager" / "alertmanager.yml"))
    yield _Check("alertmanager.yml", ALERTMANAGER, "amtool", alertmanager)
    compose = ("-f", str(places.repository / "docker-compose.monitoring.yml"), "--profile", "*", "config", "--quiet")
    yield _Check("docker-compose.monitoring.yml", COMPOSE, "docker-compose", compose)


def _tiers(folder: Path) -> Iterator[_Check]:
    """Yield a check of each tier past one machine, with and without Kafka."""
    without_kafka = (("router", "router-without-kafka"), ("sampler", "sampler-without-kafka"))
    for names in (("agent",), ("router",), ("sampler",), ("ingest",), *without_kafka):
        files = tuple(word for name in names for word in ("--config", str(folder / f"{name}.yaml")))
        yield _Check(f"scale/tiers: {' and '.join(names)}", COLLECTOR, "otelcol", ("validate", *files))


def _overlays(places: Places, collector_file: str) -> Iterator[_Check]:
    """Yield a check of each overlay of the collector, and of all together."""
    found = overlays(places.repository)
    for chosen in (*((overlay,) for overlay in found), found):
        files = tuple(word for overlay in chosen for word in ("--config", str(overlay.path)))
        title = f"otel-collector.yaml with {' and '.join(overlay.name for overlay in chosen)}"
        words = ("validate", "--config", collector_file, *files)
        needs = {name: value for overlay in chosen for name, value in overlay.needs.items()}
        yield _Check(title, COLLECTOR, "otelcol", words, variables=needs)


def _flags(part: Part, places: Places) -> tuple[str, ...]:
    return tuple(places.fill(part, word) for word in part.run.argv[1:]) if part.run else ()


def _run(check: _Check, places: Places, console: Console) -> bool | None:
    """Return True without a fault, False with one, and None if the program is not installed."""
    program = places.program(check.part, check.program)
    if not program.is_file():
        _print_verdict(
            console,
            "not checked",
            f"{check.title}: {check.program} is not installed, run `make stack-install`",
            "yellow",
        )
        return None
    variables = check.part.run.environment if check.native and check.part.run else {}
    own = {name: places.fill(check.part, value) for name, value in variables.items()} | dict(check.variables)
    argv = [str(program), *check.words]
    answer = subprocess.run(
        argv,
        cwd=places.state,
        env={"HOSTNAME": "check"} | dict(os.environ) | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if answer.returncode == 0:
        _print_verdict(console, "good", check.title, "green")
        return True
    _print_verdict(console, "faulty", f"{check.title}\n{(answer.stdout + answer.stderr).strip()}", "red")
    return False


def _print_verdict(console: Console, verdict: str, text: str, style: str) -> None:
    console.print(f"{verdict:<12} {text}", style=style, markup=False, highlight=False, soft_wrap=True)
