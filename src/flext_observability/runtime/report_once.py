"""Something of ours that failed → one log line, the first time, and the sentence (the program goes on)."""

from __future__ import annotations

import logging
from typing import Final

from flext_observability.runtime.internal_log import say
from flext_observability.values.exceptions import describe_error

MAX_KNOWN: Final = 1000
_logger: Final = logging.getLogger("flext_observability")
_known: Final[set[tuple[str, str]]] = set()


def report_once(action: str, error: BaseException) -> str:
    """Log that an action failed, once for each type of error, and return the sentence.

    Args:
        action: What was tried, as the sentence begins: "Ending a span".
        error: Why it failed.
    """
    message = f"{action} failed: {describe_error(error)}; the program goes on without it"
    key = (action, type(error).__name__)
    # Bounded, and silent past the bound: actions may hold names of the program's own making.
    if key not in _known and len(_known) < MAX_KNOWN:
        _known.add(key)
        say(_logger, message)
    return message
