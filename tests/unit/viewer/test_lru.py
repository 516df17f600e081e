from __future__ import annotations

from hypothesis import given, strategies as st

from flext_observability.viewer.lru import Shelf


def test_what_was_used_longest_ago_goes_first() -> None:
    shelf: Shelf[str, int] = Shelf(2, 100)
    assert shelf.put("a", 1, 1) == []
    assert shelf.put("b", 2, 1) == []
    assert shelf.get("a") == 1
    assert shelf.put("c", 3, 1) == ["b"]
    assert (shelf.get("b"), list(shelf.values()), shelf.evicted) == (None, [1, 3], 1)


def test_heavy_things_push_out_several() -> None:
    shelf: Shelf[str, int] = Shelf(10, 10)
    for key in "abc":
        shelf.put(key, 0, 3)
    assert shelf.put("d", 0, 6) == ["a", "b"]
    assert shelf.put("e", 0, 11) == ["c", "d", "e"]
    assert (len(shelf), shelf.weight) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9))))
def test_the_weight_is_the_sum_of_what_is_kept(puts: list[tuple[int, int]]) -> None:
    shelf: Shelf[int, int] = Shelf(3, 20)
    for key, weight in puts:
        shelf.put(key, weight, weight)
    assert shelf.weight == sum(shelf.values()) <= 20
    assert len(shelf) <= 3
