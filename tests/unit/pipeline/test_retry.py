"""Backoff: exponential, jittered and bounded; Retry-After has precedence."""

from __future__ import annotations

import pytest

from flext_observability.pipeline import retry
from flext_observability.pipeline.retry import Backoff


def test_waits_grow_and_stay_bounded() -> None:
    backoff = Backoff()
    for failure in range(30):
        middle = min(retry.FIRST_SECONDS * retry.FACTOR**failure, retry.MAX_SECONDS)
        assert middle * (1 - retry.JITTER) <= backoff.next_seconds() <= middle * (1 + retry.JITTER)


def test_waits_have_jitter() -> None:
    assert len({Backoff().next_seconds() for _ in range(20)}) > 1


def test_success_returns_to_the_shortest_wait() -> None:
    backoff = Backoff()
    for _ in range(6):
        backoff.next_seconds()
    backoff.reset()
    assert backoff.next_seconds() <= retry.FIRST_SECONDS * (1 + retry.JITTER)


def test_retry_after_has_no_jitter() -> None:
    assert Backoff().next_seconds(7.0) == 7.0


def test_retry_after_is_at_most_five_minutes() -> None:
    assert Backoff().next_seconds(1e9) == retry.MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize("asked", [0.0, -3.0, float("nan")])
def test_an_invalid_retry_after_selects_the_exponential_wait(asked: float) -> None:
    assert Backoff().next_seconds(asked) >= retry.FIRST_SECONDS * (1 - retry.JITTER)
