"""Service operation → the same operation, which turns every exception into a failed result."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from flext_observability.domain.result import FlextResult
from flext_observability.runtime.report_once import report_once

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


def never_raises(operation: Callable[Concatenate[S, P], FlextResult[T]]) -> Callable[Concatenate[S, P], FlextResult[T]]:
    """Decorate a method that returns a result: an exception becomes a failure with the code ``internal``, logged once."""

    @wraps(operation)
    def guarded(self: S, /, *args: P.args, **kwargs: P.kwargs) -> FlextResult[T]:
        try:
            return operation(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the border: nothing that telemetry does may break the program
            return FlextResult[T].fail(report_once(operation.__name__.lstrip("_"), error), code="internal")

    return guarded
