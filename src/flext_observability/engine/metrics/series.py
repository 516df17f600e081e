"""Measurements of one instrument with one set of attributes → their aggregation in each interval.

Recording appends the value to a list: one operation of the interpreter, which neither another thread nor a signal
handler nor a finaliser can interrupt. When the list is long, its values are replaced by their aggregation, again in
one operation, by the one thread that holds the lock of the stream. Recording never waits for that lock: a list that
cannot be compacted now grows until the next measurement.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from threading import Lock
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.engine.metrics.distribution import Distribution, total_of
from flext_observability.engine.metrics.exponential import MAX_SCALE, Exponential

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flext_observability.engine.metrics.attributes import Clean
    from flext_observability.engine.metrics.exemplars import Kept

MAX_VALUES: Final = 512
"""Number of values of one series at which they are compacted."""
MANY_SERIES: Final = 64
"""Number of series of one instrument from which each keeps ``FEW_VALUES`` at most."""
FEW_VALUES: Final = 64
MAX_EXEMPLARS: Final = 20
"""Maximum number of exemplars of a series with exponential buckets."""
_LOCK_SECONDS: Final = 0.05


class Series:
    """One series.

    Attributes:
        attributes: Its attributes, cleaned.
        start_ns: Time of its creation.
        values: Measurements since the last collection; the first item may be the aggregation of earlier ones.
        limit: Number of values at which they are compacted.
        is_full: Whether no more exemplars are kept before the next collection.
        total: Aggregation of all intervals; None before the first measurement.
        kept: Exemplars of ``total`` by bucket.
        pending: Aggregation and exemplars, by the readers of deltas, of the intervals that each has not read.
    """

    __slots__ = ("_fresh", "_lock", "attributes", "is_full", "kept", "limit", "pending", "start_ns", "total", "values")

    def __init__(self, attributes: Clean, lock: Lock, limit: int) -> None:
        self.attributes = attributes
        self.start_ns = time_ns()
        self.values: list[Any] = []
        self.limit = limit
        self.total: Any = None
        self.kept: Any = None
        self.is_full = False
        self.pending: dict[object, tuple[Any, Any]] = {}
        self._fresh: Any = None
        self._lock = lock

    def add(self, value: float) -> None:
        """Record a value."""
        values = self.values
        values.append(value)
        if len(values) > self.limit:
            self.compact()

    def compact(self) -> None:
        """Replace the values by their aggregation, unless another thread or an interrupted frame does so."""
        if self._lock.acquire(blocking=False):
            try:
                values = self.values
                known = values[:]
                if known:
                    values[: len(known)] = (self.reduce(known),)
            finally:
                self._lock.release()

    def drain(self, readers: Iterable[object]) -> Any:  # noqa: ANN401 - a number or a distribution
        """Move the measurements since the last collection to the total, and to what readers of deltas read next.

        Returns:
            The total. If a signal handler that interrupts a compaction waits for this, the measurements stay where
            they are until the next collection, and are included all the same.
        """
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            known = self.values[:]
            return self._added(self.total, self.reduce(known)) if known else self.total
        try:
            known = self.values[:]
            if known:
                count, interval = len(known), self.reduce(known)
                self._settle(readers, interval)
                added = self._added(self.total, interval)
                # Nothing interrupts these two: a signal handler that collects counts each value once.
                self.total, self.values[:count] = added, ()
        finally:
            self._lock.release()
        return self.total

    def _settle(self, readers: Iterable[object], interval: Any) -> None:  # noqa: ANN401 - a number or a distribution
        fresh, self._fresh, self.is_full = self._fresh, None, False
        self.kept = self.merge_exemplars(self.kept, fresh)
        for reader in readers:
            earlier, exemplars = self.pending.get(reader, (None, None))
            self.pending[reader] = self._added(earlier, interval), self.merge_exemplars(exemplars, fresh)

    def _added(self, earlier: Any, later: Any) -> Any:  # noqa: ANN401 - numbers or distributions
        return later if earlier is None else self.merge(earlier, later)

    def keep(self, exemplar: Kept) -> None:
        """Keep an exemplar, instead of the earlier one."""
        self._fresh = (exemplar,)

    def reduce(self, values: list[Any]) -> Any:  # noqa: ANN401 - a number or a distribution
        """Return the aggregation of values; the first one may be an aggregation."""
        return total_of(values)

    def merge(self, earlier: Any, later: Any) -> Any:  # noqa: ANN401 - numbers or distributions
        """Return the aggregation of two intervals."""
        return total_of((earlier, later))

    def merge_exemplars(self, earlier: Any, later: Any) -> Any:  # noqa: ANN401 - as ``keep`` stores them
        """Return the exemplars that two intervals leave."""
        return later or earlier

    def exemplars(self, kept: Any) -> Iterable[Kept]:  # noqa: ANN401 - as ``keep`` stores them
        """Return exemplars in the order of the points."""
        return kept or ()


@final
class SumSeries(Series):
    """Sum. The first exemplar of an interval is kept: later ones would cost more than the measurements."""

    __slots__ = ()

    def keep(self, exemplar: Kept) -> None:
        """Keep an exemplar, the only one until the next collection."""
        super().keep(exemplar)
        self.is_full = True


@final
class GaugeSeries(Series):
    """Latest value."""

    __slots__ = ()

    def reduce(self, values: list[Any]) -> Any:  # noqa: ANN401 - a number
        """Return the latest value."""
        return values[-1]

    def merge(self, earlier: Any, later: Any) -> Any:  # noqa: ANN401 - numbers
        """Return the later value."""
        return later


@final
class BucketSeries(Series):
    """Distribution in explicit buckets, with the latest exemplar of each."""

    __slots__ = ("bounds",)

    def __init__(self, attributes: Clean, lock: Lock, limit: int, bounds: Sequence[float]) -> None:
        super().__init__(attributes, lock, limit)
        self.bounds = bounds

    def reduce(self, values: list[Any]) -> Distribution:
        """Return the distribution."""
        first = values[0]
        if type(first) is not Distribution:
            return Distribution.of(values, self.bounds)
        return first.merged(Distribution.of(values[1:], self.bounds)) if len(values) > 1 else first

    def merge(self, earlier: Distribution, later: Distribution) -> Distribution:
        """Return the distribution of two intervals."""
        return earlier.merged(later)

    def keep(self, exemplar: Kept) -> None:
        """Keep an exemplar, instead of the earlier one of its bucket."""
        fresh = self._fresh
        if fresh is None:
            fresh = self._fresh = {}
        fresh[bisect_left(self.bounds, exemplar[0])] = exemplar

    def merge_exemplars(self, earlier: dict[int, Kept] | None, later: dict[int, Kept] | None) -> dict[int, Kept] | None:
        """Return the latest exemplar of each bucket."""
        return {**earlier, **later} if earlier and later else later or earlier

    def exemplars(self, kept: dict[int, Kept] | None) -> Iterable[Kept]:
        """Return exemplars in the order of the buckets."""
        return [kept[place] for place in sorted(kept)] if kept else ()


@final
class ExponentialSeries(Series):
    """Distribution in exponential buckets, with the latest exemplars."""

    __slots__ = ("_scale",)

    def __init__(self, attributes: Clean, lock: Lock, limit: int) -> None:
        super().__init__(attributes, lock, limit)
        self._scale = MAX_SCALE

    def reduce(self, values: list[Any]) -> Exponential:
        """Return the distribution. Its scale never increases."""
        first = values[0]
        if type(first) is not Exponential:
            reduced = Exponential.of(values, self._scale)
        elif len(values) == 1:
            return first
        else:
            reduced = first.merged(Exponential.of(values[1:], self._scale))
        self._scale = reduced.scale
        return reduced

    def merge(self, earlier: Exponential, later: Exponential) -> Exponential:
        """Return the distribution of two intervals."""
        return earlier.merged(later)

    def keep(self, exemplar: Kept) -> None:
        """Keep an exemplar; the oldest one is dropped beyond ``MAX_EXEMPLARS``."""
        fresh = self._fresh
        if fresh is None:
            fresh = self._fresh = deque[Any](maxlen=MAX_EXEMPLARS)
        fresh.append(exemplar)

    def merge_exemplars(self, earlier: deque[Kept] | None, later: deque[Kept] | None) -> deque[Kept] | None:
        """Return the latest exemplars."""
        return deque((*earlier, *later), MAX_EXEMPLARS) if earlier and later else later or earlier

    def exemplars(self, kept: deque[Kept] | None) -> Iterable[Kept]:
        """Return exemplars, the latest one last."""
        return tuple(kept or ())
