"""Default of OpenTelemetry's ASGI middleware for spans of single messages: none.

Source: https://opentelemetry-python-contrib.readthedocs.io/en/latest/instrumentation/asgi/asgi.html
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Final, cast, final

_MODULE: Final = "opentelemetry.instrumentation.asgi"
_PARAMETER: Final = "exclude_spans"
_MESSAGES: Final = ("receive", "send")


@final
class MessageSpans:
    """Switch for the spans ``http receive`` and ``http send`` of the middleware that starlette and fastapi use.

    A middleware that the program creates with ``exclude_spans`` keeps its own choice; an empty list is one.
    """

    __slots__ = ("_middleware", "_original")

    def __init__(self) -> None:
        self._middleware: type | None = None
        self._original: Callable[..., None] | None = None

    def exclude(self) -> None:
        """Create no spans for messages by default. Idempotent. Without effect while no instrumentation uses ASGI."""
        middleware = cast("type | None", getattr(sys.modules.get(_MODULE), "OpenTelemetryMiddleware", None))
        if self._middleware is not None or middleware is None:
            return
        original = cast("Callable[..., None]", vars(middleware)["__init__"])
        if _PARAMETER not in signature(original).parameters:
            return
        self._middleware, self._original = middleware, original
        _set_init(middleware, _without_messages(original))

    def restore(self) -> None:
        """Restore the default of the middleware."""
        if self._middleware is not None and self._original is not None:
            _set_init(self._middleware, self._original)
        self._middleware = self._original = None


def _without_messages(original: Callable[..., None]) -> Callable[..., None]:
    parameters = signature(original)

    @wraps(original)
    def init(*args: object, **kwargs: object) -> None:
        bound = parameters.bind(*args, **kwargs)
        if bound.arguments.get(_PARAMETER) is None:
            bound.arguments[_PARAMETER] = list(_MESSAGES)
        original(*bound.args, **bound.kwargs)

    return init


def _set_init(middleware: type, init: Callable[..., None]) -> None:
    middleware.__init__ = init  # type: ignore[misc]  # the middleware has no other switch for all its users
