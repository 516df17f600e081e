"""Arguments and environment → a running configuration, its handle and its end: the only place where both paths meet."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast, final
from uuid import uuid4

from flext_observability.api.service_group import ServiceGroup
from flext_observability.api.session import Session
from flext_observability.domain.report import SIGNALS, FlushReport, ShutdownReport, Signal, SignalStatus
from flext_observability.domain.result import FlextResult, PendingResult
from flext_observability.extensions.plugins.hooks import PLUGINS
from flext_observability.extensions.registry import EXPORTERS, NOTIFIERS
from flext_observability.runtime.otel_import import import_without_otel_env
from flext_observability.settings.resolve import ResolvedSettings, resolve

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Unpack

    from flext_observability.ops_server.pages import OpsPages
    from flext_observability.providers.bootstrap import Running
    from flext_observability.runtime.exit import Lifecycle
    from flext_observability.services.alerts.service import FlextAlertService
    from flext_observability.services.health.service import FlextHealthService
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.arguments import InitArguments
    from flext_observability.settings.config import FlextObservabilityConfig

T = TypeVar("T")
MODULES_READING_ENV = ("opentelemetry.propagate", "opentelemetry.sdk.trace", "opentelemetry.sdk._logs")
NOT_STARTED = "Observability is not started: call init_observability() first"


@final
class Observability:
    """Handle of what ``init_observability`` started; also a context manager that shuts it down."""

    __slots__ = ("_services", "_session")

    def __init__(self, session: Session, services: ServiceGroup) -> None:
        self._session = session
        self._services = services

    @property
    def config(self) -> FlextObservabilityConfig:
        """The resolved settings: every field concrete."""
        return self._session.running.config

    @property
    def tracing(self) -> FlextTracingService:
        """The tracing service."""
        return self._services.tracing

    @property
    def metrics(self) -> FlextMetricsService:
        """The metrics service."""
        return self._services.metrics

    @property
    def logs(self) -> FlextLoggingService:
        """The logging service."""
        return self._services.logs

    @property
    def alerts(self) -> FlextAlertService:
        """The alert service."""
        return self._services.alerts

    @property
    def health(self) -> FlextHealthService:
        """The health service."""
        return self._services.health

    @property
    def ops_address(self) -> str:
        """Base address of the ops server, such as ``http://127.0.0.1:9464``; empty when none runs."""
        server = self._session.server
        return "" if server is None else server.address

    def status(self) -> dict[Signal, SignalStatus]:
        """Return the state, reason, fix and counts of each signal at this moment."""
        return self._session.describe()

    def flush(self, timeout_seconds: float | None = None) -> FlextResult[FlushReport]:
        """Send all that was recorded until now, all signals and exporters in parallel.

        Args:
            timeout_seconds: Deadline for everything, in seconds; default ``flush_timeout_seconds`` of the settings.

        Returns:
            The report; ``complete`` is false when the deadline came first (what is left stays queued). Inside a running event
            loop a ``PendingResult``: await it. Failure code: ``invalid_timeout``.
        """
        limit = self.config.flush_timeout_seconds if timeout_seconds is None else timeout_seconds
        return _run_or_defer(limit, self._flush)

    def shutdown(self, timeout_seconds: float | None = None) -> FlextResult[ShutdownReport]:
        """Send what is left and stop; what cannot be sent before the deadline is counted as dropped.

        Args:
            timeout_seconds: Deadline for everything, in seconds; default ``shutdown_timeout_seconds`` of the settings.

        Returns:
            The report with all counts; calling again gives the same one. Inside a running event loop a ``PendingResult``: await
            it. Failure code: ``invalid_timeout``.
        """
        limit = self.config.shutdown_timeout_seconds if timeout_seconds is None else timeout_seconds
        return _run_or_defer(limit, self._stop)

    def delete_pushed_metrics(self, timeout_seconds: float | None = None) -> FlextResult[None]:
        """Delete this process's group from the Pushgateway; after ``shutdown`` too, when nothing pushes it anew.

        Args:
            timeout_seconds: Deadline, in seconds; default ``flush_timeout_seconds`` of the settings.

        Returns:
            Nothing, also when there was no group, or no Pushgateway is set. Inside a running event loop a ``PendingResult``: await
            it. Failure codes: ``invalid_timeout``, ``unreachable``, ``timeout``, ``unavailable``, ``unauthorized``, ``not_found``.
        """
        limit = self.config.flush_timeout_seconds if timeout_seconds is None else timeout_seconds
        return _run_or_defer(limit, self._session.running.delete_group).flat_map(lambda deleted: deleted)

    def __repr__(self) -> str:
        """Name the service and the state of each signal."""
        states = ", ".join(f"{signal} {status.state}" for signal, status in self.status().items())
        return f"<Observability {self.config.service_name}: {states}>"

    def __enter__(self) -> Observability:
        """Return the handle."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Shut down within the default deadline."""
        self._stop(self.config.shutdown_timeout_seconds)

    async def __aenter__(self) -> Observability:
        """Return the handle."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Shut down within the default deadline, without blocking the loop."""
        await self.shutdown()

    def _flush(self, limit: float) -> FlushReport:
        deadline = time.monotonic() + limit
        report = self._session.flush(limit)
        told = self._services.flush(deadline)
        return report if told else replace(report, complete=False)

    def _stop(self, limit: float) -> ShutdownReport:
        deadline = time.monotonic() + limit
        with _STATE.lock:
            active = _STATE.session is self._session
            if active:
                _STATE.session = None
                _detach_integrations()
                self._services.hurry(deadline)
            report = self._session.end(limit)
            if active:
                self._services.disconnect(deadline)
            return report


