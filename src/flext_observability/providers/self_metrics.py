"""Ledger of the running pipeline → metrics about the telemetry itself, under OpenTelemetry's names.

The instruments are observable: they cost nothing until a collection, which reads the counts that exist anyway.

Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, final

from opentelemetry.metrics import Observation, get_meter

from flext_observability.domain.report import ExporterCounts, LedgerSnapshot, Signal
from flext_observability.pipeline.timed_calls import Attributes
from flext_observability.providers.operation_durations import processor_attributes
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.runtime.thread_cpu import thread_cpu
from flext_observability.values.named_tuple import NamedTuple
from flext_observability.values.names import SCOPE_NAME

if TYPE_CHECKING:
    from flext_observability.domain.overhead import Overhead
    from flext_observability.pipeline.ledger import Ledger

CPU_TIME_NAME: Final = "flext.self.cpu.time"
CPU_RATIO_NAME: Final = "flext.self.cpu.ratio"
ITEM_TIME_NAME: Final = "flext.self.item.cpu.time"
LEVEL_NAME: Final = "flext.self.overhead.level"
SHED_NAME: Final = "flext.self.overhead.shed"
_SIGNAL: Final = "flext.signal"
_KIND: Final = "flext.shed.kind"
_ITEMS: Final[Mapping[Signal, str]] = {"traces": "span", "logs": "log", "metrics": "metric_data_point"}
_UNITS: Final[Mapping[Signal, str]] = {"traces": "{span}", "logs": "{log_record}", "metrics": "{data_point}"}
_STARTED: Final[Mapping[str, Signal]] = {"otel.sdk.span.started": "traces", "otel.sdk.log.created": "logs"}
_BEFORE_EXPORT: Final = frozenset({"queue_full", "queue_bytes", "after_shutdown", "shutdown_deadline"})
"""Reasons of a loss before an attempt to export."""
_ERRORS: Final[Mapping[str, str]] = {"after_shutdown": "already_shutdown"}
"""Reasons of a loss → their names in the semantic conventions."""
RESULT: Final = "otel.span.sampling_result"


class Source(NamedTuple):
    """The counts of one configuration.

    Attributes:
        ledger: All counts.
        capacities: Maximum number of queued items of each exporter of a signal.
        overhead: Returns the cost of the telemetry.
        exporters: Attributes of the exporters of a signal.
        samples_all_recorded: Whether each recorded span is sampled, as with every built-in sampler.
    """

    ledger: Ledger
    capacities: Mapping[Signal, int]
    overhead: Callable[[], Overhead]
    exporters: Mapping[Signal, Sequence[Attributes]]
    samples_all_recorded: bool


class _Row(NamedTuple):
    """The counts of one exporter, and the attributes of its processor and exporter."""

    counts: ExporterCounts
    processor: Attributes
    exporter: Attributes


Rows = Iterator[tuple[float, Attributes]]
"""Values and attributes of one instrument."""


@final
class SelfMetrics:
    """Instruments about the pipeline in use. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._source: Source | None = None
        self._are_created = False

    def observe(self, source: Source) -> None:
        """Observe a pipeline instead of the former one."""
        with self._lock:
            self._source = source
            if self._are_created:
                return
            self._are_created = True
        _create_instruments()

    def release(self, ledger: Ledger) -> None:
        """Stop observing a pipeline that has ended."""
        with self._lock:
            if self._source is not None and self._source.ledger is ledger:
                self._source = None

    def live(self) -> Rows:
        """Yield the number of open spans."""
        yield from ((row.open, self._sampled()) for row in self._counts().signals if row.signal == "traces")

    def started(self, signal: Signal) -> Rows:
        """Yield the number of started items, of spans by the result of the sampler."""
        source = self._source
        if source is None:
            return
        counter = source.ledger.counters[signal]
        unrecorded = counter.unrecorded()
        yield counter.counts().started - unrecorded, self._sampled() if signal == "traces" else {}
        if unrecorded:
            yield unrecorded, {RESULT: "DROP"}

    def cpu_time(self) -> Rows:
        """Yield the CPU time of our threads, in seconds."""
        if self._source is not None:
            yield thread_cpu().seconds(), {}

    def cpu_ratio(self) -> Rows:
        """Yield the share of the telemetry in the CPU time of the process."""
        yield from ((each.cpu_percent / 100, {}) for each in self._overhead())

    def item_time(self) -> Rows:
        """Yield the CPU time for recording an item, in seconds."""
        for each in self._overhead():
            yield each.microseconds_per_span / 1e6, {_SIGNAL: "traces"}
            yield each.microseconds_per_record / 1e6, {_SIGNAL: "logs"}

    def level(self) -> Rows:
        """Yield the level of the budget."""
        yield from ((each.budget.level, {}) for each in self._overhead() if each.budget is not None)

    def shed(self) -> Rows:
        """Yield the number of items that the budget left out, by kind."""
        for each in self._overhead():
            if each.budget is not None:
                yield from ((count, {_KIND: kind}) for kind, count in each.budget.counts.items())

    def _overhead(self) -> tuple[Overhead, ...]:
        source = self._source
        return () if source is None else (source.overhead(),)

    def inflight(self, signal: Signal) -> Rows:
        """Yield the number of items of running attempts."""
        yield from ((row.counts.in_flight, row.exporter) for row in self._rows(signal))

    def exported(self, signal: Signal) -> Rows:
        """Yield the number of items whose export has ended, by the reason of a loss."""
        for row in self._rows(signal):
            yield row.counts.exported, row.exporter
            for reason, count in row.counts.dropped.items():
                if reason not in _BEFORE_EXPORT:
                    yield count, {**row.exporter, "error.type": reason}

    def size(self, signal: Signal) -> Rows:
        """Yield the number of queued items."""
        yield from ((row.counts.queued, row.processor) for row in self._rows(signal))

    def capacity(self, signal: Signal) -> Rows:
        """Yield the maximum number of queued items."""
        source = self._source
        capacity = 0 if source is None else source.capacities[signal]
        yield from ((capacity, row.processor) for row in self._rows(signal))

    def processed(self, signal: Signal) -> Rows:
        """Yield the number of items that left the queue, by the reason of a loss."""
        for row in self._rows(signal):
            counts = row.counts
            failed = {reason: count for reason, count in counts.dropped.items() if reason in _BEFORE_EXPORT}
            yield counts.finished - counts.queued - counts.in_flight - sum(failed.values()), row.processor
            for reason, count in failed.items():
                yield count, {**row.processor, "error.type": _ERRORS.get(reason, reason)}

    def _sampled(self) -> Attributes:
        source = self._source
        return {RESULT: "RECORD_AND_SAMPLE"} if source is not None and source.samples_all_recorded else {}

    def _counts(self) -> LedgerSnapshot:
        source = self._source
        return LedgerSnapshot() if source is None else source.ledger.snapshot()

    def _rows(self, signal: Signal) -> Iterator[_Row]:
        source = self._source
        if source is None:
            return
        own = [row for row in source.ledger.snapshot().exporters if row.signal == signal]
        for number, (counts, exporter) in enumerate(zip(own, source.exporters[signal], strict=False)):
            yield _Row(counts, processor_attributes(signal, number), exporter)


