"""Function that takes an alert, sync or async → notifier."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast, final

from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert


@final
class CallableNotifier:
    """Calls a function with each alert; what it returns counts only when it is a ``FlextResult``."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[FlextAlert], object]) -> None:
        """Take a function; what it gives may be awaitable."""
        self._call = call

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Call the function, and wait for a coroutine at most ``timeout_seconds``; whatever it raises is raised."""
        answer = self._call(alert)
        if type(answer) is not FlextResult and inspect.isawaitable(answer):
            answer = _wait(answer, timeout_seconds)
        if isinstance(answer, FlextResult):
            return cast("FlextResult[object]", answer).map(lambda _: None)
        return FlextResult[None].ok(None)


def _wait(awaitable: Awaitable[object], timeout_seconds: float) -> object:
    import asyncio

    async def within_the_limit() -> object:
        async with asyncio.timeout(timeout_seconds):
            return await awaitable

    return asyncio.run(within_the_limit())