class _State:
    """What this module knows of the process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.session: Session | None = None
        self.services = ServiceGroup()
        self.instance_id = ""  # made at the first start: children forked before it must not share one
        self.lifecycle: Lifecycle | None = None


_STATE = _State()


def init_observability(
    config: FlextObservabilityConfig | None = None, /, **arguments: Unpack[InitArguments]
) -> FlextResult[Observability]:
    """Start telemetry for this process, or replace what an earlier call started.

    Args:
        config: All settings in one object; keyword arguments win over it.
        **arguments: Any field of ``FlextObservabilityConfig``; what is not given comes from ``FLEXT_OBSERVABILITY_*``, then
            ``OTEL_*``, then the default.

    Returns:
        The handle. A failure (code ``invalid_settings``, ``unknown_exporter``, ``unknown_plugin`` or ``unknown_notifier``; nothing has
        changed) says what is wrong and what is allowed. Trouble with ports, files, packages, the network or the environment's values is no failure: it shows
        in ``handle.status()`` with its fix. Never raises.

    Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    try:
        resolved = resolve(config, cast("dict[str, object]", arguments), os.environ)
        if not resolved.success:
            return cast("FlextResult[Observability]", resolved)
        settings = resolved.unwrap()
        known = _check_plugin_names(settings)
        if known.is_failure:
            return cast("FlextResult[Observability]", known)
        with _STATE.lock:
            return FlextResult[Observability].ok(_replace_active(settings))
    # By definition not known how to reach; what is known to go wrong degrades a signal instead.
    except Exception as error:  # noqa: BLE001  # pragma: no cover — a mistake of ours must not break the program
        return FlextResult[Observability].fail(
            f"Starting failed: {type(error).__name__}: {error}. Report this, with the settings", code="internal"
        )


def get_observability() -> FlextResult[Observability]:
    """Return the active handle, or a failure (code ``not_started``) before the start and after the end."""
    session = _STATE.session
    if session is None:
        return FlextResult[Observability].fail(NOT_STARTED, code="not_started")
    return FlextResult[Observability].ok(Observability(session, _STATE.services))


def active_pages() -> OpsPages | None:
    """Return what an ops server shows of the active configuration; None before the start and after the end."""
    session = _STATE.session
    return None if session is None else session.pages(_STATE.services)


def flush_observability(timeout_seconds: float | None = None) -> FlextResult[FlushReport]:
    """Flush the active handle; see ``Observability.flush``. Failure code before the start: ``not_started``."""
    return get_observability().flat_map(lambda active: active.flush(timeout_seconds))


def shutdown_observability(timeout_seconds: float | None = None) -> FlextResult[ShutdownReport]:
    """Shut the active handle down; see ``Observability.shutdown``. Failure code before the start: ``not_started``."""
    return get_observability().flat_map(lambda active: active.shutdown(timeout_seconds))


