"""A question → its first answer that is something, asked again until then (for what has no event to wait for)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, within_seconds: float = 10.0, every_seconds: float = 0.005) -> Found:
    """Return what `look` gives as soon as it is truthy; the last answer is part of the failure."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing within {within_seconds} s; the last answer was {found!r}")
        time.sleep(every_seconds)
