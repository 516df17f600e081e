"""Patterns that are compiled on first use."""

from __future__ import annotations

import re

import pytest

from flext_observability.values.lazy_pattern import lazy_pattern


def test_it_matches_as_a_compiled_pattern() -> None:
    lazy, plain = lazy_pattern(r"(?P<name>[a-z]+)=", re.IGNORECASE), re.compile(r"(?P<name>[a-z]+)=", re.IGNORECASE)
    for _ in range(2):
        assert lazy.sub("", "A=1 b=2") == plain.sub("", "A=1 b=2") == "1 2"
        found = lazy.match("Key=1")
        assert found is not None
        assert found["name"] == "Key"
    assert (lazy.pattern, lazy.flags, lazy.groupindex) == (plain.pattern, plain.flags, plain.groupindex)


def test_it_is_compiled_by_the_first_use() -> None:
    wrong = lazy_pattern("(")
    assert wrong.pattern == "("
    with pytest.raises(re.error):
        wrong.match("")
    with pytest.raises(AttributeError):
        getattr(lazy_pattern("a"), "no_such_method")  # noqa: B009 - a wrong name
