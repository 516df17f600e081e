"""Service operation → the same operation, which turns every exception into a failed result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

from flext_observability.domain.encoding import encode_tag
from flext_observability.domain.result import FlextResult

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")

_logger = logging.getLogger("flext_observability")


def never_raises(operation: Callable[Concatenate[S, P], FlextResult[T]]) -> Callable[Concatenate[S, P], FlextResult[T]]:
    """Decorate a method that returns a result: an exception becomes a failure with the code ``internal``, logged once."""

    @wraps(operation)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> FlextResult[T]:
        try:
            return operation(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the border: nothing that telemetry does may break the program
            message = report_once(operation.__name__.lstrip("_"), error)
            return FlextResult[T].fail(message, code="internal")

    return guarded


def report_once(action: str, error: Exception) -> str:
    """Log that an action failed, the first time, and return the sentence."""
    return _report(action, type(error).__name__, encode_tag(error, max_bytes=256))


@lru_cache(maxsize=256)
def _report(action: str, kind: str, text: str) -> str:
    message = f"{action} failed: {kind}: {text}; the program goes on without it"
    _logger.warning(message)
    return message
