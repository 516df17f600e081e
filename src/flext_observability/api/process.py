"""The active configuration of this process: start, replacement, shutdown, exit, fork.

A start holds a turn that only other starts wait for. The lock guards the attributes alone: foreign code is called
without it, so that neither a shutdown nor the exit waits for a start, or for a shutdown beyond its own deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, final
from uuid import uuid4

from flext_observability.api.integrations import Integrations, attach
from flext_observability.api.service_group import ServiceGroup
from flext_observability.api.session import Session
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.exit import ExitHook, is_interrupted_exit
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.otel_import import defer_psutil, import_without_otel_env
from flext_observability.runtime.runtime import current_runtime
from flext_observability.runtime.signals import LastWork, termination_signals
from flext_observability.settings.exportless import without_exports
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.shortage import is_shortage, shortage_fix

if TYPE_CHECKING:
    from flext_observability.domain.report import ShutdownReport
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.resolve import ResolvedSettings

MODULES_READING_ENV = ("opentelemetry.propagate", "opentelemetry.sdk.trace", "opentelemetry.sdk._logs")
ADDED_SECONDS = 2.0
"""Time at exit for processors and readers of the program, unless no thread can be started (Python 3.12)."""
ADDED_AT_SIGNAL_SECONDS = 0.2
"""The same at a signal that ends the process."""
START_WAIT_SECONDS = 15.0
"""Time that a start waits for another one."""


@final
class Process:
    """The active session, and the services, which are kept through later starts.

    Attributes:
        session: The active session; None before the start and after the shutdown.
        services: The services of the process.
        declares_only: Whether the process reads the declarations of a program. Each start then exports nothing.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self.services = ServiceGroup()
        self.declares_only = False
        self._page_wanted = False
        self._lock = ForkSafeLock()
        self._start_turn = ForkSafeLock()
        self._building = False  # a start builds a pipeline that is not active yet
        self._ending: list[Session] = []
        self._instance_id = ""  # chosen at the first start: children forked before it must not share one
        self._exit_hook: ExitHook | None = None
        self._left_at: float | None = None  # when the exit began

    def start(self, settings: ResolvedSettings) -> FlextResult[Session]:
        """Start a configuration, delegate telemetry to it, and shut the previous one down within its deadline.

        Returns:
            The new session; or the failure ``busy``: another start has not ended for ``START_WAIT_SECONDS``.
        """
        if not self._start_turn.acquire(START_WAIT_SECONDS):
            message = f"Starting failed: another start has not ended for {START_WAIT_SECONDS:g} s"
            fix = "Call init_observability once, at the beginning of the program"
            return FlextResult[Session].fail(message, code="busy", fix=fix)
        try:
            try:
                session, previous = self._build(without_exports(settings) if self.declares_only else settings)
            except (OSError, MemoryError) as error:
                if not is_shortage(error):
                    raise
                message, fix = f"Starting failed: {describe_error(error)}", shortage_fix(error)
                return FlextResult[Session].fail(message, code="shortage", fix=fix)
            self._activate(session, previous)
            return FlextResult.ok(session)
        finally:
            self._start_turn.release()

    def shutdown(self, session: Session, timeout_seconds: float) -> ShutdownReport:
        """Shut a session down; the services too if it is the active one."""
        with self._lock:
            if self.session is session:
                self.session = None
                # A start that is building replaces the integrations itself.
                session.integrations = None if self._building else Integrations(self.services)
            self._ending = [*(each for each in self._ending if each.report is None), session]
        report = session.shutdown(timeout_seconds, termination_signals().received)
        with self._lock:
            if self.session is None and not self._building:
                termination_signals().uninstall()
        return report

    def shut_down_at_exit(self, added_seconds: float = ADDED_SECONDS) -> None:
        """Shut the active session down, and wait for shutdowns of other threads, each within its configured time.

        Args:
            added_seconds: Time for processors and readers of the program, after the sessions.
        """
        from flext_observability.engine.added_parts import added_parts

        began = self._left_at = self._left_at or time.monotonic()  # a signal at the exit adds no time
        active = self.session
        if active is not None:
            self.shutdown(active, max(began + _timeout(active) - time.monotonic(), 0.0))
        for session in self._ending:
            deadline = began + _timeout(session)
            # It may be about to begin.
            session.shutdown(max(deadline - time.monotonic(), 0.0), termination_signals().received)
            session.wait(deadline)
        self.abandon_at_exit()
        self._left_at, ended = None, time.monotonic()
        for call in added_parts().begin_shutdown():
            call.wait(ended + added_seconds)

    def begin_flush(self) -> None:
        """Request to send all queued items, without waiting."""
        if self.session is not None:
            for worker in self.session.pipeline.workers:
                worker.begin_flush()

    def abandon_at_exit(self) -> None:
        """Count what is not sent yet as lost, and log it, without waiting."""
        for session in (self.session, *self._ending):
            if session is not None:
                session.abandon()

    def want_page(self) -> None:
        """Note that the program has ops pages: its processes share one metrics page."""
        self._page_wanted = True
        if self.session is not None:
            self.session.share_page(wanted=True)

    def reinit_after_fork(self) -> None:
        """Start the same configuration again, with its own threads, sockets, counts and instance id."""
        self._instance_id = uuid4().hex
        self._building = False
        self._ending = []
        self._left_at = None
        if self.session is not None:
            self.session.restart(self._instance_id)

    def _build(self, settings: ResolvedSettings) -> tuple[Session, Session | None]:
        """Build a session and make it the active one; return it and its predecessor."""
        with defer_psutil():
            for module in MODULES_READING_ENV:
                import_without_otel_env(module)
        from flext_observability.providers import bootstrap

        with self._lock:
            self._building, previous = True, self.session
            self._instance_id = self._instance_id or uuid4().hex
        session: Session | None = None
        try:
            kept = None if previous is None else previous.pipeline
            session = Session(bootstrap.start(settings, self._instance_id, kept))
            self._install_hooks()  # after the imports, whose own exit functions run later then
            return session, previous
        finally:
            with self._lock:
                self._building = False
                # The previous one may have been shut down meanwhile.
                self.session = self.session if session is None else session
                is_off = self.session is None
            if is_off:
                Integrations(self.services).detach(time.monotonic())

    def _activate(self, session: Session, previous: Session | None) -> None:
        """Connect services and libraries to the active session. A step that fails costs itself alone."""
        pipeline = session.pipeline
        steps: dict[str, Callable[[], object]] = {
            "Handling signals": lambda: _handle_signals(pipeline.config),
            "Configuring the services": lambda: pipeline.notices.extend(self.services.apply(pipeline.config)),
            "Connecting the services": lambda: self.services.connect(session.status, session.metric_points),
            "Ending the previous configuration": lambda: self._end_previous(previous),
            "Sharing the metrics page": lambda: session.share_page(wanted=self._page_wanted),
            "Starting the ops server": lambda: session.start_ops_server(self.services),
            "Connecting logging and libraries": lambda: attach(pipeline),
        }
        for what, step in steps.items():
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - the configuration is active already
                reraise_interrupt(error)
                pipeline.notices.degrade("all", f"{what} failed: {describe_error(error)}", "Report this")
        session.log_degraded()
        if self.session is not session:  # shut down meanwhile
            Integrations(self.services).detach(time.monotonic())

    def _end_previous(self, previous: Session | None) -> None:
        if previous is not None:
            self.shutdown(previous, previous.pipeline.config.shutdown_timeout_seconds)

    def _install_hooks(self) -> None:
        if self._exit_hook is None:
            self._exit_hook = ExitHook(shut_down_at_exit, abandon_at_exit)
            register_fork_aware(self)


def _handle_signals(config: FlextObservabilityConfig) -> None:
    if config.handle_signals and not config.disabled:
        limit_seconds = config.shutdown_timeout_seconds + ADDED_AT_SIGNAL_SECONDS
        termination_signals().install(LastWork(begin_flush, shut_down_at_signal, limit_seconds))
    else:
        termination_signals().uninstall()


def _timeout(session: Session) -> float:
    return session.pipeline.config.shutdown_timeout_seconds


def active_process() -> Process:
    """Return the ``Process`` of the current runtime."""
    return current_runtime().get(Process)


def shut_down_at_exit() -> None:
    """Shut down at the end of this process."""
    if is_interrupted_exit():
        termination_signals().received = "SIGINT"
    active_process().shut_down_at_exit()


def shut_down_at_signal() -> None:
    """Shut down before a signal ends this process."""
    active_process().shut_down_at_exit(ADDED_AT_SIGNAL_SECONDS)


def begin_flush() -> None:
    """Begin to send what is queued in this process."""
    active_process().begin_flush()


def abandon_at_exit() -> None:
    """Drop what is not sent at the end of this process."""
    active_process().abandon_at_exit()
