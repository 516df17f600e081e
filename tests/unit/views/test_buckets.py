from __future__ import annotations

from flext_observability.views.buckets import explicit_buckets, exponential_buckets, power_of_two_buckets
from flext_observability.views.model import BucketView


def powers(
    scale: int, positive: tuple[int, list[int]], negative: tuple[int, list[int]] = (0, []), zero: int = 0
) -> list[tuple[float, int]]:
    return power_of_two_buckets(scale, zero, positive, negative)


def test_explicit_buckets_are_open_at_both_ends() -> None:
    inf = float("inf")
    assert explicit_buckets([1, 2], [2, 1, 1]) == (BucketView(-inf, 1, 2), BucketView(1, 2, 1), BucketView(2, inf, 1))


def test_exponential_buckets_cover_both_sides_of_zero() -> None:
    buckets = exponential_buckets(0, 2, (1, [3, 0, 1]), (0, [4]))
    assert [(bucket.lower, bucket.upper, bucket.count) for bucket in buckets] == [
        (-2, -1, 4),
        (0, 0, 2),
        (2, 4, 3),
        (8, 16, 1),
    ]


def test_fine_scales_are_merged_to_powers_of_two() -> None:
    # At scale 1 the buckets from index 0 are (1, 1.41], (1.41, 2], (2, 2.83], (2.83, 4].
    assert powers(1, (0, [1, 2, 3, 4])) == [(2.0, 3), (4.0, 10)]


def test_empty_buckets_inside_the_range_are_kept() -> None:
    assert powers(0, (-1, [0, 1, 0, 0, 2, 0])) == [(2.0, 1), (4.0, 1), (8.0, 1), (16.0, 3)]


def test_coarse_scales_are_kept() -> None:
    assert powers(-1, (0, [1, 2])) == [(4.0, 1), (16.0, 3)]


def test_negative_values_and_zero_are_counted_in_rising_order() -> None:
    assert powers(0, (0, [1]), (0, [2, 3]), zero=4) == [(-2.0, 3), (-1.0, 5), (0.0, 9), (2.0, 10)]


def test_bounds_above_the_largest_float_are_left_to_infinity() -> None:
    assert powers(0, (1022, [1, 2])) == [(2.0**1023, 1)]


def test_bounds_that_underflow_are_returned_once() -> None:
    assert powers(0, (-1077, [1, 1]), zero=1) == [(0.0, 1)]


def test_no_values_have_no_buckets() -> None:
    assert powers(0, (0, [])) == []
