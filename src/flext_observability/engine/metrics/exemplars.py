"""The current context → whether a measurement becomes an exemplar, and what is kept of it.

The context variable and the key of the span are read through public functions of OpenTelemetry, once for a provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from time import time_ns
from typing import Any, Final, cast, final

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

Kept = tuple[float, int, tuple[int, int] | None, Mapping[str, Any] | None]
"""Value, time in nanoseconds, ids of trace and span, and attributes that the series does not have, of a measurement."""

_FULL: Final = Context({"flext.always": True})
_EMPTY: Final = Context()
_ALWAYS: Final = ContextVar("flext-always", default=_FULL)
_NEVER: Final = ContextVar("flext-never", default=_EMPTY)


@final
class ExemplarFilter:
    """Decides which measurements become exemplars.

    Args:
        name: ``trace_based``, ``always_on`` or ``always_off``.

    Attributes:
        current: Returns a context; an empty one if no measurement in it becomes an exemplar. Cheap.
    """

    __slots__ = ("_all", "_get", "_none", "_span_key", "current")

    def __init__(self, name: str) -> None:
        self._all = name == "always_on"
        self._none = name == "always_off"
        self._get = _getter()
        self._span_key = next(iter(set_span_in_context(INVALID_SPAN, Context())))
        self.current: Callable[[], Context] = {"always_on": _ALWAYS.get, "always_off": _NEVER.get}.get(name, self._get)

    def keep(self, value: float, context: Context | None, attributes: Mapping[str, Any] | None = None) -> Kept | None:
        """Return what is kept of a measurement in a context (None: the current one); or None. Never raises."""
        if self._none:
            return None
        try:
            span = (context or self._get()).get(self._span_key)
            if span is not None:
                ids: tuple[int, int] | None
                of_engine: Any = span
                if getattr(cast("object", type(span)), "is_of_engine", False):  # without its context, which is slow
                    ids, flags = (of_engine.trace_id, of_engine.span_id), of_engine.flags
                else:
                    own = cast("Span", span).get_span_context()
                    ids, flags = (own.trace_id, own.span_id) if own.is_valid else None, own.trace_flags
                if self._all or flags & 1:
                    return value, time_ns(), ids, attributes
        except BaseException as error:  # noqa: BLE001 - a span of another package
            reraise_interrupt(error)
            report_once("Reading the span of a measurement", error)
        return (value, time_ns(), None, attributes) if self._all else None


def _getter() -> Callable[[], Context]:
    """Return the getter of the context variable, at a third of the cost of ``get_current``."""
    token = cast("object", attach(get_current()))
    detach(cast("Token[Context]", token))
    return cast("Token[Context]", token).var.get if isinstance(token, Token) else get_current
