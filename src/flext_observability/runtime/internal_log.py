"""Log lines of the library itself: never raised, and once for an internal error (standard library only)."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from flext_observability.runtime.owner import current_runtime
from flext_observability.values.exceptions import describe_error

MAX_REPORTED: Final = 1000
_logger: Final = logging.getLogger("flext_observability")


def log_warning(logger: logging.Logger, message: str) -> None:
    """Log a warning. An exception of the program's handlers or filters costs the line alone."""
    with suppress(Exception):
        logger.warning(message)


def report_once(action: str, error: BaseException) -> str:
    """Log an internal error once per (action, exception type), and return the message.

    Args:
        action: What failed, as the beginning of the message: "Ending a span".
        error: The reason.
    """
    message = f"{action} failed: {describe_error(error)}; the program continues without it"
    key = (action, type(error).__name__)
    reported = current_runtime().get(_reported)
    # Bounded: actions may contain names that the program chose.
    if key not in reported and len(reported) < MAX_REPORTED:
        reported.add(key)
        log_warning(_logger, message)
    return message


def _reported() -> set[tuple[str, str]]:
    return set()
