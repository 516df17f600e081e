"""Readings of the operating system, cached for one collection and compared with the previous one (SourceCache)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast, final

from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from psutil import Process

T = TypeVar("T")
Points = Iterable[tuple[float, Mapping[str, str | int]]]
"""Values with their attributes."""

LIFETIME_SECONDS: Final = 0.1
"""Age at which a source is read again. CPU clocks tick a hundred times a second: shorter intervals are useless."""


@dataclass(frozen=True, slots=True)
class Observable:
    """One metric.

    Attributes:
        kind: Instrument.
        name: Name in the semantic conventions.
        unit: UCUM unit.
        description: Description of the instrument.
        read: Returns the current points. Raises if the platform does not support the metric.
    """

    kind: Literal["counter", "up_down_counter", "gauge"]
    name: str
    unit: str
    description: str
    read: Callable[[SourceCache], Points]


counter: Final = partial(Observable, "counter")
up_down_counter: Final = partial(Observable, "up_down_counter")
gauge: Final = partial(Observable, "gauge")


@final
class SourceCache:
    """The latest and the previous reading of each source. Thread-safe. A forked child starts with an empty cache.

    Args:
        per_cpu: Whether CPUs are measured separately.
    """

    def __init__(self, *, per_cpu: bool = False) -> None:
        self.per_cpu = per_cpu
        self._lock = ForkSafeLock()
        self._pid = 0
        self._cached_since = 0.0
        self._process: Process | None = None
        self._latest: dict[str, tuple[float, object]] = {}
        self._previous: dict[str, tuple[float, object]] = {}

    @property
    def process(self) -> Process:
        """The current process."""
        from psutil import Process

        with self._lock:
            self._expire()
            if self._process is None:
                self._process = Process()
            return self._process

    def get(self, source: str, read: Callable[[], T]) -> T:
        """Return the cached value of a source, or the result of ``read``."""
        return self._reading(source, read)[1]

    def delta(self, source: str, read: Callable[[], T]) -> tuple[float, T, T] | None:
        """Return (seconds in between, previous value, current value). None without a previous value."""
        at, now, before = self._reading(source, read)
        previous_at, previous = before or (at, now)
        return (at - previous_at, previous, now) if at > previous_at else None

    def _reading(self, source: str, read: Callable[[], T]) -> tuple[float, T, tuple[float, T] | None]:
        """Return time and value of the current reading, and the previous reading."""
        with self._lock:
            self._expire()
            latest, previous = self._latest.get(source), self._previous.get(source)
        if latest is None:
            value = read()  # without the lock: it may hang, for example in a network file system
            with self._lock:
                latest = self._latest.setdefault(source, (monotonic(), value))
        at, current = cast("tuple[float, T]", latest)
        return at, current, cast("tuple[float, T] | None", previous)

    def _expire(self) -> None:
        """Replace previous by expired values. Clear the cache in a forked child."""
        pid, now = os.getpid(), monotonic()
        if pid != self._pid:
            self._pid, self._process, self._latest, self._previous = pid, None, {}, {}
        elif now - self._cached_since < LIFETIME_SECONDS:
            return
        self._cached_since = now
        self._previous, self._latest = {**self._previous, **self._latest}, {}
