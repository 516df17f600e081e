"""A stack of the fault tests, with its own ports and state folder: the user's stack is not touched."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from rich.console import Console

from monitoring.native import processes
from monitoring.native.parts import COLLECTOR, Part
from monitoring.native.places import Places
from monitoring.native.stack import up

_GRACE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class OwnStack:
    """The running stack, and the faults that a test causes in it."""

    places: Places

    @property
    def endpoint(self) -> str:
        """The collector's base URL for OTLP over HTTP."""
        return f"http://{self.places.address(COLLECTOR, 'otlp_http')}"

    def start(self, *parts: Part) -> None:
        """Start parts, or all, and wait until they are ready."""
        up(parts, self.places, Console(file=io.StringIO()))

    def stop(self, *parts: Part) -> None:
        """Stop parts with SIGTERM. A part that has to be killed is an error."""
        for part in parts:
            outcome = processes.stop(part, self.places, grace_seconds=_GRACE_SECONDS)
            assert outcome.startswith("stopped"), f"{part.name} {outcome}"

    def kill(self, *parts: Part) -> None:
        """Kill parts with SIGKILL."""
        for part in parts:
            process = processes.find(part, self.places)
            assert process is not None, f"{part.name} is not running"
            process.kill()
            process.wait(5)

    def away(self, parts: Sequence[Part], seconds: float, *, kill: bool = False) -> None:
        """Stop or kill parts, and start them after some seconds."""
        (self.kill if kill else self.stop)(*parts)
        time.sleep(seconds)  # the outage itself
        self.start(*parts)

    def collector_counter(self, name: str, **labels: str) -> float:
        """Return the sum of a metric of the collector over all series with these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        url = f"http://{self.places.address(COLLECTOR, 'metrics')}/metrics"
        lines = httpx.get(url, trust_env=False).raise_for_status().text.splitlines()
        found = [line for line in lines if line.partition("{")[0] == name and all(pair in line for pair in wanted)]
        return sum(float(line.rpartition(" ")[2]) for line in found)
