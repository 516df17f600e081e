from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from flext_observability.views.buckets import explicit_buckets, exponential_buckets
from flext_observability.views.quantiles import quantile
from tests.unit.views.shop import histogram


def test_a_quantile_lies_between_the_bounds_of_its_bucket() -> None:
    point = histogram(buckets=explicit_buckets([0, 10, 20], [0, 5, 5, 0]), min=None, max=None)
    assert quantile(point, 0.5) == 10
    assert quantile(point, 0.95) == pytest.approx(19)


def test_open_buckets_end_at_the_smallest_and_largest_measurement() -> None:
    point = histogram(buckets=explicit_buckets([10], [1, 1]), min=2, max=50)
    assert quantile(point, 0) == 2
    assert quantile(point, 0.5) == 10
    assert quantile(point, 1) == 50


def test_an_open_bucket_without_extremes_is_its_finite_bound() -> None:
    assert quantile(histogram(buckets=explicit_buckets([10], [0, 4]), min=None, max=None), 0.5) == 10
    assert quantile(histogram(buckets=explicit_buckets([-3], [4, 0]), min=None, max=None), 0.5) == -3


def test_a_bucket_without_bounds_has_no_quantile() -> None:
    assert quantile(histogram(buckets=explicit_buckets([], [4]), min=None, max=None), 0.5) is None
    assert quantile(histogram(buckets=explicit_buckets([], [4]), min=1, max=3), 0.5) == 2


def test_without_buckets_there_is_no_quantile() -> None:
    assert quantile(histogram(buckets=()), 0.5) is None
    assert quantile(histogram(buckets=explicit_buckets([1], [0, 0])), 0.5) is None


@given(st.integers(-(2**31), 2**31), st.integers(-(2**31), 2**31), st.floats(0, 1))
def test_any_scale_and_offset_give_buckets(scale: int, offset: int, q: float) -> None:
    point = histogram(buckets=exponential_buckets(scale, 0, (offset, [1, 1]), (offset, [1])), min=None, max=None)
    estimate = quantile(point, q)
    assert estimate is not None
    assert not math.isnan(estimate)


@given(st.lists(st.integers(0, 9), min_size=4, max_size=4), st.floats(0, 1))
def test_an_estimate_is_within_the_range_of_measurements(counts: list[int], q: float) -> None:
    estimate = quantile(histogram(buckets=explicit_buckets([1, 2, 4], counts), min=0.5, max=5), q)
    assert estimate is None or 0.5 <= estimate <= 5
