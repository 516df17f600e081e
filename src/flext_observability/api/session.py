"""One configuration from its start to its shutdown: ops server, flushes, status, shutdown report."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import FlushReport, ShutdownReport, TelemetryStatus
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.shared_work import SharedWork
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flext_observability.api.integrations import Integrations
    from flext_observability.api.ops_turn import OpsTurn
    from flext_observability.api.service_group import ServiceGroup
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.extensions.ports import PullExporter
    from flext_observability.ops_server.auth import Credentials
    from flext_observability.ops_server.pages import OpsPages
    from flext_observability.ops_server.server import OpsServer
    from flext_observability.providers.bootstrap import Pipeline
    from flext_observability.views.model import MetricView

STOP_SECONDS: Final = 0.2
"""Time for the ops server, also after the deadline."""
_logger = logging.getLogger("flext_observability")


@final
class Session:
    """The pipeline of one configuration, its ops server, and the report of its shutdown.

    Attributes:
        pipeline: The running parts.
        server: The server of the ops pages; None for none.
        integrations: What the shutdown of the active session disconnects; None for other sessions.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        from flext_observability.providers.status import signal_statuses  # now: without file descriptors it fails later

        self.pipeline = pipeline
        self._statuses = signal_statuses
        self.server: OpsServer | None = None
        self.integrations: Integrations | None = None
        self._ending = SharedWork[ShutdownReport]()
        self._pull_exporter: PullExporter | None = None
        self._turn: OpsTurn | None = None

    @property
    def report(self) -> ShutdownReport | None:
        """The report of the shutdown; None until its end."""
        return self._ending.result

    def start_ops_server(self, services: ServiceGroup) -> None:
        """Serve the ops pages if a pull exporter is configured."""
        if not self.pipeline.exporters.pull:
            return
        from flext_observability.ops_server.apps import wsgi_app
        from flext_observability.ops_server.server import start_server

        config, page = self.pipeline.config, self.pipeline.page
        pages = self.pages(services)
        start = partial(start_server, wsgi_app(pages), config.prometheus_host, config.prometheus_port, pages)
        lock = None if page is None else page.port_lock(config.prometheus_port)
        if lock is None:
            self._use_server(start())
            return
        from flext_observability.api.ops_turn import OpsTurn

        self._turn = OpsTurn(lock, start, self._use_server)
        self._turn.begin()

    def _use_server(self, started: FlextResult[OpsServer]) -> None:
        if started.success:
            self.server = started.unwrap()
            warning = self.server.exposure_warning(self.credentials())
            if warning is not None:
                self.pipeline.notices.warn("metrics", *warning)
            return
        self.pipeline.drop_pull_exporters()
        self.pipeline.notices.degrade("metrics", f"The metrics page is not served: {started.message}", started.fix)

    def share_page(self, *, wanted: bool) -> None:
        """Share the metrics page with the other processes of the program.

        Args:
            wanted: Whether the program has a page without a pull exporter.
        """
        from flext_observability.providers.shared_page import share_page

        share_page(self.pipeline.page, wanted=wanted or bool(self.pipeline.exporters.pull))

    def log_degraded(self) -> None:
        """Log one line per degraded signal at start-up."""
        for notice in self.pipeline.notices.all():
            if notice.degrades:
                log_warning(_logger, f"{notice.signal} degraded: {notice}")

    def flush(self, timeout_seconds: float) -> FlushReport:
        """Send the queued items; see ``Observability.flush``."""
        began = time.monotonic()
        complete = self.pipeline.flush(began + timeout_seconds)
        return FlushReport(complete, time.monotonic() - began, self.pipeline.ledger.snapshot())

    def shutdown(self, timeout_seconds: float, signal: str = "") -> ShutdownReport:
        """Stop the server, the workers and the exporters, and log the number of lost items. Idempotent.

        Thread-safe. A caller whose deadline comes before the end gets a report of that moment.

        Args:
            timeout_seconds: Time for all of it.
            signal: Name of the signal that ends the process; empty for none.
        """
        began = time.monotonic()
        deadline = began + timeout_seconds
        report = self._ending.do(lambda: self._end(began, deadline, signal), deadline)
        return report or self._make_report(began, ("the shutdown, which another thread began",))

    def wait(self, deadline: float) -> None:
        """Wait for a shutdown in progress, at most until ``deadline`` (monotonic seconds)."""
        self._ending.wait(deadline)

    def abandon(self) -> None:
        """Count what is not sent as lost, and log it. Does not wait."""
        if self.report is None:
            self.pipeline.drop_queued()
            self._conclude(time.monotonic(), ())

    def restart(self, instance_id: str) -> None:
        """Start the configuration again in a forked child; queues, sockets and server stay with the parent."""
        from flext_observability.providers import bootstrap

        inherited = self.pipeline
        inherited.abandon()
        self.server = self._pull_exporter = None
        self._end_turn()
        page = inherited.page
        self.pipeline = bootstrap.start(inherited.settings, instance_id, root=None if page is None else page.root)
        self.share_page(wanted=page is not None and page.wanted)

    def _end(self, began: float, deadline: float, signal: str) -> ShutdownReport:
        """End all parts; repeatable. Foreign code runs on threads of its own."""
        self._end_turn()
        server, integrations, unfinished = self.server, self.integrations, list[str]()
        try:
            self._end_spans(signal, deadline)
            if integrations is not None:
                integrations.begin_detach(deadline)
            stopping = None if server is None else BoundedCall("stopping the ops server", server.stop)
            unfinished += self.pipeline.close(deadline)
            if integrations is not None:
                unfinished += integrations.end_detach(deadline)
            if stopping is not None and not stopping.wait(max(deadline, time.monotonic() + STOP_SECONDS)):
                unfinished.append(stopping.what)
        except BaseException as error:  # noqa: BLE001 - the caller gets a report in any case
            reraise_interrupt(error)
            unfinished.append(report_once("Shutting down", error))
        return self._conclude(began, tuple(unfinished))

    def _end_spans(self, signal: str, deadline: float) -> None:
        """End the open spans, and log the names of those that the program has not ended."""
        from flext_observability.pipeline.unfinished_spans import Ending, describe_names

        ending = Ending("aborted", signal) if signal else Ending("abandoned")
        spans = self.pipeline.spans
        ended = None if spans is None else spans.end_spans(ending, deadline)
        if ended and not signal:
            log_warning(
                _logger,
                f"Open spans are exported as abandoned: {describe_names(ended)}. "
                "End each span before the program ends, for example by with traced(...).",
            )

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.end()

    def _conclude(self, began: float, unfinished: tuple[str, ...]) -> ShutdownReport:
        """Settle the report and log losses, once."""
        report = self._make_report(began, unfinished)
        if self._ending.settle(report):
            if report.dropped:
                log_warning(_logger, f"Telemetry was lost: {', '.join(report.ledger.losses)}")
            if unfinished:
                log_warning(_logger, f"The shutdown did not end in time: {', '.join(unfinished)}")
        return report

    def _make_report(self, began: float, unfinished: tuple[str, ...]) -> ShutdownReport:
        ledger = self.pipeline.ledger.snapshot()
        return ShutdownReport(
            not (ledger.dropped or unfinished), time.monotonic() - began, ledger, unfinished=unfinished
        )

    def metric_points(self) -> Sequence[MetricView]:
        """Return the cumulative value of every series at this moment."""
        from flext_observability.views.from_sdk import metric_views

        readers = self.pipeline.readers
        return () if readers is None else tuple(metric_views(readers.cumulative.collect()))

    def status(self) -> TelemetryStatus:
        """Return the status of each signal at this moment."""
        return TelemetryStatus(self._statuses(self.pipeline), self.pipeline.overhead, self.pipeline.redaction.report())

    def pages(self, services: ServiceGroup) -> OpsPages:
        """Return the ops pages of this session."""
        from flext_observability.ops_server.pages import OpsPages

        return OpsPages(
            metrics=self._metrics_page,
            health=partial(_overall, services),
            known_health=partial(_known_health, services),
            status=lambda: FlextResult.ok(self._status_page(services)),
            credentials=self.credentials,
            allowed_hosts=lambda: self.pipeline.config.ops_allowed_hosts,
            save=self.pipeline.save_page,
        )

    def credentials(self) -> Credentials:
        """Return the credentials that the settings require for the ops pages."""
        from flext_observability.ops_server.auth import Credentials

        config = self.pipeline.config
        return Credentials(config.ops_token, config.ops_username, config.ops_password)

    def _metrics_page(self, accept: str) -> FlextResult[tuple[bytes, str]]:
        readers = self.pipeline.readers
        if readers is None:
            fix = "See the status of the signal metrics"
            return FlextResult[tuple[bytes, str]].fail("Metrics are off", code="metrics_off", fix=fix)
        exporter = self._pull_exporter or next(iter(self.pipeline.exporters.pull.values()), None)
        if exporter is None:
            from flext_observability.exporters.prometheus.page import create_exporter

            exporter = create_exporter("metrics", self.pipeline.config)
            exporter.attach(self.pipeline.collect)
        self._pull_exporter = exporter
        from flext_observability.pipeline.shared_metric_reader import CollectionTimeout

        try:
            return FlextResult[tuple[bytes, str]].ok(exporter.render(accept))
        except CollectionTimeout as timeout:
            message, fix = f"Metrics are not available: {timeout}", "See the status of the signal metrics"
            return FlextResult[tuple[bytes, str]].fail(message, code="collection_timeout", fix=fix)

    def _status_page(self, services: ServiceGroup) -> Mapping[str, object]:
        from flext_observability import __version__
        from flext_observability.extensions.plugins.hooks import plugin_hooks
        from flext_observability.ops_server.serialization import check_to_dict, settings_to_dict

        settings, status = self.pipeline.settings, self.status()
        return {
            "version": __version__,
            "resource": dict(self.pipeline.resource.attributes),
            "signals": status,
            "overhead": status.overhead,
            "redaction": status.redaction,
            "shared_metrics": {} if self.pipeline.page is None else self.pipeline.page.to_dict(),
            "health": {check.name: check_to_dict(check) for check in services.health.checks().unwrap_or(())},
            "notifiers": services.alerts.notifiers().unwrap_or(()),
            "rules": services.alerts.rule_states().unwrap_or(()),
            "plugins": plugin_hooks().status(),
            "settings": settings_to_dict(settings.config, settings.sources),
        }


def _overall(services: ServiceGroup, probe: str | None) -> FlextResult[FlextHealthReport]:
    """Return the overall health; the health service is created on first use.

    Blocking: a WSGI page may be called in the thread of an event loop.
    """
    return services.health.overall(probe, blocking=True)


def _known_health(services: ServiceGroup, probe: str | None) -> FlextResult[FlextHealthReport]:
    """Return the health by the latest results. Never waits, also while services are configured."""
    health = services.existing_health
    if health is None:
        from flext_observability.domain.health_report import FlextHealthReport

        return FlextResult.ok(FlextHealthReport("healthy"))
    return health.known_overall(probe)
