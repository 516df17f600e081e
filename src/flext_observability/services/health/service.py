"""Health service: run checks, accept reports, emit changes and aggregate one status (OTel API only)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, Unpack, cast, final
from weakref import ref

from flext_observability.adapters import health_check as adapter
from flext_observability.domain.guard import contained, never_raises, nothing
from flext_observability.domain.health_report import PROBES, FlextHealthReport, aggregate
from flext_observability.domain.pending_result import inside_event_loop, settle
from flext_observability.domain.result import FlextResult
from flext_observability.domain.rules import Violation, to_result
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.extensions.plugins.hooks import plugin_hooks
from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.dependencies import Attributes, entity_factory, find_clock, new_identity
from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.check_run import CheckRun
from flext_observability.services.health.options import CheckOptions, find_cycle, make_registered
from flext_observability.services.health.telemetry import TELEMETRY, TelemetryCheck
from flext_observability.services.repository import Persist, repository_writer
from flext_observability.values.encoding import encode_tag, preview
from flext_observability.values.foreign import is_a, is_one_of, plain_text

if TYPE_CHECKING:
    from flext_observability.domain.container import Container
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import StatusSource
    from flext_observability.settings.config import FlextObservabilityConfig

CallT = TypeVar("CallT", bound=Callable[[], object])

MAX_REPORTED = 2000
_MAX_LIST_BYTES: Final = 400


@final
class FlextHealthService:
    """Run health checks, accept reports and aggregate both. Thread-safe.

    Operations return a result and never raise: an unexpected exception is the failure ``internal``.
    """

    def __init__(self, container: Container | None = None) -> None:
        """Create a service.

        Args:
            container: Optional source of ``clock`` and ``id_generator`` for results, and of a ``repository`` that
                stores the results of ``execute_health_check`` and ``create``.
        """
        self._container = container
        self._persist: Persist[FlextHealthCheck] = repository_writer(container, "store_health_check")
        self._clock = find_clock(container)
        self._lock = ForkSafeLock()
        self._registered: dict[str, RegisteredCheck] = {}
        self._reported: dict[str, FlextHealthCheck] = {}
        self._started = False
        self._telemetry: TelemetryCheck | None = None
        self._telemetry_enabled = True
        self._capacities: Mapping[Signal, int] = {}
        register_fork_aware(self)

    @never_raises
    def register_check(
        self, name: str, call: Callable[[], object], **options: Unpack[CheckOptions]
    ) -> FlextResult[None]:
        """Register a sync or async check. It replaces a check with the same name.

        Args:
            name: Name of the check.
            call: Function without arguments. It returns a bool, a status, a ``FlextHealthCheck``, a ``FlextResult``, or
                None for healthy. It raises for unhealthy.
            **options: ``critical=True``, ``timeout_seconds=5.0``, ``interval_seconds=None`` (runs on request; with an
                interval, in the background), ``cache_seconds=1.0``, ``depends_on=()`` (names of checks that must not be
                unhealthy or unknown), ``probes=("ready",)`` (of ``live``, ``ready``, ``startup``).

        Returns:
            Success, or the failure ``invalid_health_check`` for an invalid argument or a dependency cycle, which is
            logged, too.
        """
        made = make_registered(name, call, cast("Mapping[str, object]", options))
        return log_failed_setup("register_check", made.flat_map(self._register))

    def check(self, name: str, **options: Unpack[CheckOptions]) -> Callable[[CallT], CallT]:
        """Register the decorated function as a check: ``@health.check("database", critical=False)``.

        The function is returned unchanged. A failure of ``register_check`` is logged.
        """

        def register(call: CallT) -> CallT:
            self.register_check(name, call, **options)
            return call

        return register

    @never_raises
    def unregister_check(self, name: str) -> FlextResult[None]:
        """Remove a registered or reported check.

        Returns:
            Success, or the failure ``unknown_check``.
        """
        text = plain_text(name) or ""
        with self._lock:
            registered = self._registered.pop(text, None)
            reported = self._reported.pop(text, None)
        if registered is None and reported is None:
            return self._unknown(name).map(lambda _: None)
        if registered is not None:
            scheduler().cancel(_job(registered))
        adapter.remove(text)
        return FlextResult[None].ok(None)

    @never_raises
    def checks(self) -> FlextResult[tuple[FlextHealthCheck, ...]]:
        """Return the latest result of every check, by name, without a run. A check that never ran is ``unknown``."""
        with self._lock:
            registered, results = list(self._registered.values()), dict(self._reported)
        results |= {check.name: check.latest or check.make_result("unknown", "not run yet") for check in registered}
        return FlextResult.ok(tuple(results[name] for name in sorted(results)))

    @never_raises
    def create(
        self, name: str, status: str = "healthy", message: str = "", details: Attributes = None
    ) -> FlextResult[FlextHealthCheck]:
        """Create the result of a check and report it. Arguments: see ``flext_create_health_check``.

        Returns:
            The result, or a failure as of ``execute_health_check``.
        """
        created = entity_factory(self._container).create_health_check(name, status, message, details)
        return created.tap(self._report).flat_map(self._persist)

    @never_raises
    def execute_health_check(
        self, check: FlextHealthCheck | str, *, blocking: bool = False
    ) -> FlextResult[FlextHealthCheck]:
        """Report a result, or run a registered check by name after the checks it depends on.

        Args:
            check: The result, or the name of a check.
            blocking: See ``overall``.

        Returns:
            The result with any status; or a failure: ``invalid_health_check``, ``unknown_check``, or one of the
            container's repository (the result has been reported). Inside an event loop, running a check returns a
            ``PendingResult``, which must be awaited.
        """
        from flext_observability.domain.health_check import FlextHealthCheck

        if is_a(check, FlextHealthCheck):
            return check.validate_business_rules().map(lambda _: check).tap(self._report).flat_map(self._persist)
        registered = self._registered.get(plain_text(check) or "")
        if registered is None:
            return self._unknown(check)
        return self.run_registered(registered, blocking=blocking).flat_map(self._persist)

    @never_raises
    def overall(self, probe: str | None = None, *, blocking: bool = False) -> FlextResult[FlextHealthReport]:
        """Run all checks without a cached result concurrently, and aggregate them with the reported results.

        An ``unknown`` critical check makes the report ``degraded``, and ``unhealthy`` for a probe.

        Args:
            probe: ``live``, ``ready`` or ``startup`` selects the checks of that probe; ``ready`` includes reported
                results. Once ``startup`` was not unhealthy, it stays healthy and runs nothing. None: all checks.
            blocking: Whether to block also inside a running event loop, for sync functions. Async checks then run in
                event loops of their own.

        Returns:
            The report, ``healthy`` when there are no checks; or the failure ``unknown_probe``. Inside an event loop a
            ``PendingResult``, which must be awaited.
        """
        if probe is not None and not is_one_of(probe, PROBES):
            return _unknown_probe(probe)
        if probe == "startup" and self._started:
            return FlextResult[FlextHealthReport].ok(FlextHealthReport("healthy"))
        own_loop = blocking is True or not inside_event_loop()
        return settle(lambda: self._overall(probe, own_loop=own_loop), "overall()", blocking=blocking)

    @never_raises
    def known_overall(self, probe: str | None = None) -> FlextResult[FlextHealthReport]:
        """Return the report of ``overall`` by the latest results, without their details.

        A check without a result, or whose run is late, is ``unknown``. Never waits, and runs no foreign code.
        """
        if probe is not None and not is_one_of(probe, PROBES):
            return _unknown_probe(probe)
        if probe == "startup" and self._started:
            return FlextResult[FlextHealthReport].ok(FlextHealthReport("healthy"))
        # Copies without the lock, which a hostile name may hold.
        registered, reported = dict(self._registered), dict(self._reported)
        selected = [check for check in registered.values() if probe is None or probe in check.probes]
        results = reported if probe in {None, "ready"} else {}
        results |= {check.name: check.known() for check in selected}
        non_critical = [check.name for check in selected if not check.critical]
        return FlextResult[FlextHealthReport].ok(aggregate(results.values(), non_critical, probed=probe is not None))

    @contained(nothing)
    def configure(self, config: FlextObservabilityConfig) -> None:
        """Apply the settings of a starting configuration."""
        self._telemetry_enabled = config.health_telemetry
        self._capacities = {"traces": config.traces_max_queue_size, "logs": config.logs_max_queue_size}

    @contained(nothing)
    def connect(self, ledger: StatusSource) -> None:
        """Start the background runs, and register the check ``telemetry`` unless the program has registered one."""
        self._drop_telemetry()
        for check in self._checks():
            self._schedule(check)
        if self._telemetry_enabled and TELEMETRY not in self._registered:
            self._telemetry = TelemetryCheck(ledger, self._capacities)
            self.register_check(TELEMETRY, self._telemetry, critical=False, probes=())

    @contained(nothing)
    def disconnect(self) -> None:
        """Remove the check ``telemetry``, and stop the background runs."""
        self._drop_telemetry()
        for check in self._checks():
            scheduler().cancel(_job(check))

    def reinit_after_fork(self) -> None:
        """Drop the runs and counts of the parent in a forked child."""
        for check in self._registered.values():
            check.reinit_after_fork()
        if self._telemetry is not None:
            self._telemetry.reinit_after_fork()

    def _register(self, check: RegisteredCheck) -> FlextResult[None]:
        from flext_observability.domain.health_check import FlextHealthCheck

        check.clock, check.identity = self._clock, partial(new_identity, self._container, FlextHealthCheck)
        with self._lock:
            if cycle := find_cycle(check, self._registered):
                violation = Violation("health check dependencies", f"cycle {cycle}", "Remove one of them")
                return to_result(violation, "health_check")
            replaced = self._registered.get(check.name)
            self._registered[check.name] = check
        if replaced is not None:
            scheduler().cancel(_job(replaced))
        self._schedule(check)
        return FlextResult[None].ok(None)

    def _checks(self) -> list[RegisteredCheck]:
        with self._lock:
            return list(self._registered.values())

    def _schedule(self, check: RegisteredCheck) -> None:
        if check.interval_seconds is not None:
            scheduler().schedule(_job(check), check.interval_seconds, partial(_run_in_background, ref(self), check))

    def _drop_telemetry(self) -> None:
        check = self._registered.get(TELEMETRY)
        if check is not None and check.call is self._telemetry:
            self.unregister_check(TELEMETRY)
        self._telemetry = None

    @never_raises
    def run_registered(self, check: RegisteredCheck, *, blocking: bool = False) -> FlextResult[FlextHealthCheck]:
        """Run a check now, after the checks it depends on. See ``execute_health_check``."""
        if not is_a(cast("object", check), RegisteredCheck):
            return self._unknown(check)
        check_run = self._new_run(own_loop=blocking is True or not inside_event_loop())

        async def work() -> FlextResult[FlextHealthCheck]:
            (result,) = await check_run.evaluate([check], force=True)
            return FlextResult["FlextHealthCheck"].ok(result)

        return settle(work, "execute_health_check()", blocking=blocking)

    async def _overall(self, probe: str | None, *, own_loop: bool) -> FlextResult[FlextHealthReport]:
        check_run = self._new_run(own_loop=own_loop)
        selected = [check for check in check_run.registered.values() if probe is None or probe in check.probes]
        reported: Mapping[str, FlextHealthCheck] = check_run.reported if probe in {None, "ready"} else {}
        results = {result.name: result for result in await check_run.evaluate(selected)}
        non_critical = [check.name for check in selected if not check.critical]
        report = aggregate({**reported, **results}.values(), non_critical, probed=probe is not None)
        if probe == "startup" and report.status != "unhealthy":
            self._started = True
        return FlextResult[FlextHealthReport].ok(report)

    def _new_run(self, *, own_loop: bool) -> CheckRun:
        with self._lock:
            registered, reported = dict(self._registered), dict(self._reported)
        return CheckRun(registered, reported, self._emit, own_loop)

    def _report(self, check: FlextHealthCheck) -> None:
        with self._lock:
            self._reported.pop(check.name, None)
            self._reported[check.name] = check
            if len(self._reported) > MAX_REPORTED:
                del self._reported[next(iter(self._reported))]
        self._emit(check)

    def _emit(self, check: FlextHealthCheck) -> None:
        if check.mark_emitted() and adapter.emit(check):
            plugin_hooks().dispatch("on_health_changed", check)

    def _unknown(self, name: object) -> FlextResult[FlextHealthCheck]:
        with self._lock:
            registered = encode_tag(", ".join(self._registered) or "none", max_bytes=_MAX_LIST_BYTES)
        message = f"Invalid health check name: {preview(name)} is not registered (registered: {registered})"
        return FlextResult["FlextHealthCheck"].fail(message, code="unknown_check", fix="Call register_check first")


def _unknown_probe(probe: object) -> FlextResult[FlextHealthReport]:
    message, fix = f"Unknown probe: {preview(probe)}", f"Use {', '.join(PROBES)}, or None for all checks"
    return FlextResult[FlextHealthReport].fail(message, code="unknown_probe", fix=fix)


def _run_in_background(reference: ref[FlextHealthService], check: RegisteredCheck) -> None:
    """Run a check on its own thread. Cancel the job when the service was garbage-collected."""
    service = reference()
    if service is None:
        scheduler().cancel(_job(check))
    elif not check.is_running():
        start_daemon("flext-health", partial(service.run_registered, check), what="the thread of a health check")


def _job(check: RegisteredCheck) -> str:
    return f"flext.health.{id(check)}"
