"""Push exporters of one signal → their workers, with queue, spool and the health of their address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from flext_observability.extensions.ports import FlushOnlyExporter, IdentifiedExporter
from flext_observability.pipeline.endpoint_health import EndpointHealth
from flext_observability.pipeline.export_queue import ExportQueue, LatestByKey
from flext_observability.pipeline.export_worker import ExportWorker
from flext_observability.pipeline.shared_metric_reader import SharedMetricReader, count_points
from flext_observability.providers.spool import spooled_exporter, worker_spool

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.domain.report import Signal
    from flext_observability.extensions.ports import SignalExporter
    from flext_observability.pipeline.schedule import Schedule
    from flext_observability.pipeline.spool.session import SpoolSession
    from flext_observability.pipeline.spool.worker_spool import WorkerSpool
    from flext_observability.providers.bootstrap import Pipeline
    from flext_observability.providers.operation_durations import OperationDurations

_WORKER_PREFIX: Final = "flext-"


class Outlets:
    """What the workers of all signals share.

    Attributes:
        spool: The spool; None if it is off.
        of_spans: What the workers of spans have of it.
    """

    __slots__ = ("_endpoints", "of_spans", "spool")

    def __init__(self, spool: SpoolSession | None) -> None:
        self.spool = spool
        self.of_spans: list[WorkerSpool[Any]] = []
        self._endpoints: dict[tuple[str, int], EndpointHealth] = {}

    def endpoint(self, exporter: SignalExporter[Any]) -> EndpointHealth | None:
        """Return the health of the address of an exporter; None if it has none."""
        if not isinstance(exporter, IdentifiedExporter):
            return None
        _, host, port = exporter.identity
        return self._endpoints.setdefault((host, port), EndpointHealth())

    def add(self, signal: Signal, spool: WorkerSpool[Any] | None, kick: Callable[[], object]) -> None:
        """Add a worker.

        Args:
            signal: Its signal.
            spool: What it has of the spool.
            kick: Starts it if there are stored requests for it.
        """
        if self.spool is not None:
            self.spool.add(kick)
        if signal == "traces" and spool is not None:
            self.of_spans.append(spool)


def create_workers(
    pipeline: Pipeline,
    signal: Signal,
    schedule: Schedule,
    queue_size: int,
    readers: Iterable[SharedMetricReader] = (),
) -> list[ExportWorker[Any]]:
    """Create a worker with a queue for each push exporter of the signal."""
    totals = pipeline.readers.cumulative if pipeline.readers is not None else None
    outlets, durations, redaction = pipeline.outlets, pipeline.durations, pipeline.redaction
    config = pipeline.config
    max_bytes = {"traces": config.traces_max_queue_bytes, "logs": config.logs_max_queue_bytes}.get(signal)
    workers: list[ExportWorker[Any]] = []
    for (name, number, plain), reader in zip_longest(pipeline.exporters.numbered(signal), readers):
        exporter = spooled_exporter(outlets.spool, signal, plain)
        cumulative = reader is not None and reader is totals
        policy = LatestByKey[Any](lambda _: "totals") if cumulative else None
        timed = exporter if durations is None else durations.exporter(signal, name, number, exporter)
        spool = worker_spool(
            *(outlets.spool, signal, name, exporter, partial(redaction.batch, signal)),
            while_down=config.spool_while_down,
        )
        worker: ExportWorker[Any] = ExportWorker(
            name=f"{_WORKER_PREFIX}{signal}-{name}",
            exporter=redaction.exporter(signal, timed),
            queue=ExportQueue[Any](queue_size, count_points if reader else None, policy, max_bytes),
            schedule=schedule._replace(periodic=schedule.periodic and not is_flush_only(exporter)),
            report=partial(pipeline.exporter_state.record, name, signal),
            collect=_collection(reader, durations, number) if reader else None,
            endpoint=outlets.endpoint(exporter),
            spool=spool,
        )
        outlets.add(signal, spool, worker.kick)
        pipeline.ledger.add(signal, name, worker.counts)
        workers.append(worker)
    pipeline.workers.extend(workers)
    return workers


def is_flush_only(exporter: object) -> bool:
    """Return whether an exporter of metrics is used at flushes alone."""
    return isinstance(exporter, FlushOnlyExporter)


def signal_and_name(worker_name: str) -> tuple[str, str]:
    """Return the signal and the exporter of a worker."""
    signal, _, name = worker_name.removeprefix(_WORKER_PREFIX).partition("-")
    return signal, name


def _collection(
    reader: SharedMetricReader, durations: OperationDurations | None, number: int
) -> Callable[[], MetricsData | None]:
    collect = reader.collect_for_push
    return collect if durations is None else durations.periodic(collect, number)
