"""One reading per collection, and the previous one."""

from __future__ import annotations

import os
import threading

import pytest

from flext_observability.instrumentation.host_metrics import source_cache
from flext_observability.instrumentation.host_metrics.source_cache import LIFETIME_SECONDS, SourceCache


class Time:
    """Monotonic time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(source_cache, "monotonic", clock)
    return clock


def test_source_is_read_once_per_collection(time: Time) -> None:
    cache, values = SourceCache(), iter((1, 2))
    assert cache.get("cpu", lambda: next(values)) == 1
    time.now += LIFETIME_SECONDS / 2
    assert cache.get("cpu", lambda: next(values)) == 1
    time.now += LIFETIME_SECONDS
    assert cache.get("cpu", lambda: next(values)) == 2


def test_delta_needs_two_readings(time: Time) -> None:
    cache, values = SourceCache(), iter((10, 15, 18))
    assert cache.delta("cpu", lambda: next(values)) is None
    time.now += 2
    assert cache.delta("cpu", lambda: next(values)) == (2.0, 10, 15)
    assert cache.delta("cpu", lambda: next(values)) == (2.0, 10, 15)
    time.now += 1
    assert cache.delta("cpu", lambda: next(values)) == (1.0, 15, 18)


def test_delta_uses_the_last_reading_of_a_source(time: Time) -> None:
    cache = SourceCache()
    cache.get("cpu", lambda: 10)
    for _ in range(3):
        time.now += 1
        cache.get("other", lambda: 0)
    assert cache.delta("cpu", lambda: 40) == (3.0, 10, 40)


def test_process_is_cached() -> None:
    cache = SourceCache()
    assert cache.process.pid == os.getpid()
    assert cache.process is cache.process


def test_a_source_that_hangs_does_not_block_the_others() -> None:
    cache, release = SourceCache(), threading.Event()
    reading = threading.Event()

    def hang() -> int:
        reading.set()
        release.wait(30)
        return 1

    thread = threading.Thread(target=cache.get, args=("hung", hang))
    thread.start()
    reading.wait(5)
    assert cache.get("other", lambda: 2) == 2
    release.set()
    thread.join(5)
    assert cache.process.pid == os.getpid()


def test_concurrent_readings_of_one_source_are_one_value(time: Time) -> None:
    cache = SourceCache()
    assert cache.get("cpu", lambda: cache.get("cpu", lambda: 1) + 1) == 1
