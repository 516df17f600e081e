"""Guards of public operations: an exception becomes a failure or a default, and is logged once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

P = ParamSpec("P")
T = TypeVar("T")


def never_raises(operation: Callable[P, FlextResult[T]]) -> Callable[P, FlextResult[T]]:
    """Decorate an operation that returns a result. An exception becomes the failure ``internal``."""

    @wraps(operation)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> FlextResult[T]:
        try:
            return operation(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - telemetry must not break the program
            reraise_interrupt(error)
            return FlextResult[T].fail(report_once(operation.__name__.lstrip("_"), error), code="internal")

    return guarded


def contained(default: Callable[[], object]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate an operation that returns no result. After an exception it returns ``default()``.

    Args:
        default: Makes the value that stands for "nothing": ``list``, ``dict``, ``bool`` (False).
    """

    def decorate(operation: Callable[P, T]) -> Callable[P, T]:
        @wraps(operation)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return operation(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - telemetry must not break the program
                reraise_interrupt(error)
                report_once(operation.__name__.lstrip("_"), error)
                return cast("T", default())

        return guarded

    return decorate


def nothing() -> None:
    """Return None, the default of operations that return nothing."""
