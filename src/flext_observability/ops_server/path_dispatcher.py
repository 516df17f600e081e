"""Request → the thread of its page: a page that hangs delays no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast, final

from waitress.task import ThreadedTaskDispatcher

if TYPE_CHECKING:
    from waitress.channel import HTTPChannel

_logger: Final = logging.getLogger("flext_observability.ops_server")
_queue_logger: Final = logging.getLogger("flext_observability.ops_server.queue")
_OTHERS: Final = ""


@final
class PathDispatcher:
    """Task dispatcher of waitress with a thread for each path, and one for all others.

    Args:
        paths: The paths, without a slash at the end.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._dispatchers = {path: ThreadedTaskDispatcher() for path in (*paths, _OTHERS)}
        _queue_logger.disabled = True  # it warns of every burst of requests
        for dispatcher in self._dispatchers.values():
            dispatcher.logger, dispatcher.queue_logger = _logger, _queue_logger

    def start(self) -> None:
        """Start the threads.

        Raises:
            RuntimeError: The system cannot start one.
        """
        for dispatcher in self._dispatchers.values():
            dispatcher.set_thread_count(1)

    def shutdown(self) -> None:
        """End the threads after the requests in progress. Does not wait for them."""
        for dispatcher in self._dispatchers.values():
            dispatcher.set_thread_count(0)

    def add_task(self, task: HTTPChannel) -> None:
        """Queue the first request of a connection for the thread of its path."""
        path = getattr(task.requests[0], "path", _OTHERS).rstrip("/")  # an invalid request has no path
        self._dispatchers[path if path in self._dispatchers else _OTHERS].add_task(
            cast("Any", task)
        )  # the stubs have no queue of channels

    @property
    def threads(self) -> int:
        """Number of threads."""
        return sum(len(dispatcher.threads) for dispatcher in self._dispatchers.values())
