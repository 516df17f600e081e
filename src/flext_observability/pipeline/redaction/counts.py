"""Number of masked values by rule (standard library only)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import final

from flext_observability.runtime.locks import ForkSafeLock


@final
class RedactionCounts:
    """Counts masked values. Thread-safe."""

    __slots__ = ("_counts", "_lock")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._counts: Counter[str] = Counter()

    def add(self, rules: Iterable[str]) -> None:
        """Count one value for each rule in the list."""
        if rules:
            with self._lock:
                self._counts.update(rules)

    def by_rule(self) -> dict[str, int]:
        """Return the numbers, greatest first."""
        with self._lock:
            return dict(self._counts.most_common())
