"""The active configuration of this process: start, replacement, shutdown, fork."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, final
from uuid import uuid4

from flext_observability.api.service_group import ServiceGroup
from flext_observability.api.session import Session
from flext_observability.domain.report import SIGNALS
from flext_observability.runtime.exit import ExitHook
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.otel_import import import_without_otel_env
from flext_observability.runtime.runtime import current_runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from flext_observability.domain.report import ShutdownReport
    from flext_observability.providers.bootstrap import Pipeline
    from flext_observability.settings.resolve import ResolvedSettings

MODULES_READING_ENV = ("opentelemetry.propagate", "opentelemetry.sdk.trace", "opentelemetry.sdk._logs")


@final
class Process:
    """The active session, and the services, which are kept through later starts.

    Attributes:
        session: The active session; None before the start and after the shutdown.
        services: The services of the process.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self.services = ServiceGroup()
        self._lock = ForkSafeLock()
        self._instance_id = ""  # chosen at the first start: children forked before it must not share one
        self._exit_hook: ExitHook | None = None

    def start(self, settings: ResolvedSettings, *, at_exit: Callable[[], object]) -> Session:
        """Start a configuration, delegate telemetry to it, and shut the previous one down within its deadline."""
        with self._lock:
            for module in MODULES_READING_ENV:
                import_without_otel_env(module)
            from flext_observability.providers import bootstrap

            previous = self.session
            self._instance_id = self._instance_id or uuid4().hex
            pipeline = bootstrap.start(settings, self._instance_id, None if previous is None else previous.pipeline)
            self.session = session = Session(pipeline)
            pipeline.notices.extend(self.services.apply(settings.config))
            self.services.connect(session.status, session.metric_points)
            if previous is not None:
                previous.shutdown(previous.pipeline.config.shutdown_timeout_seconds)
            session.start_ops_server(self.services)
            _attach_integrations(pipeline)
            session.log_degraded()
            self._install_hooks(at_exit)
            return session

    def shutdown(self, session: Session, timeout_seconds: float) -> ShutdownReport:
        """Shut a session down; the services too if it is the active one."""
        deadline = time.monotonic() + timeout_seconds
        with self._lock:
            active = self.session is session
            if active:
                self.session = None
                _detach_integrations()
                self.services.begin_drain(deadline)
            report = session.shutdown(timeout_seconds)
            if active:
                self.services.disconnect(deadline)
            return report

    def reinit_after_fork(self) -> None:
        """Start the same configuration again, with its own threads, sockets, counts and instance id."""
        self._instance_id = uuid4().hex
        if self.session is not None:
            self.session.restart(self._instance_id)

    def _install_hooks(self, at_exit: Callable[[], object]) -> None:
        if self._exit_hook is None:
            self._exit_hook = ExitHook(at_exit)
            register_fork_aware(self)


def active_process() -> Process:
    """Return the ``Process`` of the current runtime."""
    return current_runtime().get(Process)


def _attach_integrations(pipeline: Pipeline) -> None:
    """Connect the standard library's logging and the libraries that the settings name."""
    from flext_observability.instrumentation import libraries
    from flext_observability.instrumentation.logging import bridge

    config = pipeline.config
    if config.internal_log_level:
        for name in ("opentelemetry", "flext_observability"):
            logging.getLogger(name).setLevel(config.internal_log_level)
    if config.logs_enabled and not config.disabled:
        bridge.install(config.log_level, on_console="console" in pipeline.exporters.names("logs"))
    else:
        bridge.uninstall()
    libraries.uninstrument()
    if config.instrument and not config.disabled:
        pipeline.notices.extend(libraries.instrument(config.instrument))


def _detach_integrations() -> None:
    """Undo ``_attach_integrations``, and discard telemetry."""
    from flext_observability.instrumentation import libraries
    from flext_observability.instrumentation.logging import bridge
    from flext_observability.providers.global_providers import global_providers

    bridge.uninstall()
    libraries.uninstrument()
    global_providers().disable(*SIGNALS)
