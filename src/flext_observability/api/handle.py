"""Handle of an active configuration (Observability)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, final

from flext_observability.api.process import active_process
from flext_observability.domain.pending_result import settle_blocking
from flext_observability.domain.result import FlextResult
from flext_observability.values.foreign import plain_number
from flext_observability.values.masking import mask_secrets

if TYPE_CHECKING:
    from types import TracebackType

    from flext_observability.api.service_group import ServiceGroup
    from flext_observability.api.session import Session
    from flext_observability.domain.report import FlushReport, ShutdownReport, TelemetryStatus
    from flext_observability.services.alerts.service import FlextAlertService
    from flext_observability.services.health.service import FlextHealthService
    from flext_observability.services.logs import FlextLoggingService
    from flext_observability.services.metrics import FlextMetricsService
    from flext_observability.services.tracing import FlextTracingService
    from flext_observability.settings.config import FlextObservabilityConfig

T = TypeVar("T")


@final
class Observability:
    """Handle that ``init_observability`` returns; a context manager that shuts down at its end."""

    __slots__ = ("_services", "_session")

    def __init__(self, session: Session, services: ServiceGroup) -> None:
        self._session = session
        self._services = services

    @property
    def config(self) -> FlextObservabilityConfig:
        """The resolved settings, with a value for every field."""
        return self._session.pipeline.config

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

    def status(self) -> TelemetryStatus:
        """Return state, reason, fix and counts of each signal at this moment, by name of the signal.

        Its ``overhead`` is the measured cost of the telemetry.
        """
        return self._session.status()

    def flush(self, timeout_seconds: float | None = None, *, blocking: bool = False) -> FlextResult[FlushReport]:
        """Send everything recorded so far, all signals and exporters in parallel.

        Args:
            timeout_seconds: Deadline for all of it, in seconds; default: the setting ``flush_timeout_seconds``.
            blocking: Whether to block also inside a running event loop, for signal handlers and sync functions.

        Returns:
            The report. ``complete`` is false when the deadline came first; the remaining items stay queued. Inside a
            running event loop a ``PendingResult``: await it. Failure code: ``invalid_timeout``.
        """
        return _run_or_defer("flush()", self._flush, timeout_seconds, self.config.flush_timeout_seconds, blocking)

    def shutdown(self, timeout_seconds: float | None = None, *, blocking: bool = False) -> FlextResult[ShutdownReport]:
        """Send the remaining items and stop. Items that cannot be sent before the deadline are counted as dropped.

        Args:
            timeout_seconds: Deadline for all of it, in seconds; default: the setting ``shutdown_timeout_seconds``.
            blocking: See ``flush``.

        Returns:
            The report with all counts; the same one again for a further call. ``complete`` is false when items were
            lost or something had not ended at the deadline (``unfinished``). Inside a running event loop a
            ``PendingResult``: await it. Failure code: ``invalid_timeout``.
        """
        default = self.config.shutdown_timeout_seconds
        return _run_or_defer("shutdown()", self._shutdown, timeout_seconds, default, blocking)

    def delete_pushed_metrics(
        self, timeout_seconds: float | None = None, *, blocking: bool = False
    ) -> FlextResult[None]:
        """Delete this process's group from the Pushgateway, also after ``shutdown``.

        Args:
            timeout_seconds: Deadline, in seconds; default: the setting ``flush_timeout_seconds``.
            blocking: See ``flush``.

        Returns:
            Success, also without a group or a Pushgateway. Inside a running event loop a ``PendingResult``: await it.
            Failure codes: ``invalid_timeout``, ``unreachable``, ``timeout``, ``unavailable``,
            ``invalid_response``, ``tls``, ``unauthorized``, ``not_found``, ``rejected``, ``error``.
        """
        work, default = self._session.pipeline.delete_group, self.config.flush_timeout_seconds
        deleted = _run_or_defer("delete_pushed_metrics()", work, timeout_seconds, default, blocking)
        return deleted.flat_map(lambda result: result)

    def __repr__(self) -> str:
        """Return the service name and the state of each signal."""
        states = ", ".join(f"{signal} {status.state}" for signal, status in self.status().items())
        return f"<Observability {mask_secrets(self.config.service_name)}: {states}>"

    def __enter__(self) -> Observability:
        """Return the handle."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Shut down within the default deadline. Ctrl-C ends the wait: what is not sent is counted as lost."""
        try:
            self._shutdown(self.config.shutdown_timeout_seconds)
        except KeyboardInterrupt:
            self._session.abandon()
            if error is None:
                raise KeyboardInterrupt from None  # a new one, as the traceback of the wait concerns no program

    async def __aenter__(self) -> Observability:
        """Return the handle."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Shut down within the default deadline, without blocking the loop."""
        await self.shutdown()

    def _flush(self, timeout_seconds: float) -> FlushReport:
        deadline = time.monotonic() + timeout_seconds
        report = self._session.flush(timeout_seconds)
        notified = self._services.flush(deadline)
        return report if notified else replace(report, complete=False)

    def _shutdown(self, timeout_seconds: float) -> ShutdownReport:
        return active_process().shutdown(self._session, timeout_seconds)


def _run_or_defer(
    operation: str,
    work: Callable[[float], T],
    timeout_seconds: object,
    default: float,
    blocking: bool,  # noqa: FBT001 - of the operation
) -> FlextResult[T]:
    given = default if timeout_seconds is None else timeout_seconds
    limit = plain_number(given)
    if limit is None or not 0 <= limit < threading.TIMEOUT_MAX:
        from flext_observability.values.encoding import preview

        message, fix = f"Invalid timeout {preview(given)}: not a number of seconds", "Pass zero or more seconds"
        return FlextResult[T].fail(message, code="invalid_timeout", fix=fix)
    return settle_blocking(lambda: work(float(limit)), operation, blocking=blocking)
