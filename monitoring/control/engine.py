"""Port to the program that runs the parts: Docker Compose, or the native runner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console

from monitoring.native.parts import Part
from monitoring.native.places import Places


@dataclass(frozen=True, slots=True)
class PartState:
    """State of one part, as its engine reports it."""

    part: Part
    running: bool
    detail: str
    """Pid or container state, or why the part does not run."""
    health_url: str
    """Page that answers 200 while the part is healthy."""
    address: str
    """Address for the user."""
    optional: bool = False
    """Whether the stack is complete without the part."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a program of a part."""

    code: int
    output: str
    """Standard output and standard error."""


class Engine(Protocol):
    """Runs the parts of the stack. Errors are `StackError`s."""

    name: str
    """`docker` or `native`."""
    places: Places
    """Addresses of the parts as seen from this machine."""

    def prepare(self, console: Console) -> None:
        """Fetch or build all parts and tools, so that later commands need no network."""
        ...

    def start(self, parts: Sequence[Part], console: Console) -> None:
        """Start the parts (none: all) that are not running, and wait until all are healthy."""
        ...

    def stop(self, parts: Sequence[Part], console: Console) -> None:
        """Stop the parts (none: all). Their data stays."""
        ...

    def states(self) -> list[PartState]:
        """Return the state of each part in start order."""
        ...

    def refresh(self) -> None:
        """Write the generated configuration again, so that a reload reads changed files."""
        ...

    def tool(self, part: Part, program: str, words: Sequence[str]) -> Answer:
        """Run a program of a part. `{configuration}` in a word is the folder of the part's configuration."""
        ...
