"""Values whose methods raise, return another type or never end are encoded within the size limit."""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet
from datetime import timedelta
from typing import Any, cast

from flext_observability.values.encoding import encode_attribute, encode_attributes
from flext_observability.values.foreign import MAX_ITEMS
from tests.hostility.kinds import EndlessMapping, EndlessSequence, EndlessSet


class LongLabel(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError("len")


class Elapsed(timedelta):
    def total_seconds(self) -> Any:
        return LongLabel("long") if self else object()


class Crowd(AbstractSet[int]):
    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        return iter(range(100))

    def __len__(self) -> int:
        raise RuntimeError("len")


def test_methods_that_return_another_type_do_not_reach_exporters() -> None:
    text = encode_attribute(Elapsed(seconds=1))
    assert (type(text), text) == (str, "long")
    assert encode_attribute(Elapsed()) == f"<unprintable {__name__}.Elapsed>"


def test_a_large_set_without_a_length_is_named() -> None:
    assert encode_attribute(Crowd(), max_bytes=50) == "<Crowd>"


def test_endless_containers_are_cut() -> None:
    for endless in (EndlessMapping(), EndlessSequence(), EndlessSet()):
        assert len(str(encode_attribute(endless, max_bytes=1 << 20))) < 1 << 20
    assert len(encode_attributes(cast("Any", EndlessMapping()))) == MAX_ITEMS
