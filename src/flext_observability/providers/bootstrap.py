"""Resolved settings → running ``Pipeline``: resource, propagators, exporters, metrics, traces, logs.

``start`` builds everything first, and then directs telemetry to it: if it raises, the previous pipeline is in use as
before. It leaves the previous pipeline running. The caller closes it afterwards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, trace

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.ports import FlushOnlyExporter
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor, ExportSpanProcessor, flush_workers
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.exporter_state import ExporterState
from flext_observability.pipeline.ledger import Ledger
from flext_observability.pipeline.schedule import Schedule
from flext_observability.pipeline.shared_metric_reader import no_metrics
from flext_observability.providers import self_observation
from flext_observability.providers.adoption import adopt
from flext_observability.providers.exporters import Exporters, create_exporters, enabled_signals
from flext_observability.providers.global_providers import global_providers
from flext_observability.providers.logger import make_loggers
from flext_observability.providers.meter import MetricReaders, is_lean, make_provider, meter_key
from flext_observability.providers.notices import Notices
from flext_observability.providers.propagation import install_propagators
from flext_observability.providers.redaction import make_redaction
from flext_observability.providers.resource import make_resource
from flext_observability.providers.shared_page import make_shared_page
from flext_observability.providers.span_snapshots import begin_snapshots, end_snapshots
from flext_observability.providers.spool import make_spool
from flext_observability.providers.tracer import ServiceTracers, direct_spans, make_sampler
from flext_observability.providers.workers import Outlets, create_workers, signal_and_name
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.fork_barrier import MAX_LOCAL_SECONDS, fork_barrier
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.thread_cpu import cpu_clock
from flext_observability.values.dataclass import dataclass
from flext_observability.values.exceptions import describe_error
from flext_observability.values.shortage import check_files

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

    from flext_observability.domain.overhead import Overhead
    from flext_observability.pipeline.redaction.redaction import Redaction
    from flext_observability.pipeline.shared_page.page import SharedPage
    from flext_observability.pipeline.span_snapshots import SpanSnapshots
    from flext_observability.providers.meter import AnyMeterProvider
    from flext_observability.providers.operation_durations import OperationDurations
    from flext_observability.providers.overhead import OverheadMeter
    from flext_observability.providers.overhead_budget import OverheadBudget
    from flext_observability.runtime.process_family import ProcessIdentity
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.settings.resolve import ResolvedSettings

MAX_PENDING_DELTAS = 60
MIN_DELETE_SECONDS = 0.1
MIN_CLOSE_SECONDS = 0.1
_logger = logging.getLogger("flext_observability")


@dataclass(slots=True, repr=False, eq=False)
class Pipeline:
    """Running parts of one configuration: exporters, their workers, and the metric readers."""

    settings: ResolvedSettings
    resource: Resource
    notices: Notices
    ledger: Ledger
    exporter_state: ExporterState
    exporters: Exporters
    redaction: Redaction
    workers: list[ExportWorker[Any]]
    began: tuple[float, float, float]
    outlets: Outlets
    readers: MetricReaders | None = None
    page: SharedPage | None = None
    durations: OperationDurations | None = None
    tracers: ServiceTracers | None = None
    spans: ExportSpanProcessor | None = None
    snapshots: SpanSnapshots | None = None
    budget: OverheadBudget | None = None
    overhead_meter: OverheadMeter | None = None

    @property
    def config(self) -> FlextObservabilityConfig:
        """Resolved configuration."""
        return self.settings.config

    def overhead(self) -> Overhead:
        """Return the cost of the telemetry at this moment."""
        return replace(self.meter().measure(), budget=None if self.budget is None else self.budget.report())

    def meter(self) -> OverheadMeter:
        """Return the measure of the cost, which few programs read."""
        if self.overhead_meter is None:
            from flext_observability.providers.overhead import OverheadMeter

            self.overhead_meter = OverheadMeter(self.ledger, self.config.engine, self.workers, self.began)
        return self.overhead_meter

    def collect(self) -> MetricsData:
        """Return the points of the page: those of all processes that share it."""
        return (self._collect if self.durations is None else self.durations.page(self._collect))()

    def _collect(self) -> MetricsData:
        if self.page is not None:
            return self.page.collect()
        return no_metrics() if self.readers is None else self.readers.cumulative.collect()

    def save_page(self) -> None:
        """Save the metrics of this process for the other ones. Never raises."""
        if self.page is not None:
            self.page.write()

    def flush(self, deadline: float) -> bool:
        """Export all queued items in parallel; return whether all were sent before ``deadline`` (monotonic seconds)."""
        self.save_page()
        return flush_workers(self.workers, deadline)

    def close(self, deadline: float) -> tuple[str, ...]:
        """Export all queued items in parallel, and stop before ``deadline`` (monotonic seconds).

        Returns:
            What had not ended by then: "closing the exporter x of traces".
        """
        for worker in self.workers:
            worker.begin_close(deadline)
        if self.page is not None:
            self.page.release()
        hung = [worker.name for worker in self.workers if not worker.wait_closed(deadline)]
        unfinished = [f"closing the exporter {name} of {signal}" for signal, name in map(signal_and_name, hung)]
        unfinished += self._close_readers(deadline)
        end_snapshots(self)
        if self.outlets.spool is not None:
            self.outlets.spool.close()
        self_observation.release(self.ledger, self.config)
        if self.config.push_gateway_delete_at_exit:
            deleted = self.delete_group(max(deadline - time.monotonic(), MIN_DELETE_SECONDS))
            if not deleted.success:
                log_warning(_logger, f"Pushed metrics are not deleted: {deleted.error}")
        return tuple(unfinished)

    def drop_queued(self) -> None:
        """Drop the items that are not sent yet, and wait for nothing."""
        for worker in self.workers:
            worker.drop_queued()

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        """Delete pushed metrics from the back ends of flush-only exporters, and return the first failure."""
        deadline = time.monotonic() + timeout_seconds + MIN_DELETE_SECONDS
        calls = [
            BoundedCall(f"deleting the metrics pushed by {name}", partial(exporter.delete_group, timeout_seconds))
            for name, exporter in self.exporters.push["metrics"]
            if isinstance(exporter, FlushOnlyExporter)
        ]
        results = [_deletion(call, deadline) for call in calls]
        return next((result for result in results if not result.success), FlextResult[None].ok(None))

    def abandon(self) -> None:
        """Stop without export in a forked child: the queued items belong to the parent process."""
        for worker in self.workers:
            worker.abandon()
        if self.page is not None:
            self.page.abandon()
        self_observation.release(self.ledger, self.config)
        self._close_readers()

    def discard(self) -> None:
        """Close the exporters of a pipeline that is not used, without sending."""
        pushes = [each for exporters in self.exporters.push.values() for each in exporters]
        calls = [BoundedCall(f"closing the exporter {name}", exporter.close) for name, exporter in pushes]
        self._close_readers()
        deadline = time.monotonic() + MIN_CLOSE_SECONDS
        for call in calls:
            call.wait(deadline)

    def drop_pull_exporters(self) -> None:
        """Remove the pull exporters, whose page cannot be served."""
        self._close_readers()
        self.exporters.pull.clear()

    def _close_readers(self, deadline: float = 0.0) -> list[str]:
        """Close the readers of other packages, and return what has not ended by ``deadline`` or shortly after."""
        calls = [BoundedCall("closing a metric reader", each.close) for each in self.exporters.readers()]
        limit = max(deadline, time.monotonic() + MIN_CLOSE_SECONDS)
        unfinished = [call.what for call in calls if not call.wait(limit)]
        for call in calls:
            if call.error is not None:
                report_once("Closing a metric reader", call.error)
        return unfinished


def _deletion(call: BoundedCall[FlextResult[None]], deadline: float) -> FlextResult[None]:
    if call.wait(deadline) and call.value is not None:
        return call.value
    reason = "it has not ended in time" if call.error is None else describe_error(call.error)
    code, fix = "timeout" if call.error is None else "error", "Report this to the author of the exporter"
    what = call.what.removeprefix("deleting ")
    return FlextResult[None].fail(f"Deleting {what} failed: {reason}", code=code, fix=fix)


def start(
    settings: ResolvedSettings,
    instance_id: str,
    previous: Pipeline | None = None,
    root: ProcessIdentity | None = None,
) -> Pipeline:
    """Create all parts for resolved settings, and direct telemetry to them.

    Args:
        settings: Resolved settings with their notices.
        instance_id: Identity of this process.
        previous: Pipeline in use until now. Its metric totals are kept if resource and metric settings are the same.
        root: Process that started the program, if it is known.

    Returns:
        The new pipeline. The caller closes the previous one.
    """
    config, notices = settings.config, Notices(settings.notices)
    is_enabled = enabled_signals(config)
    disabled: list[Signal] = [signal for signal in SIGNALS if not is_enabled[signal]]
    if previous is not None:
        check_files()  # a configuration that works is not replaced by one that cannot open its files
    with fork_barrier().section(MAX_LOCAL_SECONDS):  # it imports modules and acquires locks of other libraries
        resource = make_resource(config, instance_id, notices)
        exporters, redaction = create_exporters(settings, notices), make_redaction(config, notices)
        ledger, workers, outlets = Ledger(), list[ExportWorker[Any]](), Outlets(make_spool(config))
        state, clock = ExporterState(), cpu_clock()
        pipeline = Pipeline(settings, resource, notices, ledger, state, exporters, redaction, workers, clock, outlets)
        pipeline.durations = self_observation.operation_durations(config)
        try:
            global_providers().install()
            builds: dict[Signal, Callable[[], Callable[[], object]]] = {
                "metrics": partial(_build_metrics, pipeline, previous, root),
                "traces": partial(_build_traces, pipeline, previous),
                "logs": partial(_build_logs, pipeline),
            }
            steps = [build() for signal, build in builds.items() if signal not in disabled]
            install_propagators(config, notices, redaction.pair)
        except BaseException:
            pipeline.discard()
            raise
        global_providers().disable(*disabled)
        for direct in steps:
            direct()
        _observe(pipeline)
        return pipeline


def _observe(pipeline: Pipeline) -> None:
    """Keep the budget, export metrics about the pipeline, and find what ended processes left, as the settings say."""
    if pipeline.outlets.spool is not None:
        pipeline.outlets.spool.check()
    config, ledger = pipeline.config, pipeline.ledger
    pipeline.budget = self_observation.begin_budget(config, pipeline.meter, ledger, pipeline.tracers)
    self_observation.begin_self_metrics(config, ledger, pipeline.exporters, pipeline.overhead)
    begin_snapshots(pipeline)


def _build_metrics(pipeline: Pipeline, previous: Pipeline | None, root: ProcessIdentity | None) -> Callable[[], object]:
    """Build the provider; return the function that directs metrics to it."""
    config, delegate = pipeline.config, global_providers().meters
    push_count = sum(not isinstance(each, FlushOnlyExporter) for _, each in pipeline.exporters.push["metrics"])
    readers = previous.readers if previous is not None else None
    is_kept = readers is not None and readers.key == meter_key(config, pipeline.resource, push_count)
    provider: AnyMeterProvider | None = None
    if readers is None or not is_kept:
        foreign = pipeline.exporters.metric_readers(pipeline.notices)
        lean = delegate is not None and is_lean(config, foreign, pipeline.notices)
        readers = MetricReaders(config, pipeline.resource, push_count, foreign, pipeline.redaction, lean=lean)
        if delegate is not None:
            readers, provider = make_provider(config, pipeline.resource, readers, push_count, pipeline.notices)
    pipeline.exporters.load_points()
    former = previous.page if previous is not None and is_kept else None
    pipeline.page = make_shared_page(config, readers.cumulative, root, former)
    return partial(_direct_metrics, pipeline, readers, provider, is_kept=is_kept)


def _direct_metrics(
    pipeline: Pipeline, readers: MetricReaders, provider: AnyMeterProvider | None, *, is_kept: bool
) -> None:
    config, delegate = pipeline.config, global_providers().meters
    if delegate is None:
        foreign = metrics.get_meter_provider()
        if not adopt(pipeline.notices, "metrics", foreign, "add_metric_reader", [] if is_kept else readers.readers()):
            pipeline.page = None
            return  # the SDK logs a warning at each collection of an unregistered reader
    elif provider is not None:
        delegate.set_delegate(provider)
    pipeline.readers = readers
    if pipeline.page is not None:
        pipeline.page.retain()
    pipeline.exporters.attach(pipeline.collect, pipeline.notices)
    schedule = Schedule(
        interval_seconds=config.metric_export_interval_seconds,
        request_timeout_seconds=config.metric_export_timeout_seconds,
        max_batch=MAX_PENDING_DELTAS,
        periodic=True,
    )
    push_readers = readers.for_push(exporter for _, exporter in pipeline.exporters.push["metrics"])
    workers = create_workers(pipeline, "metrics", schedule, MAX_PENDING_DELTAS, push_readers)
    for worker in workers:
        worker.start()
    if delegate is not None:
        delegate.flush = partial(flush_workers, workers)


def _build_traces(pipeline: Pipeline, previous: Pipeline | None) -> Callable[[], object]:
    """Build the provider; return the function that directs spans to it."""
    config, delegate = pipeline.config, global_providers().tracers
    schedule = Schedule(
        interval_seconds=config.traces_schedule_delay_seconds,
        request_timeout_seconds=config.traces_export_timeout_seconds,
        max_batch=min(config.traces_max_export_batch_size, config.traces_max_queue_size),
    )
    counter = pipeline.ledger.counters["traces"]
    workers = create_workers(pipeline, "traces", schedule, config.traces_max_queue_size)
    pipeline.spans = processor = ExportSpanProcessor(counter, workers)
    direct: Callable[[], object]
    if delegate is None:
        foreign = trace.get_tracer_provider()
        direct = partial(adopt, pipeline.notices, "traces", foreign, "add_span_processor", [processor])
    else:
        sampler = make_sampler(config, pipeline.notices)
        tracers = ServiceTracers(config, pipeline.resource, sampler, processor, counter, pipeline.notices)
        pipeline.tracers = tracers
        add = pipeline.redaction.adding("traces", tracers.add_span_processor)
        direct = partial(delegate.set_delegate, tracers.provider, tracers.for_service, add)
    return partial(direct_spans, partial(_direct, direct, workers), processor, previous)


def _build_logs(pipeline: Pipeline) -> Callable[[], object]:
    """Build the provider; return the function that directs log records to it."""
    config, delegate = pipeline.config, global_providers().loggers
    schedule = Schedule(
        interval_seconds=config.logs_schedule_delay_seconds,
        request_timeout_seconds=config.logs_export_timeout_seconds,
        max_batch=min(config.logs_max_export_batch_size, config.logs_max_queue_size),
    )
    workers = create_workers(pipeline, "logs", schedule, config.logs_max_queue_size)
    processor = ExportLogRecordProcessor(pipeline.ledger.counters["logs"], workers)
    direct: Callable[[], object]
    if delegate is None:
        foreign = _logs.get_logger_provider()
        direct = partial(adopt, pipeline.notices, "logs", foreign, "add_log_record_processor", [processor])
    else:
        provider = make_loggers(config, pipeline.resource, processor)
        add = pipeline.redaction.adding("logs", provider.add_log_record_processor)
        direct = partial(delegate.set_delegate, provider, add)
    return partial(_direct, direct, workers)


def _direct(direct: Callable[[], object], workers: Iterable[ExportWorker[Any]]) -> None:
    """Direct telemetry to workers; start those whose exporters have modules to load, others start with an item."""
    direct()
    for worker in workers:
        if worker.needs_load:
            worker.start()
