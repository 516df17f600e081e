"""Table of the cases: goal, function and environment of each. Every case runs in a fresh process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal

from benchmarks.readings import Reading, Settings

Kind = Literal["main", "peers"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        name: Goal, and a part where a goal has several cases.
        function: Module in ``benchmarks.cases`` and function.
        environment: Environment that it needs: this package alone, or with other libraries.
        engine: Engine that the case needs; empty for that of the run.
    """

    name: str
    function: str
    environment: Kind = "main"
    engine: str = ""

    def run(self, settings: Settings) -> list[Reading]:
        """Run the case in this process."""
        module, _, name = self.function.partition(".")
        work: Callable[[Settings], list[Reading]] = getattr(import_module(f"benchmarks.cases.{module}"), name)
        return work(settings)


CASES: Final = (
    Case("G1", "spans.recorded"),
    Case("G2", "spans.decorated"),
    Case("G3", "spans.not_sampled"),
    Case("G4-logfire", "peers.logfire", "peers"),
    Case("G4-ddtrace", "peers.ddtrace", "peers"),
    Case("G4-sentry", "peers.sentry", "peers"),
    Case("G5", "spans.engine_off", engine="sdk"),
    Case("G6", "encoding.traces"),
    Case("G7", "encoding.logs_and_metrics"),
    Case("G8", "instruments.bound"),
    Case("G9", "instruments.unbound"),
    Case("G10", "instruments.page_cost"),
    Case("G11", "page.text"),
    Case("G12", "starts.imported"),
    Case("G13", "starts.started"),
    Case("G14-tight", "delivery.tight"),
    Case("G14-paced", "delivery.paced"),
    Case("G15", "delivery.losses"),
    Case("G16", "queued.memory"),
    Case("G17", "queued.full"),
    Case("G18", "logs.records", "peers"),
    Case("G19", "posts.posts"),
    Case("G20", "redaction.search"),
)


def chosen(names: Sequence[str]) -> list[Case]:
    """Return the cases with these names, or of these goals.

    Raises:
        ValueError: A name is unknown.
    """
    found = [case for case in CASES if not names or case.name in names or case.name.partition("-")[0] in names]
    known = {case.name for case in found} | {case.name.partition("-")[0] for case in found}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"Unknown case {', '.join(unknown)}. Use some of {', '.join(case.name for case in CASES)}.")
    return found
