"""Failure of a set-up call → one line in the log: programs seldom read the results of their set-up calls."""

from __future__ import annotations

import logging
from typing import Final, TypeVar

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.internal_log import log_error

T = TypeVar("T")
_logger: Final = logging.getLogger("flext_observability")


def log_failed_setup(call: str, result: FlextResult[T]) -> FlextResult[T]:
    """Log the message and the fix of a failure, and return the result.

    Without a configuration of ``logging``, the line is written to the standard error stream.

    Args:
        call: Name of the public function or method.
        result: What it returns.
    """
    if result.error is not None:
        log_error(_logger, f"{call} failed: {result.error}")
    return result
