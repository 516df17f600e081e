"""Poll a condition that has no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(probe: Callable[[], Found], *, within_seconds: float = 10.0, every_seconds: float = 0.005) -> Found:
    """Call `probe` until its result is truthy, and return that result. The failure names the last result."""
    deadline = time.monotonic() + within_seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"no result within {within_seconds} s; the last one was {value!r}")
        time.sleep(every_seconds)
