"""Notifier that calls a function, sync or async."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast, final

from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert


@final
class CallableNotifier:
    """Calls a function with each alert. A returned ``FlextResult`` is the outcome; other values count as success."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[FlextAlert], object]) -> None:
        """Store a function; it may return an awaitable."""
        self._call = call

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Call the function, and await its result at most ``timeout_seconds``. Its exceptions propagate."""
        answer = self._call(alert)
        if type(answer) is not FlextResult and inspect.isawaitable(answer):
            answer = _wait(answer, timeout_seconds)
        if isinstance(answer, FlextResult):
            return cast("FlextResult[object]", answer).map(lambda _: None)
        return FlextResult[None].ok(None)


def _wait(awaitable: Awaitable[object], timeout_seconds: float) -> object:
    import asyncio

    async def wait() -> object:
        async with asyncio.timeout(timeout_seconds):
            return await awaitable

    return asyncio.run(wait())
