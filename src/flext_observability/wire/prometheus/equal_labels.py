"""Points of one sum or histogram whose attributes become the same labels, such as 200 and "200" → one series."""

from __future__ import annotations

from math import inf
from operator import add
from typing import final

from flext_observability.wire.prometheus.family import Exemplar, Family, Histogram, Number, Series


@final
class EqualLabels:
    """Adds the points of one metric to its family, as one series for each set of labels.

    Args:
        family: The family.
        is_sum: Whether numbers may be added up. Of gauges the first one is kept.
    """

    __slots__ = ("_by_key", "_family", "_is_sum", "_next")

    def __init__(self, family: Family, *, is_sum: bool) -> None:
        self._family = family
        self._is_sum = is_sum
        self._next = len(family.series)
        self._by_key: dict[str, Series] = {}

    def merge(self, series: Series) -> None:
        """Add a series whose labels the family has, to the series of this metric if possible."""
        for each in self._family.series[self._next :]:
            self._by_key[each.labels.key] = each
        self._next = len(self._family.series)
        known = self._by_key.get(series.labels.key)
        if not (known is not None and self._is_merged(known, series)):
            self._family.duplicate = True

    def _is_merged(self, known: Series, series: Series) -> bool:
        if isinstance(known, Number) and isinstance(series, Number) and self._is_sum:
            known.value = _sum(known.value, series.value)
            known.exemplar = _later(known.exemplar, series.exemplar)
        elif isinstance(known, Histogram) and isinstance(series, Histogram) and _is_alike(known, series):
            _add_histogram(known, series)
        else:
            return False
        known.start_seconds = min(known.start_seconds or 0, series.start_seconds or 0) or None
        self._family.check(known)
        return True


def _is_alike(known: Histogram, series: Histogram) -> bool:
    return known.native is None and series.native is None and known.bounds == series.bounds


def _add_histogram(known: Histogram, series: Histogram) -> None:
    known.count = _sum(known.count or 0, series.count or 0)
    known.sum = None if known.sum is None or series.sum is None else _sum(known.sum, series.sum)
    known.reached = list(map(add, known.reached, series.reached))
    exemplars = dict(known.exemplars)
    for place, exemplar in series.exemplars.items():
        exemplars[place] = _later(exemplars.get(place), exemplar) or exemplar
    known.exemplars = exemplars


def _sum(first: float, second: float) -> float:
    try:
        return first + second
    except OverflowError:  # an integer beyond the floats, whose sign is that of the sum
        return inf if max(first, second, key=abs) > 0 else -inf


def _later(first: Exemplar | None, second: Exemplar | None) -> Exemplar | None:
    """Return the later one of two exemplars, or the only one."""
    found = [each for each in (first, second) if each is not None]
    return max(found, key=lambda each: each.time_seconds or 0, default=None)
