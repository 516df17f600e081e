"""Resolved settings → everything that runs for them: resource, propagators, exporters, metrics, traces, logs.

``start`` reads as the architecture. Nothing here touches what ran before: the caller swaps, then closes the old one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, trace

from flext_observability.domain.report import Signal
from flext_observability.domain.result import FlextResult
from flext_observability.engine.compat import make_logger_provider
from flext_observability.extensions.ports import FlushOnlyExporter
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor, ExportSpanProcessor
from flext_observability.pipeline.export_queue import ExportQueue
from flext_observability.pipeline.export_worker import ExportWorker, Schedule
from flext_observability.pipeline.exporter_state import ExporterState
from flext_observability.pipeline.ledger import Ledger
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader, count_points
from flext_observability.providers.exporting import Exporters, create_exporters, enabled_signals
from flext_observability.providers.global_providers import global_providers
from flext_observability.providers.meter import MetricReaders, meter_key
from flext_observability.providers.notices import Notices
from flext_observability.providers.propagation import install_propagators
from flext_observability.providers.resource import make_resource
from flext_observability.providers.tracer import make_tracers
from flext_observability.runtime.fork_barrier import fork_barrier
from flext_observability.runtime.internal_log import log_warning

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.resolve import ResolvedSettings

MAX_PENDING_DELTAS = 60
MIN_DELETE_SECONDS = 0.1
_logger = logging.getLogger("flext_observability")


@dataclass(slots=True)
class RunningPipeline:
    """Everything that one configuration has running."""

    settings: ResolvedSettings
    resource: Resource
    notices: Notices
    ledger: Ledger
    watch: ExporterState
    exporters: Exporters
    deliveries: list[ExportWorker[Any]] = field(default_factory=list[ExportWorker[Any]])
    meter: MetricReaders | None = None

    @property
    def config(self) -> FlextObservabilityConfig:
        """The resolved settings: every field concrete."""
        return self.settings.config

    def flush(self, deadline: float) -> bool:
        """Send all that was offered until now, all signals and exporters in parallel; whether that was done in time."""
        tickets = [(delivery, delivery.begin_flush()) for delivery in self.deliveries]
        done = [delivery.wait_flushed(ticket, deadline) for delivery, ticket in tickets]
        return all(done)

    def close(self, deadline: float) -> None:
        """Send what is left, all signals and exporters in parallel, and end before ``deadline`` (monotonic seconds)."""
        for delivery in self.deliveries:
            delivery.begin_close(deadline)
        for delivery in self.deliveries:
            delivery.wait_closed(deadline)
        if self.config.push_gateway_delete_at_exit:
            deleted = self.delete_group(max(deadline - time.monotonic(), MIN_DELETE_SECONDS))
            if not deleted.success:
                log_warning(_logger, f"What was pushed is still there: {deleted.error}")

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        """Delete what on-demand exporters keep at their back ends; a failure when that did not go everywhere."""
        keepers = [each for _, each in self.exporters.push["metrics"] if isinstance(each, FlushOnlyExporter)]
        done = [keeper.delete_group(timeout_seconds) for keeper in keepers]
        return next((result for result in done if not result.success), FlextResult[None].ok(None))

    def abandon(self) -> None:
        """Forget all of it in a forked child, where it belongs to the parent."""
        for delivery in self.deliveries:
            delivery.abandon()
        for tally in self.ledger.counters.values():
            tally.reset_lock()


@fork_barrier().section()  # a fork waits for it: it imports, and takes locks that are not ours
def start(settings: ResolvedSettings, instance_id: str, previous: RunningPipeline | None = None) -> RunningPipeline:
    """Build and switch on everything for resolved settings.

    Args:
        settings: Resolved settings, with what resolving them found.
        instance_id: Identity of this process.
        previous: What ran before; its metric totals are kept when the resource is the same.

    Returns:
        What runs now; telemetry flows into it from here on. The previous one still has to be closed.
    """
    notices = Notices(settings.notices)
    resource = make_resource(settings.config, instance_id, notices)
    install_propagators(settings.config, notices)
    exporters = create_exporters(settings, notices)
    running = RunningPipeline(settings, resource, notices, Ledger(), ExporterState(), exporters)
    global_providers().install()
    _start_metrics(running, previous)
    _start_traces(running)
    _start_logs(running)
    return running


def _start_metrics(running: RunningPipeline, previous: RunningPipeline | None) -> None:
    if not enabled_signals(running.config)["metrics"]:
        global_providers().disable("metrics")
        return
    known = previous.meter if previous is not None else None
    pushes = sum(not isinstance(each, FlushOnlyExporter) for _, each in running.exporters.push["metrics"])
    same = known is not None and known.key == meter_key(running.config, running.resource, pushes)
    state = known if known is not None and same else MetricReaders(running.config, running.resource, pushes)
    if global_providers().meters is None:
        foreign = metrics.get_meter_provider()
        if not _adopt(running, "metrics", foreign, "add_metric_reader", [] if same else state.readers()):
            return  # a reader that nobody feeds complains each time that it is read
    elif not same:
        global_providers().set_meter_provider(state.make_provider(running.config, running.resource))
    running.meter = state
    for page in running.exporters.pull.values():
        page.attach(state.cumulative.collect)
    schedule = Schedule(
        interval_seconds=running.config.metric_export_interval_seconds,
        request_timeout_seconds=running.config.metric_export_timeout_seconds,
        max_batch=MAX_PENDING_DELTAS,
        periodic=True,
    )
    for delivery in _deliveries(running, "metrics", schedule, MAX_PENDING_DELTAS, _states(running, state, pushes)):
        delivery.start()


def _states(running: RunningPipeline, state: MetricReaders, pushes: int) -> Iterator[SharedMetricReader]:
    """Yield the state that each push exporter reads: totals for on-demand ones, else what the settings prefer."""
    preferred = iter(state.for_push(pushes))
    for _, exporter in running.exporters.push["metrics"]:
        yield state.cumulative if isinstance(exporter, FlushOnlyExporter) else next(preferred)


def _start_traces(running: RunningPipeline) -> None:
    config = running.config
    if not enabled_signals(config)["traces"]:
        global_providers().disable("traces")
        return
    schedule = Schedule(
        interval_seconds=config.traces_schedule_delay_seconds,
        request_timeout_seconds=config.traces_export_timeout_seconds,
        max_batch=min(config.traces_max_export_batch_size, config.traces_max_queue_size),
    )
    tally = running.ledger.counters["traces"]
    intake = ExportSpanProcessor(tally, _deliveries(running, "traces", schedule, config.traces_max_queue_size))
    if global_providers().tracers is None:
        _adopt(running, "traces", trace.get_tracer_provider(), "add_span_processor", [intake])
        return
    tracers = make_tracers(config, running.resource, intake, tally, running.notices)
    global_providers().set_tracer_provider(tracers.provider, tracers.for_service)


def _start_logs(running: RunningPipeline) -> None:
    config = running.config
    if not enabled_signals(config)["logs"]:
        global_providers().disable("logs")
        return
    schedule = Schedule(
        interval_seconds=config.logs_schedule_delay_seconds,
        request_timeout_seconds=config.logs_export_timeout_seconds,
        max_batch=min(config.logs_max_export_batch_size, config.logs_max_queue_size),
    )
    deliveries = _deliveries(running, "logs", schedule, config.logs_max_queue_size)
    intake = ExportLogRecordProcessor(running.ledger.counters["logs"], deliveries)
    if global_providers().loggers is None:
        _adopt(running, "logs", _logs.get_logger_provider(), "add_log_record_processor", [intake])
        return
    provider = make_logger_provider(
        running.resource, config.logrecord_attribute_count_limit, config.logrecord_attribute_value_length_limit
    )
    provider.add_log_record_processor(intake)
    global_providers().set_logger_provider(provider)


def _deliveries(
    running: RunningPipeline,
    signal: Signal,
    schedule: Schedule,
    queue_size: int,
    states: Iterable[SharedMetricReader] = (),
) -> list[ExportWorker[Any]]:
    """Make one queue and worker for each push exporter of the signal."""
    totals = running.meter.cumulative if running.meter is not None else None
    made: list[ExportWorker[Any]] = []
    for (name, exporter), state in zip_longest(running.exporters.push[signal], states):
        delivery: ExportWorker[Any] = ExportWorker(
            name=name,
            signal=signal,
            exporter=exporter,
            queue=ExportQueue[Any](signal, name, queue_size, count_points if state else None),
            schedule=replace(schedule, periodic=False) if isinstance(exporter, FlushOnlyExporter) else schedule,
            state=running.watch,
            collect=state.collect_for_push if state else None,
            cumulative=state is totals,
        )
        running.ledger.add(delivery.counts)
        made.append(delivery)
    running.deliveries.extend(made)
    return made


def _adopt(running: RunningPipeline, signal: Signal, provider: object, method: str, parts: Sequence[object]) -> bool:
    """Add our parts to a provider that somebody else installed, by its own public method; whether it takes them."""
    kind = f"{type(provider).__module__}.{type(provider).__qualname__}"
    try:
        for part in parts:
            getattr(provider, method)(part)
    except Exception as error:  # noqa: BLE001 — it has no such method, or its code fails
        running.notices.degrade(
            signal,
            f"{kind} was installed first and takes no exporters from us ({error}): nothing is sent for {signal}",
            "Call init_observability before the other library, or give it an OpenTelemetry SDK provider",
        )
        return False
    running.notices.warn(
        signal,
        f"{kind} was installed first and is used: its resource, sampler, limits and id generator are not ours",
        "Call init_observability before the other library to use these settings",
    )
    return True
