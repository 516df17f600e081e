"""Log lines of the library itself: never raised, and once for an internal error (standard library only)."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable
from math import inf
from typing import Final, final

from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import type_name
from flext_observability.values.interrupts import reraise_interrupt

MAX_REPORTED: Final = 1000
LOG_INTERVAL_SECONDS: Final = 60.0
_logger: Final = logging.getLogger("flext_observability")


def log_warning(logger: logging.Logger, message: str) -> None:
    """Log a warning. Never raises: an exception of a handler or filter loses only this line."""
    _log(logger, logging.WARNING, message)


def log_error(logger: logging.Logger, message: str) -> None:
    """Log an error. Never raises."""
    _log(logger, logging.ERROR, message)


def _log(logger: logging.Logger, level: int, message: str) -> None:
    try:
        if not message.isascii():  # text of the program may have lone surrogates, which handlers cannot write
            message = message.encode(errors="backslashreplace").decode()
        logger.log(level, message)
    except BaseException as error:  # noqa: BLE001 - a handler or filter of the program
        reraise_interrupt(error)


@final
class LogInterval:
    """Limits the log lines about each subject to one per ``LOG_INTERVAL_SECONDS``."""

    __slots__ = ("_logged_at",)

    def __init__(self) -> None:
        self._logged_at: dict[object, float] = {}

    def permits(self, subject: object) -> bool:
        """Return whether to log now; if so, begin the interval of the subject."""
        now = time.monotonic()
        permitted = now - self._logged_at.get(subject, -inf) >= LOG_INTERVAL_SECONDS
        if permitted:
            self._logged_at[subject] = now
        return permitted


def report_once(action: str, error: BaseException) -> str:
    """Log an internal error once per (action, exception type), and return the message.

    Args:
        action: What failed, as the beginning of the message: "Ending a span".
        error: The reason.
    """
    message = f"{action} failed: {describe_error(error)}; the program continues without it"
    warn_once(_logger, message, key=(action, type_name(error)))
    return message


def warn_once(logger: logging.Logger, message: str, *, key: Hashable = None) -> None:
    """Log a warning once in this process for its key, by default the message."""
    reported = current_runtime().get(_reported)
    key = message if key is None else key
    # Bounded: keys may contain names that the program chose.
    if key not in reported and len(reported) < MAX_REPORTED:
        reported.add(key)
        log_warning(logger, message)


def _reported() -> set[Hashable]:
    return set()
