"""The turn of a process to serve the ops pages, on a port that all processes of a program are configured with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from flext_observability.runtime.scheduler import scheduler

if TYPE_CHECKING:
    from flext_observability.domain.result import FlextResult
    from flext_observability.ops_server.server import OpsServer
    from flext_observability.runtime.process_lock import ProcessLock

INTERVAL_SECONDS: Final = 1.0
MAX_ATTEMPTS: Final = 5
"""Attempts to listen on a port whose former process has ended, before the failure is reported."""
_JOB: Final = "flext-ops-turn"


@final
class OpsTurn:
    """Starts the server in one of the processes; when that ends, another one starts it within about a second.

    Args:
        lock: Lock of the process that serves.
        start: Starts the server.
        use: Called once, with the result.
    """

    __slots__ = ("_attempts", "_lock", "_start", "_use")

    def __init__(
        self,
        lock: ProcessLock,
        start: Callable[[], FlextResult[OpsServer]],
        use: Callable[[FlextResult[OpsServer]], object],
    ) -> None:
        self._lock = lock
        self._start = start
        self._use = use
        self._attempts = MAX_ATTEMPTS - 1

    def begin(self) -> None:
        """Start the server, or wait for the turn in the background."""
        if self._lock.acquire():
            self._attempt()
        else:
            self._attempts = 0
            scheduler().schedule(_JOB, INTERVAL_SECONDS, self._retry)

    def end(self) -> None:
        """End the turn, or the wait for it. In a forked child, the turn of the parent remains. Idempotent."""
        scheduler().cancel(_JOB)
        self._lock.release()

    def _retry(self) -> None:
        if self._lock.acquire():
            self._attempt()

    def _attempt(self) -> None:
        started = self._start()
        self._attempts += 1
        if started.success or self._attempts >= MAX_ATTEMPTS:
            scheduler().cancel(_JOB)
            self._use(started)
        if started.is_failure:
            self._lock.release()
