"""Engine without Docker: parts built from Go modules, as processes on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console

from monitoring.control.engine import Answer, PartState
from monitoring.native import grafana, processes
from monitoring.native.install import install
from monitoring.native.parts import ALERTMANAGER, GRAFANA, PROMETHEUS, Part, built_parts, running_parts
from monitoring.native.places import Places, StackError
from monitoring.native.stack import down, up
from monitoring.native.targets import (
    alertmanager_folder,
    prometheus_folder,
    write_alertmanager_folder,
    write_prometheus_folder,
)

_TOOL_SECONDS: Final = 120


class NativeEngine:
    """Engine of a machine without Docker. It needs Go for the first start."""

    name = "native"

    def __init__(self, places: Places) -> None:
        """Create an engine for the stack in `places`."""
        self.places = places

    def prepare(self, console: Console) -> None:
        """Build the parts and tools that are not in the cache."""
        install(built_parts(), self.places, console)

    def start(self, parts: Sequence[Part], console: Console) -> None:
        """Build missing parts, start them and wait until their health pages answer 200."""
        wanted = tuple(parts) or running_parts()
        missing = [part for part in wanted if part.build is not None and not self.places.installed(part)]
        if missing:
            install(missing, self.places, console)
        up(wanted, self.places, console)

    def stop(self, parts: Sequence[Part], console: Console) -> None:
        """Stop the processes that were started here."""
        down(parts, self.places, console)

    def states(self) -> list[PartState]:
        """Return the processes of the parts, with Grafana last."""
        return [self._state(part) for part in (*running_parts(), grafana.described())]

    def refresh(self) -> None:
        """Write the configuration of Prometheus and Alertmanager with loopback addresses."""
        write_prometheus_folder(self.places)
        write_alertmanager_folder(self.places)

    def tool(self, part: Part, program: str, words: Sequence[str]) -> Answer:
        """Run an installed program."""
        written = {PROMETHEUS: prometheus_folder, ALERTMANAGER: alertmanager_folder}
        own = written.get(part)
        folder = own(self.places) if own else self.places.repository / "monitoring" / part.name
        if not self.places.installed(part):
            raise StackError(f"{program} is not installed: it comes with {part.name}. Run `make stack-install`.")
        argv = [str(self.places.program(part, program)), *(word.format(configuration=folder) for word in words)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TOOL_SECONDS)
        return Answer(done.returncode, (done.stdout + done.stderr).strip())

    def _state(self, part: Part) -> PartState:
        process = processes.find(part, self.places)
        optional = part.name == GRAFANA.name
        if process is not None:
            detail = f"pid {process.pid}"
        elif optional:
            detail = "not started; see make grafana-setup"
        else:
            detail = "stopped" if self.places.installed(part) else "not installed"
        first = part.run.shown[0] if part.run else "http"
        state = PartState(part, process is not None, detail, self.places.health_url(part), "", optional=optional)
        return replace(state, address=self.places.address(part, first))
