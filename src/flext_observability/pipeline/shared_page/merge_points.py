"""Two points of one series → their sum, in the lists of ``wire.metric_snapshot``; histograms keep what both know."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from flext_observability.wire.metric_snapshot.encode import Plain

MAX_BUCKETS: Final = 160
"""Of an exponential histogram, on each side of zero; as in OpenTelemetry's SDK."""
MAX_EXEMPLARS: Final = 20
_TIME: Final = 1  # position in an exemplar


def add_number(total: Plain, point: Plain) -> None:
    """Add the value of a counter."""
    total[1] = min(total[1], point[1])
    total[3] += point[3]
    if point[4]:
        total[4] = _latest([*total[4], *point[4]], 1)


def keep_value(choose: Callable[[float, float], float]) -> Callable[[Plain, Plain], None]:
    """Return a function that keeps the chosen value of two gauges."""

    def keep(total: Plain, point: Plain) -> None:
        total[3] = choose(total[3], point[3])

    return keep


def keep_latest(total: Plain, point: Plain) -> None:
    """Keep the value of the gauge that changed last."""
    if point[2] > total[2]:
        total[2], total[3] = point[2], point[3]


def add_histogram(total: Plain, point: Plain) -> None:
    """Add a histogram. ``bounds`` are in place of their index. Different bounds: those that both have remain."""
    _add_summary(total, point)
    if total[6] != point[6]:
        common = [bound for bound in total[6] if bound in set(point[6])]
        for each in (total, point):
            each[7] = _with_bounds(each[6], each[7], common)
        total[6] = common
    total[7] = [mine + theirs for mine, theirs in zip(total[7], point[7], strict=True)]
    if point[8]:
        total[8] = _latest_of_buckets(total[6], [*total[8], *point[8]])


def add_exponential(total: Plain, point: Plain) -> None:
    """Add an exponential histogram, at the lower scale; at a still lower one while it has too many buckets."""
    _add_summary(total, point)
    total[7] += point[7]
    # The scale of a histogram without buckets, of zeros alone, has no meaning.
    scale = min((each[6] for each in (total, point) if any(each[9]) or any(each[11])), default=total[6])
    sides = [
        (
            _rescale(total[side], total[side + 1], total[6] - scale),
            _rescale(point[side], point[side + 1], point[6] - scale),
        )
        for side in (8, 10)
    ]
    while any(_span(mine, theirs) > MAX_BUCKETS for mine, theirs in sides):
        scale -= 1
        sides = [(_rescale(*mine, 1), _rescale(*theirs, 1)) for mine, theirs in sides]
    total[6] = scale
    for side, (mine, theirs) in zip((8, 10), sides, strict=True):
        total[side], total[side + 1] = _add_buckets(mine, theirs)
    if point[12]:
        total[12] = _latest([*total[12], *point[12]], MAX_EXEMPLARS)


def _add_summary(total: Plain, point: Plain) -> None:
    """Add start, count, sum, minimum and maximum. An empty histogram has no minimum and maximum."""
    total[1] = min(total[1], point[1])
    if point[2]:
        has_values = total[2] > 0
        total[4] = _of_known(min, total[4] if has_values else point[4], point[4])
        total[5] = _of_known(max, total[5] if has_values else point[5], point[5])
    total[2] += point[2]
    total[3] += point[3]


def _of_known(choose: Callable[[Any, Any], Any], mine: float | None, theirs: float | None) -> float | None:
    if mine is None or theirs is None:
        return None  # an instrument that records neither
    return float(choose(mine, theirs))


def _with_bounds(bounds: Sequence[float], counts: Sequence[int], common: Sequence[float]) -> list[int]:
    """Return the counts of the buckets between fewer bounds."""
    reached = list(accumulate(counts))
    kept = [reached[bounds.index(bound)] for bound in common]
    return [upper - lower for lower, upper in zip([0, *kept], [*kept, reached[-1]], strict=True)]


def _rescale(offset: int, counts: Sequence[int], steps: int) -> tuple[int, list[int]]:
    """Return offset and counts after each step merged two neighbours, without empty buckets at the ends."""
    used = [index for index, count in enumerate(counts) if count]
    if not used:
        return 0, []
    offset, counts = offset + used[0], counts[used[0] : used[-1] + 1]
    first = offset >> steps
    merged = [0] * ((offset + len(counts) - 1 >> steps) - first + 1)
    for index, count in enumerate(counts, start=offset):
        merged[(index >> steps) - first] += count
    return first, merged


def _span(mine: tuple[int, list[int]], theirs: tuple[int, list[int]]) -> int:
    used = [each for each in (mine, theirs) if each[1]]
    if not used:
        return 0
    return max(offset + len(counts) for offset, counts in used) - min(offset for offset, _ in used)


def _add_buckets(mine: tuple[int, list[int]], theirs: tuple[int, list[int]]) -> tuple[int, list[int]]:
    if not theirs[1]:
        return mine
    if not mine[1]:
        return theirs
    offset = min(mine[0], theirs[0])
    counts = [0] * _span(mine, theirs)
    for first, each in (mine, theirs):
        for index, count in enumerate(each, start=first - offset):
            counts[index] += count
    return offset, counts


def _latest(exemplars: Sequence[Plain], limit: int) -> list[Plain]:
    return sorted(exemplars, key=lambda each: each[_TIME])[-limit:]


def _latest_of_buckets(bounds: Sequence[float], exemplars: Sequence[Plain]) -> list[Plain]:
    ordered = sorted(exemplars, key=lambda each: each[_TIME])
    by_bucket = {bisect_left(bounds, each[0]): each for each in ordered}
    return [by_bucket[index] for index in sorted(by_bucket)]
