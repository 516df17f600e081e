"""Health checks, reported or run → gauge, log records and one verdict (OTel API only)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, Unpack, cast, final
from weakref import ref

from flext_observability.adapters import health_check as adapter
from flext_observability.domain.health_report import PROBES, FlextHealthReport, aggregate
from flext_observability.domain.result import FlextResult, settle
from flext_observability.extensions.plugins.hooks import HOOKS
from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import say
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import SCHEDULER
from flext_observability.services.dependencies import entity_factory, find_clock, never_raises, new_identity
from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.check_run import CheckRun
from flext_observability.services.health.options import CheckOptions, find_cycle, make_registered, refused
from flext_observability.services.health.telemetry import TELEMETRY, TelemetryCheck
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.values.encoding import encode_tag, preview

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import StatusSource
    from flext_observability.settings.config import FlextObservabilityConfig

CallT = TypeVar("CallT", bound=Callable[[], object])

MAX_REPORTED = 2000
_LONGEST_LIST: Final = 400
_logger: Final = logging.getLogger("flext_observability")


@final
class FlextHealthService:
    """Run checks, take reports and sum them up; safe from threads."""

    def __init__(self, container: Container | None = None) -> None:
        """Make a service.

        Args:
            container: Where to look up ``clock`` and ``id_generator`` for what is found, and ``repository``, which keeps what
                ``execute_health_check`` gives; optional.
        """
        self._container = container
        self._persist: Persist[FlextHealthCheck] = repository_writer(container, "store_health_check")
        self._clock = find_clock(container)
        self._lock = ForkSafeLock()
        self._registered: dict[str, RegisteredCheck] = {}
        self._reported: dict[str, FlextHealthCheck] = {}
        self._begun = False
        self._telemetry: TelemetryCheck | None = None
        self._watches_telemetry = True
        self._capacities: Mapping[Signal, int] = {}
        register_fork_aware(self)

    @never_raises
    def register_check(
        self, name: str, call: Callable[[], object], **options: Unpack[CheckOptions]
    ) -> FlextResult[None]:
        """Register a check, sync or async; one with the same name is replaced.

        Args:
            name: What is checked.
            call: Takes nothing; returns a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, or None for healthy; raises
                for unhealthy.
            **options: ``critical=True``, ``timeout_seconds=5.0``, ``interval_seconds=None`` (runs when somebody asks; with an
                interval, in the background), ``cache_seconds=1.0``, ``depends_on=()`` (names of checks without which this one is
                not run), ``probes=("ready",)`` (of ``live``, ``ready``, ``startup``).

        Returns:
            Success, or a failure (``invalid_health_check``): a wrong argument, or dependencies that lead in a circle.
        """
        return make_registered(name, call, cast("Mapping[str, object]", options)).flat_map(self._register)

    def check(self, name: str, **options: Unpack[CheckOptions]) -> Callable[[CallT], CallT]:
        """Decorate a function that checks something: ``@health.check("database", critical=False)``.

        The function stays as it is. What ``register_check`` would fail with is logged.
        """

        def register(call: CallT) -> CallT:
            result = self.register_check(name, call, **options)
            if result.is_failure:
                say(_logger, str(result.error))
            return call

        return register

    @never_raises
    def unregister_check(self, name: str) -> FlextResult[None]:
        """Forget a check, registered or reported.

        Returns:
            Success, or a failure (``unknown_check``).
        """
        with self._lock:
            registered = self._registered.pop(name, None)
            reported = self._reported.pop(name, None)
        if registered is None and reported is None:
            return self._unknown(name).map(lambda _: None)
        if registered is not None:
            SCHEDULER.cancel(_job(registered))
        adapter.remove(name)
        return FlextResult[None].ok(None)

    @never_raises
    def checks(self) -> FlextResult[tuple[FlextHealthCheck, ...]]:
        """Return every check as last found, by name; nothing is run, and what never ran is ``unknown``."""
        with self._lock:
            registered, known = list(self._registered.values()), dict(self._reported)
        known |= {check.name: check.latest or check.found("unknown", "not run yet") for check in registered}
        return FlextResult.ok(tuple(known[name] for name in sorted(known)))

    @never_raises
    def create(
        self, name: str, status: str = "healthy", message: str = "", details: Mapping[str, object] | None = None
    ) -> FlextResult[FlextHealthCheck]:
        """Create the outcome of a health check and report it.

        Args:
            name: Name of the check.
            status: ``healthy``, ``degraded``, ``unhealthy`` or ``unknown``.
            message: Explanation for people.
            details: Further facts.

        Returns:
            The entity, or a failure: ``invalid_health_check``, and those of the container's repository.
        """
        created = entity_factory(self._container).create_health_check(name, status, message, details)
        return created.tap(self._report).flat_map(self._persist)

    @never_raises
    def execute_health_check(self, check: FlextHealthCheck | str) -> FlextResult[FlextHealthCheck]:
        """Report a finished check, or run a registered one by name, after the checks that it depends on.

        Returns:
            What was found, whatever its status; or a failure: ``invalid_health_check``, ``unknown_check``, and those of the container's
            repository, though the check has been reported. Running inside an event loop gives a ``PendingResult``: await it.
        """
        from flext_observability.domain.health_check import FlextHealthCheck

        if isinstance(check, FlextHealthCheck):
            return check.validate_business_rules().map(lambda _: check).tap(self._report).flat_map(self._persist)
        with self._lock:
            registered = self._registered.get(check) if isinstance(cast("object", check), str) else None
        if registered is None:
            return self._unknown(check)
        return self.run_registered(registered).flat_map(self._persist)

    @never_raises
    def overall(self, probe: str | None = None) -> FlextResult[FlextHealthReport]:
        """Run every registered check whose last outcome is not fresh, side by side, and sum up, with what was reported by entity.

        An ``unknown`` critical check makes the whole ``degraded``; for a probe, ``unhealthy``: who does not answer is not ready.

        Args:
            probe: ``live``, ``ready`` or ``startup``: only the checks that count for it (reports by entity: for ``ready``).
                ``startup`` runs nothing any more once it was not unhealthy. None: all checks.

        Returns:
            The report; ``healthy`` when there is nothing to check; or a failure (``unknown_probe``). Inside an event loop a
            ``PendingResult``: await it.
        """
        if probe is not None and probe not in PROBES:
            message = f"There is no such probe: use {', '.join(PROBES)}, or None for all checks"
            return FlextResult[FlextHealthReport].fail(message, code="unknown_probe")
        if probe == "startup" and self._begun:
            return FlextResult[FlextHealthReport].ok(FlextHealthReport("healthy"))
        apart = not _in_event_loop()
        return settle(lambda: self._overall(probe, apart=apart))

    def configure(self, config: FlextObservabilityConfig) -> None:
        """Take the settings of a configuration that starts."""
        self._watches_telemetry = config.health_telemetry
        self._capacities = {"traces": config.traces_max_queue_size, "logs": config.logs_max_queue_size}

    def connect(self, ledger: StatusSource) -> None:
        """Begin to look at the state of telemetry itself, as the check ``telemetry``, unless the program has one of that name."""
        self._drop_telemetry()
        self._schedule_all()
        if self._watches_telemetry and TELEMETRY not in self._registered:
            self._telemetry = TelemetryCheck(ledger, self._capacities)
            self.register_check(TELEMETRY, self._telemetry, critical=False, probes=())

    def disconnect(self) -> None:
        """Stop looking at telemetry, and run no check in the background any more."""
        self._drop_telemetry()
        with self._lock:
            registered = list(self._registered.values())
        for check in registered:
            SCHEDULER.cancel(_job(check))

    def reinit_after_fork(self) -> None:
        """Forget in a forked child what runs in the parent, and what its ledger counted."""
        for check in self._registered.values():
            check.reinit_after_fork()
        if self._telemetry is not None:
            self._telemetry.reinit_after_fork()

    def _register(self, check: RegisteredCheck) -> FlextResult[None]:
        from flext_observability.domain.health_check import FlextHealthCheck

        check.identity = partial(new_identity, self._container, FlextHealthCheck)
        with self._lock:
            circle = find_cycle(check, self._registered)
            before = None if circle else self._registered.get(check.name)
            if not circle:
                self._registered[check.name] = check
        if circle:
            return refused(f"dependencies: they lead in a circle, {circle}; leave one of them out").map(lambda _: None)
        if before is not None:
            SCHEDULER.cancel(_job(before))
        self._schedule(check)
        return FlextResult[None].ok(None)

    def _schedule_all(self) -> None:
        with self._lock:
            registered = list(self._registered.values())
        for check in registered:
            self._schedule(check)

    def _schedule(self, check: RegisteredCheck) -> None:
        if check.interval_seconds is not None:
            SCHEDULER.every(_job(check), check.interval_seconds, _Background(self, check))

    def _drop_telemetry(self) -> None:
        with self._lock:
            check = self._registered.get(TELEMETRY)
            ours = check is not None and check.call is self._telemetry
        if ours:
            self.unregister_check(TELEMETRY)
        self._telemetry = None

    def run_registered(self, check: RegisteredCheck) -> FlextResult[FlextHealthCheck]:
        """Run a check now, after those that it depends on; see ``execute_health_check``."""
        around = self._round(apart=not _in_event_loop())

        async def work() -> FlextResult[FlextHealthCheck]:
            (found,) = await around.find([check], again=True)
            return FlextResult["FlextHealthCheck"].ok(found)

        return settle(work)

    async def _overall(self, probe: str | None, *, apart: bool) -> FlextResult[FlextHealthReport]:
        around = self._round(apart=apart)
        with self._lock:
            asked = [check for check in self._registered.values() if probe is None or probe in check.probes]
            reported = dict(self._reported) if probe in {None, "ready"} else {}
        found = {check.name: check for check in await around.find(asked)}
        non_critical = [check.name for check in asked if not check.critical]
        report = aggregate((reported | found).values(), non_critical, probed=probe is not None)
        if probe == "startup" and report.status != "unhealthy":
            self._begun = True
        return FlextResult[FlextHealthReport].ok(report)

    def _round(self, *, apart: bool) -> CheckRun:
        with self._lock:
            return CheckRun(dict(self._registered), dict(self._reported), self._clock, tell=self._tell, apart=apart)

    def _report(self, check: FlextHealthCheck) -> None:
        with self._lock:
            self._reported.pop(check.name, None)
            self._reported[check.name] = check
            if len(self._reported) > MAX_REPORTED:
                del self._reported[next(iter(self._reported))]
        self._tell(check)

    def _tell(self, check: FlextHealthCheck) -> None:
        if check.mark_emitted() and adapter.emit(check):
            HOOKS.dispatch("on_health_changed", check)

    def _unknown(self, name: object) -> FlextResult[FlextHealthCheck]:
        with self._lock:
            known = encode_tag(", ".join(self._registered) or "nothing", max_bytes=_LONGEST_LIST)
        message = f"Invalid health check name: {preview(name)} is not registered; register it (registered: {known})"
        return FlextResult["FlextHealthCheck"].fail(message, code="unknown_check")


class _Background:
    """A job that starts a check's run on a thread of its own; ends with the service, which it does not keep."""

    __slots__ = ("_check", "_service")

    def __init__(self, service: FlextHealthService, check: RegisteredCheck) -> None:
        self._service = ref(service)
        self._check = check

    def __call__(self) -> None:
        service = self._service()
        if service is None:
            SCHEDULER.cancel(_job(self._check))
        elif not self._check.runs():
            start_daemon(
                "flext-health", partial(service.run_registered, self._check), what="the thread of a health check"
            )


def _job(check: RegisteredCheck) -> str:
    return f"flext.health.{id(check)}"


def _in_event_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
