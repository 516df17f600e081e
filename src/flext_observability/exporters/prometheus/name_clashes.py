"""Metrics that another one of the same Prometheus name affects → a log line each, and notices for the status."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import encode_tag

if TYPE_CHECKING:
    from flext_observability.wire.prometheus.clashes import ClashEffect

MAX_CLASHES: Final = 100
"""Maximum number of notices and log lines; a program may generate names."""
_FIX: Final = "Rename one of them"
_logger: Final = logging.getLogger("flext_observability.prometheus")


@final
class NameClashes:
    """Clashes of names that pages and pushes of this process had. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._notices: dict[str, Notice] = {}

    def add(self, message: str) -> None:
        """Log a clash, and add a notice, unless it is known.

        Args:
            message: What is missing and why, without a full stop.
        """
        with self._lock:
            is_new = message not in self._notices and len(self._notices) < MAX_CLASHES
            if is_new:
                self._notices[message] = Notice("metrics", message, _FIX)
        if is_new:
            log_warning(_logger, compose_message(message, _FIX))

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each clash, in order."""
        with self._lock:
            return tuple(self._notices.values())


def add_clash(page: str, name: str, effect: ClashEffect) -> None:
    """Add the clash of two metrics of ours.

    Args:
        page: Where it is, as the beginning of a sentence: ``/metrics``.
        name: Name in Prometheus.
        effect: What the clash causes.
    """
    how = "omits series of" if effect == "omitted" else "has no type for"
    name_clashes().add(
        f"{page} {how} {encode_tag(name, max_bytes=200)}: another metric has the same name in Prometheus"
    )


def name_clashes() -> NameClashes:
    """Return the clashes of the process."""
    return current_runtime().get(NameClashes)
