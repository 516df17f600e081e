"""Sources of the operating system → what each says, asked once in a while and compared with the time before (SourceCache)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast, final

if TYPE_CHECKING:
    from psutil import Process

T = TypeVar("T")
Points = Iterable[tuple[float, Mapping[str, str | int]]]
"""Values with their attributes."""

LIFETIME_SECONDS: Final = 0.1
"""One collection asks a source once; shorter windows say nothing of CPUs, whose clocks tick a hundred times a second."""


@dataclass(frozen=True, slots=True)
class Observable:
    """One metric of a convention.

    Attributes:
        name: As the semantic conventions have it.
        kind: Of the instrument.
        unit: UCUM.
        description: For people.
        read: Gives the points of this moment; raises what the platform does not offer.
    """

    name: str
    kind: Literal["counter", "up_down_counter", "gauge"]
    unit: str
    description: str
    read: Callable[[SourceCache], Points]


@final
class SourceCache:
    """What the operating system said last and before that; of this process, also in a forked child.

    Args:
        per_cpu: Whether CPUs are kept apart.
    """

    def __init__(self, *, per_cpu: bool = False) -> None:
        self.per_cpu = per_cpu
        self._pid = 0
        self._since = 0.0
        self._process: Process | None = None
        self._latest: dict[str, tuple[float, object]] = {}
        self._before: dict[str, tuple[float, object]] = {}

    @property
    def process(self) -> Process:
        """This process."""
        from psutil import Process

        self._turn()
        if self._process is None:
            self._process = Process()
        return self._process

    def ask(self, source: str, read: Callable[[], T]) -> T:
        """Return what a source says: what it said already in this collection, or what ``read`` gives."""
        self._turn()
        if source not in self._latest:
            value = read()
            self._latest[source] = (monotonic(), value)
        return cast("T", self._latest[source][1])

    def since_before(self, source: str, read: Callable[[], T]) -> tuple[float, T, T] | None:
        """Return (seconds between, what the source said before, what it says now); None at first."""
        now = self.ask(source, read)
        at, _ = self._latest[source]
        before_at, before = self._before.get(source, (at, now))
        return (at - before_at, cast("T", before), now) if at > before_at else None

    def _turn(self) -> None:
        """Forget what is old, and everything in a forked child."""
        pid, now = os.getpid(), monotonic()
        if pid != self._pid:
            self._pid, self._process, self._latest, self._before = pid, None, {}, {}
        elif now - self._since < LIFETIME_SECONDS:
            return
        self._since = now
        self._before, self._latest = {**self._before, **self._latest}, {}
