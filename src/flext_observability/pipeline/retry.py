"""Retry policy: exponential back-off with jitter; a ``Retry-After`` has precedence."""

from __future__ import annotations

import random
from typing import final

FIRST_SECONDS = 0.5
FACTOR = 2.0
MAX_SECONDS = 30.0
JITTER = 0.25
MAX_RETRY_AFTER_SECONDS = 300.0


@final
class Backoff:
    """Waits between the attempts of one exporter or notifier.

    Args:
        max_seconds: Longest wait; by default ``MAX_SECONDS``.

    Source: https://opentelemetry.io/docs/specs/otlp/#failures
    """

    __slots__ = ("_failures", "_max_seconds")

    def __init__(self, *, max_seconds: float | None = None) -> None:
        self._failures = 0
        self._max_seconds = max_seconds

    def reset(self) -> None:
        """Return to the shortest wait, after a successful attempt."""
        self._failures = 0

    def next_seconds(self, retry_after_seconds: float | None = None) -> float:
        """Count a failure and return the wait before the next attempt, in seconds.

        Args:
            retry_after_seconds: Wait that the back end requests, at most ``MAX_RETRY_AFTER_SECONDS``. None and 0 select
                the exponential wait.
        """
        wait = min(FIRST_SECONDS * FACTOR ** min(self._failures, 16), self._max_seconds or MAX_SECONDS)
        self._failures += 1
        if retry_after_seconds is not None and retry_after_seconds > 0:
            return min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS)
        return wait * random.uniform(1 - JITTER, 1 + JITTER)
