"""Health checks, reported or run → gauge, log records and one verdict (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.adapters import health_check as adapter
from flext_observability.domain.locks import ForkSafeLock
from flext_observability.domain.result import FlextResult, settle
from flext_observability.services.checks import TIMEOUT_SECONDS, RegisteredCheck
from flext_observability.services.dependencies import find_clock
from flext_observability.services.guard import never_raises

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.health_check import FlextHealthCheck

MAX_REPORTED = 2000
_ORDER: Final = ("healthy", "degraded", "unhealthy")
_OF_CRITICAL: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "unhealthy", "unknown": "degraded"}
_OF_OTHERS: Final = {"healthy": "healthy", "degraded": "degraded", "unhealthy": "degraded", "unknown": "healthy"}


@dataclass(frozen=True, slots=True)
class FlextHealthReport:
    """The whole, from its parts.

    Attributes:
        status: ``healthy``, ``degraded`` or ``unhealthy``: the worst that a part makes it.
        reasons: For each part that makes it worse than healthy, in order: its name, status and message.
        checks: Every part as last found, by name.
    """

    status: str
    reasons: tuple[str, ...]
    checks: tuple[FlextHealthCheck, ...]


@final
class FlextHealthService:
    """Run checks, take reports and sum them up; safe from threads."""

    def __init__(self, container: Container | None = None) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock``; optional.
        """
        self._clock = find_clock(container)
        self._lock = ForkSafeLock()
        self._registered: dict[str, RegisteredCheck] = {}
        self._reported: dict[str, FlextHealthCheck] = {}

    @never_raises
    def register_check(
        self,
        name: str,
        call: Callable[[], object],
        *,
        critical: bool = True,
        timeout_seconds: float = TIMEOUT_SECONDS,
        interval_seconds: float | None = None,
    ) -> FlextResult[None]:
        """Register a check, sync or async; one with the same name is replaced.

        Args:
            name: What is checked.
            call: Takes nothing; returns a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, or None for healthy; raises
                for unhealthy.
            critical: Whether its failure makes the whole unhealthy; of another one, only degraded.
            timeout_seconds: Time limit of one run, above 0; a check that takes longer is ``unknown``.
            interval_seconds: Time between runs, above 0, for those who run checks on a schedule; None for on demand only.
                This service itself runs checks on demand alone.

        Returns:
            Success, or a failure (``invalid_health_check``).
        """
        wrong = _wrong_registration(name, call, timeout_seconds, interval_seconds)
        if wrong:
            return FlextResult[None].fail(f"Invalid health check {wrong}", code="invalid_health_check")
        with self._lock:
            self._registered[name] = RegisteredCheck(
                name, call, critical=bool(critical), timeout_seconds=timeout_seconds, interval_seconds=interval_seconds
            )
        return FlextResult[None].ok(None)

    @never_raises
    def execute_health_check(self, check: FlextHealthCheck | str) -> FlextResult[FlextHealthCheck]:
        """Report a finished check, or run a registered one by name.

        Returns:
            What was found, whatever its status; or a failure: ``invalid_health_check``, ``unknown_check``. Running inside an event
            loop gives a ``PendingResult``: await it.
        """
        from flext_observability.domain.entity import shown
        from flext_observability.domain.health_check import FlextHealthCheck

        if isinstance(check, FlextHealthCheck):
            return check.validate_business_rules().map(lambda _: check).tap(self._report)
        with self._lock:
            registered = self._registered.get(check) if isinstance(cast("object", check), str) else None
            known = ", ".join(self._registered) or "nothing"
        if registered is None:
            message = f"Invalid health check name: {shown(check)} is not registered; register it (registered: {known})"
            return FlextResult[FlextHealthCheck].fail(message, code="unknown_check")

        async def work() -> FlextResult[FlextHealthCheck]:
            return FlextResult[FlextHealthCheck].ok(await self._run(registered))

        return settle(work)

    @never_raises
    def overall(self) -> FlextResult[FlextHealthReport]:
        """Run every registered check, side by side, and sum up, together with what was reported by entity.

        An ``unknown`` critical check makes the whole ``degraded``.

        Returns:
            The report; ``healthy`` when there is nothing to check. Inside an event loop a ``PendingResult``: await it.
        """
        return settle(self._overall)

    async def _overall(self) -> FlextResult[FlextHealthReport]:
        from asyncio import gather

        with self._lock:
            registered = list(self._registered.values())
        found = {check.name: check for check in await gather(*(self._run(check) for check in registered))}
        with self._lock:
            checks = {**self._reported, **found}
        others = {check.name for check in registered if not check.critical}
        return FlextResult[FlextHealthReport].ok(_sum_up(checks, others))

    async def _run(self, registered: RegisteredCheck) -> FlextHealthCheck:
        found = await registered.run(self._clock)
        found.mark_emitted()
        adapter.emit(found)
        return found

    def _report(self, check: FlextHealthCheck) -> None:
        with self._lock:
            self._reported.pop(check.name, None)
            self._reported[check.name] = check
            if len(self._reported) > MAX_REPORTED:
                del self._reported[next(iter(self._reported))]
        if check.mark_emitted():
            adapter.emit(check)


def _sum_up(checks: dict[str, FlextHealthCheck], others: set[str]) -> FlextHealthReport:
    worst, reasons = "healthy", list[str]()
    for name in sorted(checks):
        check = checks[name]
        status = (_OF_OTHERS if name in others else _OF_CRITICAL)[check.status]
        worst = max(worst, status, key=_ORDER.index)
        if status != "healthy":
            reasons.append(f"{name} is {check.status}" + (f": {check.message}" if check.message else ""))
    return FlextHealthReport(worst, tuple(reasons), tuple(checks[name] for name in sorted(checks)))


def _wrong_registration(name: object, call: object, timeout_seconds: object, interval_seconds: object) -> str:
    """Return the field and what is wrong with it; empty when nothing is."""
    from flext_observability.domain.entity import shown

    if not isinstance(name, str) or not name.strip():
        return f"name: {shown(name)} is blank or no text; say what is checked, such as 'database'"
    if not callable(call):
        return f"callable: {shown(call)} cannot be called; pass a function without arguments"
    for field, seconds in (("timeout", timeout_seconds), ("interval", interval_seconds)):
        valid = isinstance(seconds, int | float) and not isinstance(seconds, bool) and isfinite(seconds) and seconds > 0
        if not valid and not (field == "interval" and seconds is None):
            return f"{field}: {shown(seconds)}; use seconds above 0"
    return ""