def _create_instruments() -> None:
    up_down, counter = "observable_up_down_counter", "observable_counter"
    _add(up_down, "otel.sdk.span.live", "{span}", "Recorded spans that have not ended", SelfMetrics.live)
    for name, signal in _STARTED.items():
        _add(counter, name, _UNITS[signal], "Started items", partial(SelfMetrics.started, signal=signal))
    _add(counter, CPU_TIME_NAME, "s", "CPU time of the threads of this library", SelfMetrics.cpu_time)
    _add("observable_gauge", CPU_RATIO_NAME, "1", "Share of telemetry in the CPU time", SelfMetrics.cpu_ratio)
    gauge = "observable_gauge"
    _add(gauge, ITEM_TIME_NAME, "s", "CPU time for recording an item", SelfMetrics.item_time)
    _add(gauge, LEVEL_NAME, "1", "Level of the overhead budget; 0: everything is recorded", SelfMetrics.level)
    _add(counter, SHED_NAME, "{item}", "Items left out by the overhead budget", SelfMetrics.shed)
    for signal, item in _ITEMS.items():
        unit, exporter, processor = _UNITS[signal], f"otel.sdk.exporter.{item}", f"otel.sdk.processor.{item}"
        inflight, exported = partial(SelfMetrics.inflight, signal=signal), partial(SelfMetrics.exported, signal=signal)
        _add(up_down, f"{exporter}.inflight", unit, "Items of running attempts to export", inflight)
        _add(counter, f"{exporter}.exported", unit, "Items whose export has ended", exported)
        if signal != "metrics":
            size, capacity = partial(SelfMetrics.size, signal=signal), partial(SelfMetrics.capacity, signal=signal)
            processed = partial(SelfMetrics.processed, signal=signal)
            _add(up_down, f"{processor}.queue.size", unit, "Queued items", size)
            _add(up_down, f"{processor}.queue.capacity", unit, "Maximum of queued items", capacity)
            _add(counter, f"{processor}.processed", unit, "Items that left the queue", processed)


def _add(kind: str, name: str, unit: str, description: str, rows: Callable[[SelfMetrics], Rows]) -> None:
    def observe(_: object) -> Iterable[Observation]:
        return [Observation(value, attributes) for value, attributes in rows(self_metrics())]

    create = getattr(get_meter(SCOPE_NAME), f"create_{kind}")
    create(name, [observe], unit, description)


def self_metrics() -> SelfMetrics:
    """Return the metrics of the process about its telemetry."""
    return current_runtime().get(SelfMetrics)
