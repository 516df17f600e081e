"""Common input of all commands: the engine of this machine, the output, and the options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.control.engine import Engine
from monitoring.control.report import Report
from monitoring.native.parts import GRAFANA, Part, running_parts


@dataclass(frozen=True, slots=True)
class Context:
    """What a command works with."""

    engine: Engine
    reason: str
    """Why this engine was chosen."""
    report: Report
    watch_seconds: float = 0.0
    """Interval of `health-monitor`, or 0 for one table."""
    arguments: tuple[str, ...] = ()
    """Further arguments, which the test commands pass to pytest."""

    @property
    def docker(self) -> bool:
        """Return whether the parts run in Docker."""
        return self.engine.name == "docker"

    def url(self, part: Part, port: str = "http") -> str:
        """Return the base URL of a port of a part on this machine."""
        return f"http://{self.engine.places.address(part, port)}"

    def start(self, parts: Sequence[Part]) -> None:
        """Start parts and wait until they are healthy."""
        self.engine.start(parts, self.report.console)

    def down(self) -> list[str]:
        """Return the names of the parts that do not run, Grafana aside where it is optional."""
        return [state.part.name for state in self.engine.states() if not (state.running or state.optional)]


def all_parts(context: Context) -> tuple[Part, ...]:
    """Return the parts that the engine starts by itself."""
    return (*running_parts(), GRAFANA) if context.docker else running_parts()
