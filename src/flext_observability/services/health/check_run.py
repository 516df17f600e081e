"""One run of several health checks: dependencies first, each check once, within one event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from asyncio import Task

    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.services.health.check import RegisteredCheck


@final
@dataclass(slots=True)
class CheckRun:
    """A run that evaluates each check once, also when several others depend on it.

    Attributes:
        registered: Every registered check, by name.
        reported: Reported results, by name. A check may depend on them too.
        on_result: Called with each new result.
        own_loop: Whether async checks run on threads with their own event loops.
    """

    registered: Mapping[str, RegisteredCheck]
    reported: Mapping[str, FlextHealthCheck]
    on_result: Callable[[FlextHealthCheck], None]
    own_loop: bool
    _tasks: dict[str, Task[FlextHealthCheck]] = field(default_factory=dict[str, "Task[FlextHealthCheck]"])

    async def evaluate(self, checks: Iterable[RegisteredCheck], *, force: bool = False) -> list[FlextHealthCheck]:
        """Return the result of each check, in order. ``force`` ignores their caches, not those of dependencies."""
        from asyncio import gather

        return list(await gather(*(self._task(check, force=force) for check in checks)))

    def _task(self, check: RegisteredCheck, *, force: bool = False) -> Task[FlextHealthCheck]:
        from asyncio import ensure_future

        if check.name not in self._tasks:
            self._tasks[check.name] = ensure_future(self._evaluate(check, force=force))
        return self._tasks[check.name]

    async def _evaluate(self, check: RegisteredCheck, *, force: bool) -> FlextHealthCheck:
        blockers = [reason for name in check.depends_on if (reason := await self._blocker(name))]
        if blockers:
            result, new = check.skip(", ".join(blockers)), True
        else:
            result, new = await check.evaluate(own_loop=self.own_loop, force=force)
        if new:
            self.on_result(result)
        return result

    async def _blocker(self, name: str) -> str:
        """Return why checks that depend on this one must not run, an empty text when they may."""
        if name in self.registered:
            result = await self._task(self.registered[name])
        elif name in self.reported:
            result = self.reported[name]
        else:
            return f"{name} is not registered"
        return f"{name} is {result.status}" if result.status in {"unhealthy", "unknown"} else ""
