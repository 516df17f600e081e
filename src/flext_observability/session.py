"""What start-up built → one session: its metrics page, flushes, status and end."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, final

from flext_observability.domain.log_line import say
from flext_observability.domain.report import FlushReport, ShutdownReport, Signal, SignalStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flext_observability.ops_server.server import OpsServer
    from flext_observability.ports import MetricPoint
    from flext_observability.providers.bootstrap import Running

_logger = logging.getLogger("flext_observability")


@final
class Session:
    """One configuration from its start to its end: what runs, the ops server, and the last report."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.server: OpsServer | None = None
        self.report: ShutdownReport | None = None

    def open_page(self) -> None:
        """Serve the metrics page, when an exporter made one."""
        page = next(iter(self.running.exporters.pull.values()), None)
        if page is None:
            return
        from flext_observability.ops_server.app import ops_app
        from flext_observability.ops_server.server import start_server

        config = self.running.config
        app = ops_app(metrics=page.render, health=self._health, status=self._status)
        started = start_server(app, config.prometheus_host, config.prometheus_port)
        if started.success:
            self.server = started.unwrap()
            return
        self.running.exporters.pull.clear()
        problem, _, fix = (started.error or "").partition(": ")
        fix = fix[:1].upper() + fix[1:]
        self.running.notices.degrade("metrics", f"The metrics page is not served: {problem}", fix)

    def tell(self) -> None:
        """Log what degrades a signal from the start, a line each: who never asks for the status learns it too."""
        for notice in self.running.notices.all():
            if notice.degrades:
                say(_logger, f"{notice.signal} degraded: {notice}")

    def flush(self, limit: float) -> FlushReport:
        """Send what waits; see ``Observability.flush``."""
        began = time.monotonic()
        complete = self.running.flush(began + limit)
        return FlushReport(complete, time.monotonic() - began, self.running.ledger.snapshot())

    def end(self, limit: float) -> ShutdownReport:
        """Stop the server, the workers and the exporters, once; say what was lost."""
        if self.report is None:
            began = time.monotonic()
            if self.server is not None:
                self.server.stop()
            self.running.close(began + limit)
            ledger = self.running.ledger.snapshot()
            self.report = ShutdownReport(not ledger.dropped, time.monotonic() - began, ledger)
            if ledger.dropped:
                lost = ", ".join(f"{count} {reason}" for reason, count in sorted(ledger.dropped.items()))
                say(_logger, f"Telemetry was lost: {lost} of {sum(row.finished for row in ledger.exporters)} items")
        return self.report

    def begin_again(self, instance_id: str) -> None:
        """Start afresh in a forked child: the parent keeps its queues, sockets and server."""
        from flext_observability.providers import bootstrap

        before = self.running
        before.abandon()
        self.server = None
        self.running = bootstrap.start(before.settings, instance_id)

    def points(self) -> Sequence[MetricPoint]:
        """Return every metric point of this process at this moment, cumulative."""
        from flext_observability.providers.points import points_of

        meter = self.running.meter
        return [] if meter is None else points_of(meter.for_pages.collect())

    def describe(self) -> dict[Signal, SignalStatus]:
        """Return the status of each signal at this moment."""
        from flext_observability.providers.status import describe

        return describe(self.running)

    def _health(self) -> tuple[bool, dict[str, object]]:
        states = {signal: status.state for signal, status in self.describe().items()}
        return "degraded" not in states.values(), {"signals": states}

    def _status(self) -> dict[str, object]:
        return {signal: asdict(status) for signal, status in self.describe().items()}
