from __future__ import annotations

from hypothesis import given, strategies as st

from flext_observability.viewer.lru import WeightedLRU


def test_the_item_with_the_oldest_use_is_evicted() -> None:
    cache: WeightedLRU[str, int] = WeightedLRU(2, 100)
    cache.put("a", 1, 1)
    cache.put("b", 2, 1)
    assert cache.get("a") == 1
    cache.put("c", 3, 1)
    assert (cache.get("b"), list(cache.values()), cache.evicted) == (None, [1, 3], 1)


def test_a_heavy_item_evicts_several() -> None:
    cache: WeightedLRU[str, str] = WeightedLRU(10, 10)
    for key in "abc":
        cache.put(key, key, 3)
    cache.put("d", "d", 6)
    assert (list(cache.values()), cache.weight, cache.evicted) == (["c", "d"], 9, 2)
    cache.put("e", "e", 11)
    assert (len(cache), cache.weight, cache.evicted) == (0, 0, 5)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9))))
def test_the_weight_is_the_sum_of_the_items(puts: list[tuple[int, int]]) -> None:
    cache: WeightedLRU[int, int] = WeightedLRU(3, 20)
    for key, weight in puts:
        cache.put(key, weight, weight)
    assert cache.weight == sum(cache.values()) <= 20
    assert len(cache) <= 3
