"""Failed attempts in a row → seconds to wait before the next one (exponential, jittered, Retry-After first)."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.5
FACTOR = 2.0
MAX_SECONDS = 30.0
JITTER = 0.25
MAX_RETRY_AFTER_SECONDS = 300.0


class Backoff:
    """The pace of retries of one exporter.

    Source: https://opentelemetry.io/docs/specs/otlp/#failures
    """

    __slots__ = ("_failures",)

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """Start again at the shortest wait; called when an attempt succeeds."""
        self._failures = 0

    def next_seconds(self, retry_after_seconds: float | None = None) -> float:
        """Count one failure and return the wait before the next attempt, in seconds.

        Args:
            retry_after_seconds: What the back end asked for; taken as it is, at most five minutes. Zero leaves the pace to us.
        """
        wait = min(FIRST_SECONDS * FACTOR ** min(self._failures, 16), MAX_SECONDS)
        self._failures += 1
        if retry_after_seconds is not None and retry_after_seconds > 0:
            return min(retry_after_seconds, MAX_RETRY_AFTER_SECONDS)
        return wait * random.uniform(1 - JITTER, 1 + JITTER)
