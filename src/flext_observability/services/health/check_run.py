"""Registered checks → what is found of each, dependencies first (one look at them, within one event loop)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from asyncio import Task

    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.extensions.ports import Clock
    from flext_observability.services.health.check import RegisteredCheck

Tell = Callable[["FlextHealthCheck"], None]


@final
class CheckRun:
    """One look: no check is looked at twice in it, however many others depend on it.

    Args:
        registered: Every check, by name.
        reported: What was reported by entity, by name: a check may depend on that too.
        clock: Source of time.
        tell: Is told what a run of this round finds.
        apart: Whether async checks run on threads with loops of their own.
    """

    def __init__(
        self,
        registered: Mapping[str, RegisteredCheck],
        reported: Mapping[str, FlextHealthCheck],
        clock: Clock,
        *,
        tell: Tell,
        apart: bool,
    ) -> None:
        self._registered = registered
        self._reported = reported
        self._clock = clock
        self._tell = tell
        self._apart = apart
        self._tasks: dict[str, Task[FlextHealthCheck]] = {}

    async def find(self, checks: Iterable[RegisteredCheck], *, again: bool = False) -> list[FlextHealthCheck]:
        """Return what is found of each, in order; ``again``: run them however fresh the last outcome is, their dependencies not."""
        from asyncio import gather

        return list(await gather(*(self._task(check, again=again) for check in checks)))

    def _task(self, check: RegisteredCheck, *, again: bool = False) -> Task[FlextHealthCheck]:
        from asyncio import ensure_future

        if check.name not in self._tasks:
            self._tasks[check.name] = ensure_future(self._look(check, again=again))
        return self._tasks[check.name]

    async def _look(self, check: RegisteredCheck, *, again: bool) -> FlextHealthCheck:
        missing = [reason for name in check.depends_on if (reason := await self._missing(name))]
        if missing:
            found, new = check.skip(", ".join(missing)), True
        else:
            found, new = await check.look(self._clock, apart=self._apart, again=again)
        if new:
            self._tell(found)
        return found

    async def _missing(self, name: str) -> str:
        """Return why what depends on this check cannot be run; empty when it can."""
        if name in self._registered:
            found = await self._task(self._registered[name])
        elif name in self._reported:
            found = self._reported[name]
        else:
            return f"{name} is not registered"
        return f"{name} is {found.status}" if found.status in {"unhealthy", "unknown"} else ""
