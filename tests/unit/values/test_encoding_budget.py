"""Encoding reads no more than the size limit needs, whether or not a value lies about its size."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Set as AbstractSet

import pytest

from flext_observability.values.encoding import MAX_BYTES, encode_attribute, encode_attributes, encode_tag

HUGE = 1 << 40


class LyingSet(set[int]):
    def __len__(self) -> int:
        return HUGE


class LyingList(list[int]):
    def __len__(self) -> int:
        return HUGE


class EndlessSet(AbstractSet[int]):
    def __len__(self) -> int:
        return HUGE

    def __iter__(self) -> Iterator[int]:
        return itertools.count()

    def __contains__(self, value: object) -> bool:
        return True


class EndlessMapping(Mapping[str, int]):
    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __getitem__(self, name: str) -> int:
        return int(name)


def nested(levels: int) -> list[object]:
    made: list[object] = ["x" * 10]
    for _ in range(levels):
        made = [made] * 10
    return made


VALUES: dict[str, Callable[[], object]] = {
    "lying set": lambda: LyingSet({1, 2}),
    "lying list": lambda: LyingList([1, 2]),
    "endless set": EndlessSet,
    "endless mapping": EndlessMapping,
    "mappings": lambda: [{str(index): index for index in range(MAX_BYTES)}] * MAX_BYTES,
    "lists": lambda: [list(range(MAX_BYTES))] * MAX_BYTES,
    "sets": lambda: [set(range(MAX_BYTES + 1))] * MAX_BYTES,
    "texts": lambda: ["x" * 100_000] * MAX_BYTES,
    "exceptions": lambda: [ValueError("x" * 10_000)] * MAX_BYTES,
    "deep": lambda: nested(10),
    "range": lambda: range(HUGE),
    "bytes": lambda: memoryview(bytearray(50_000_000)),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_memory_of_encoding_is_bounded(name: str) -> None:
    value = VALUES[name]()
    encode_attribute("warm")
    tracemalloc.start()
    try:
        encoded = encode_attribute(value)
        assert len(encode_tag(value).encode()) <= MAX_BYTES
        encode_attributes({"name": value})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    assert encode_attribute(value) == encoded


def test_a_large_set_is_not_read() -> None:
    class Counted(int):
        def __hash__(self) -> int:
            return int.__hash__(self)

        def __str__(self) -> str:
            raise AssertionError("it was read")

    assert encode_attribute({Counted(index) for index in range(100)}, max_bytes=50) == "<set of 100 items>"
