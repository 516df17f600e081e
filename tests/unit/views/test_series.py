from __future__ import annotations

from flext_observability.views.buckets import explicit_buckets, exponential_buckets
from flext_observability.views.model import BucketView, ExemplarView
from flext_observability.views.series import merge, series_key, subtract
from tests.unit.views.shop import counter, histogram


def test_values_of_different_types_are_different_series() -> None:
    keys = {series_key(counter(1, {"a": value})) for value in (1, 1.0, True, "1")}
    assert len(keys) == 4
    assert series_key(counter(1, {"a": 1, "b": 2})) == series_key(counter(2, {"b": 2, "a": 1}))


def test_two_processes_of_one_service_are_different_series() -> None:
    keys = {series_key(counter(1, resource={"service.instance.id": name})) for name in "ab"}
    assert len(keys) == 2


def test_the_later_cumulative_point_is_kept() -> None:
    late, early = counter(5, time_ns=20), counter(3, time_ns=10)
    assert merge(early, late).value == 5
    assert merge(late, early).value == 5


def test_exemplars_are_kept_until_newer_ones_arrive() -> None:
    first = merge(None, counter(1, exemplars=(ExemplarView(1, 1, "a"),)))
    assert merge(first, counter(2)).exemplars == first.exemplars
    assert merge(first, counter(2, exemplars=(ExemplarView(2, 2, "b"),))).exemplars[0].trace_id == "b"


def test_delta_points_add_up() -> None:
    first = merge(None, counter(2, cumulative=False, start_ns=1))
    total = merge(first, counter(3, cumulative=False, start_ns=2))
    assert (total.value, total.cumulative, total.start_ns) == (5, True, 1)


def test_delta_histograms_add_up() -> None:
    one = histogram(count=2, sum=3.0, min=1, max=2, buckets=explicit_buckets([1], [1, 1]), cumulative=False)
    two = histogram(count=1, sum=9.0, min=None, max=9, buckets=explicit_buckets([1], [0, 1]), cumulative=False)
    total = merge(merge(None, one), two)
    assert (total.value, total.count, total.sum, total.min, total.max) == (None, 3, 12.0, 1, 9)
    assert [bucket.count for bucket in total.buckets] == [1, 2]


def test_a_gauge_is_replaced_for_either_temporality() -> None:
    assert merge(counter(1, kind="gauge"), counter(7, kind="gauge", cumulative=False)).value == 7


def test_a_delta_has_the_measurements_since_the_previous_point() -> None:
    previous = histogram(count=3, sum=4.0, buckets=explicit_buckets([1, 2], [1, 2, 0]), time_ns=5)
    point = histogram(count=6, sum=16.0, buckets=explicit_buckets([1, 2], [1, 3, 2]), time_ns=9)
    delta = subtract(previous, point)
    assert (delta.count, delta.sum, delta.min, delta.max) == (3, 12.0, None, None)
    assert [bucket.count for bucket in delta.buckets] == [0, 1, 2]
    assert (delta.start_ns, delta.time_ns, delta.cumulative) == (5, 9, False)
    assert subtract(counter(2), counter(5)).value == 3


def test_buckets_that_became_coarser_are_subtracted_exactly() -> None:
    # At scale 1 the buckets from index 0 are (1, 1.41], (1.41, 2], (2, 2.83], (2.83, 4].
    previous = histogram(buckets=exponential_buckets(1, 1, (0, [1, 0, 2, 1]), (0, [3])))
    point = histogram(buckets=exponential_buckets(0, 2, (0, [1, 7, 1]), (0, [5])))
    assert subtract(previous, point).buckets == (
        BucketView(-2, -1, 2),
        BucketView(0, 0, 1),
        BucketView(1, 2, 0),
        BucketView(2, 4, 4),
        BucketView(4, 8, 1),
    )
