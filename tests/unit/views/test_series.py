from __future__ import annotations

from flext_observability.views.buckets import explicit_buckets
from flext_observability.views.model import ExemplarView
from flext_observability.views.series import fold, series_key
from tests.unit.views.shop import counter, histogram


def test_values_of_different_types_are_different_series() -> None:
    keys = {series_key(counter(1, {"a": value})) for value in (1, 1.0, True, "1")}
    assert len(keys) == 4
    assert series_key(counter(1, {"a": 1, "b": 2})) == series_key(counter(2, {"b": 2, "a": 1}))


def test_two_processes_of_one_service_are_different_series() -> None:
    keys = {series_key(counter(1, resource={"service.instance.id": name})) for name in "ab"}
    assert len(keys) == 2


def test_the_later_cumulative_point_stays() -> None:
    late, early = counter(5, time_ns=20), counter(3, time_ns=10)
    assert fold(early, late).value == 5
    assert fold(late, early).value == 5


def test_exemplars_stay_until_newer_ones_come() -> None:
    first = fold(None, counter(1, exemplars=(ExemplarView(1, 1, "a"),)))
    assert fold(first, counter(2)).exemplars == first.exemplars
    assert fold(first, counter(2, exemplars=(ExemplarView(2, 2, "b"),))).exemplars[0].trace_id == "b"


def test_delta_points_add_up() -> None:
    first = fold(None, counter(2, cumulative=False, start_ns=1))
    total = fold(first, counter(3, cumulative=False, start_ns=2))
    assert (total.value, total.cumulative, total.start_ns) == (5, True, 1)


def test_delta_histograms_add_up() -> None:
    one = histogram(count=2, sum=3.0, min=1, max=2, buckets=explicit_buckets([1], [1, 1]), cumulative=False)
    two = histogram(count=1, sum=9.0, min=None, max=9, buckets=explicit_buckets([1], [0, 1]), cumulative=False)
    total = fold(fold(None, one), two)
    assert (total.value, total.count, total.sum, total.min, total.max) == (None, 3, 12.0, 1, 9)
    assert [bucket.count for bucket in total.buckets] == [1, 2]


def test_a_gauge_is_replaced_whatever_its_temporality() -> None:
    assert fold(counter(1, kind="gauge"), counter(7, kind="gauge", cumulative=False)).value == 7