def _replace_active(settings: ResolvedSettings) -> Observability:
    """Start the new configuration, send telemetry there, then end the one before within its deadline."""
    for module in MODULES_READING_ENV:
        import_without_otel_env(module)
    from flext_observability.providers import bootstrap

    previous = _STATE.session
    before = previous.running if previous is not None else None
    _STATE.instance_id = _STATE.instance_id or uuid4().hex
    session = Session(bootstrap.start(settings, _STATE.instance_id, before))
    _STATE.session = session
    session.running.notices.extend(_STATE.services.apply(settings.config))
    _STATE.services.connect(session.describe, session.points)
    if previous is not None:
        previous.end(previous.running.config.shutdown_timeout_seconds)
    session.start_ops_server(_STATE.services)
    _attach_integrations(session.running)
    session.tell()
    _install_process_hooks()
    return Observability(session, _STATE.services)


def _attach_integrations(running: Running) -> None:
    """Connect the standard library's logging and the libraries that the settings name."""
    from flext_observability.instrumentation import libraries
    from flext_observability.instrumentation.logging import bridge as logging_bridge

    config = running.config
    if config.internal_log_level:
        for name in ("opentelemetry", "flext_observability"):
            logging.getLogger(name).setLevel(config.internal_log_level)
    if config.logs_enabled and not config.disabled:
        logging_bridge.install(config.log_level, on_console="console" in running.exporters.names("logs"))
    else:
        logging_bridge.uninstall()
    libraries.uninstrument()
    if config.instrument and not config.disabled:
        running.notices.extend(libraries.instrument(config.instrument))


def _detach_integrations() -> None:
    """Disconnect everything that ``_attach_integrations`` connected, and send telemetry nowhere."""
    from flext_observability.instrumentation import libraries
    from flext_observability.instrumentation.logging import bridge as logging_bridge
    from flext_observability.providers.global_providers import GLOBAL_PROVIDERS

    logging_bridge.uninstall()
    libraries.uninstrument()
    GLOBAL_PROVIDERS.turn_off(*SIGNALS)


def _install_process_hooks() -> None:
    from flext_observability.runtime.exit import Lifecycle

    if _STATE.lifecycle is None:
        _STATE.lifecycle = Lifecycle(at_exit=shutdown_observability, in_child=_reinit_after_fork)
        _STATE.lifecycle.watch()


def _reinit_after_fork() -> None:
    """Start the same configuration afresh in a forked child: own locks, threads, sockets, counts and instance id."""
    from flext_observability.providers.global_providers import GLOBAL_PROVIDERS

    _STATE.lock = threading.RLock()
    _STATE.instance_id = uuid4().hex
    GLOBAL_PROVIDERS.reset_locks()
    if _STATE.session is not None:
        _STATE.session.reinit_after_fork(_STATE.instance_id)
        _STATE.services.reinit_after_fork()


def _check_plugin_names(settings: ResolvedSettings) -> FlextResult[None]:
    """Return a failure for the first name given as an argument that nothing goes by."""
    config, sources = settings.config, settings.sources
    settled = [
        *((f"exporters.{signal}", EXPORTERS.check, names) for signal, names in config.exporters.items()),
        ("plugins", PLUGINS.check, config.plugins),
        ("alert_notifiers", NOTIFIERS.check, config.alert_notifiers),
    ]
    found = (check(name) for source, check, names in settled if sources.get(source) == "argument" for name in names)
    return next((result for result in found if result.is_failure), FlextResult[None].ok(None))


def _run_or_defer(limit: object, work: Callable[[float], T]) -> FlextResult[T]:
    """Do the work now, or later when an event loop runs in this thread and must not be blocked."""
    kind, seconds = type(limit), cast("float", limit)  # not isinstance: a proxy may raise when asked for its class
    if kind is bool or not issubclass(kind, int | float) or not 0 <= seconds < threading.TIMEOUT_MAX:
        from flext_observability.values.encoding import preview

        message = f"Invalid timeout {preview(limit)}: give seconds, zero or more"
        return FlextResult[T].fail(message, code="invalid_timeout")
    seconds = float(seconds)
    if not _inside_event_loop():
        return FlextResult[T].ok(work(seconds))

    async def in_thread() -> FlextResult[T]:
        from asyncio import to_thread

        return FlextResult[T].ok(await to_thread(work, seconds))

    return PendingResult(in_thread)


def _inside_event_loop() -> bool:
    if "asyncio" not in sys.modules:
        return False  # nobody can be running a loop, so its import is saved
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
