"""Outcomes of all workers that send to one address → one health of the address, which they share."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Final, final

from flext_observability.pipeline.retry import Backoff

if TYPE_CHECKING:
    from flext_observability.extensions.ports import ExportOutcome

PROBE_MAX_SECONDS: Final = 5.0
"""Longest wait between two attempts at an address that does not respond: a refused connection costs little."""
PROBE_LIMIT_SECONDS: Final = 30.0
"""Time after which another worker may try although the attempt of the first one has not ended."""


@final
class EndpointHealth:
    """Health of one address (a circuit breaker). Thread-safe.

    While the address does not respond, one worker at a time tries it, and the others wait for the outcome. The first
    success lets all of them send at once, those that wait after a temporary error of the back end included; a wait that
    the back end asked for (``Retry-After``) is kept.

    Attributes:
        is_down: Whether the last attempt got no response.
        failure: Outcome of the last attempt that got none.
    """

    __slots__ = (
        "_backoff",
        "_failing",
        "_lock",
        "_members",
        "_not_before",
        "_probe_began",
        "_prober",
        "failure",
        "is_down",
    )

    def __init__(self) -> None:
        self.is_down = False
        self.failure: ExportOutcome | None = None
        self._lock = Lock()
        self._backoff = Backoff(max_seconds=PROBE_MAX_SECONDS)
        self._members: dict[object, Callable[[bool], object]] = {}
        self._failing: set[object] = set()
        self._not_before = 0.0
        self._prober: object = None
        self._probe_began = 0.0

    def join(self, member: object, wake: Callable[[bool], object]) -> None:
        """Add a worker.

        Args:
            member: The worker.
            wake: Called after an attempt of another worker that changes when this one may send; with True when the
                address is back. Without a lock of this object.
        """
        with self._lock:
            self._members[member] = wake

    def may_send_at(self, member: object) -> float:
        """Return when a worker may send next: monotonic seconds, 0 if the address responds."""
        with self._lock:
            if not self.is_down:
                return 0.0
            if self._prober is None or self._prober is member:
                return self._not_before
            return max(self._not_before, self._probe_began + PROBE_LIMIT_SECONDS)

    def begin(self, member: object) -> None:
        """Record the begin of an attempt."""
        if self.is_down:  # read without the lock: while all is well, an attempt changes nothing here
            with self._lock:
                self._prober, self._probe_began = member, time.monotonic()

    def settle(self, member: object, outcome: ExportOutcome) -> float:
        """Record the outcome of an attempt, and return when its worker may try again after it got no response."""
        with self._lock:
            was_probe, was_down = self._prober is member, self.is_down
            is_back = not outcome.retry and (was_down or member in self._failing)
            self._prober = None if was_probe else self._prober
            self.is_down = outcome.retry and not outcome.reached
            if outcome.retry:
                self._failing.add(member)
            else:
                self._failing.discard(member)
                self._backoff.reset()
            self.failure = outcome if self.is_down else None
            if self.is_down and (was_probe or not was_down):  # attempts that had begun together count once
                self._not_before = time.monotonic() + self._backoff.next_seconds()
            wakes = [wake for other, wake in self._members.items() if other is not member]
            until = self._not_before if self.is_down else inf
        if is_back or was_probe:
            for wake in wakes:
                wake(is_back)
        return until
