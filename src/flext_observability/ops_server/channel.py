"""Connection of waitress → one that knows when its client takes too long (slow requests, slow readers, silence in a crowd)."""

from __future__ import annotations

import logging
import time
from typing import Final

from waitress.channel import HTTPChannel

LOG: Final = logging.getLogger("flext_observability.ops_server")
REQUEST_SECONDS: Final = 10.0
"""From a request's first byte to its last."""
REPLY_SECONDS: Final = 30.0
"""For the client to take a reply."""
CROWDED_SECONDS: Final = 2.0
"""Of silence, when all connections are in use."""


class TimeoutChannel(HTTPChannel):
    """One connection; a byte now and then keeps it from being idle, so idleness is not all that is looked at."""

    logger = LOG
    _request_began = 0.0
    _reply_began = 0.0

    def received(self, data: bytes) -> bool:
        """Take bytes, and remember when the request that they leave unfinished began."""
        before = self.request
        taken = super().received(data)
        if self.request is not before:
            self._request_began = time.monotonic()
        return taken

    def write_soon(self, data: bytes) -> int:
        """Take a piece of a reply, and remember when."""
        self._reply_began = time.monotonic()
        return super().write_soon(data)

    def is_overdue(self, *, crowded: bool) -> bool:
        """Whether this client has had its time.

        Args:
            crowded: Whether others wait for a connection.
        """
        now = time.monotonic()
        if self.total_outbufs_len:
            return now - self._reply_began > REPLY_SECONDS
        if self.request is not None and not self.requests:  # while one is worked on, the next is not read
            return now - self._request_began > REQUEST_SECONDS
        return crowded and not self.requests and time.time() - self.last_activity > CROWDED_SECONDS
