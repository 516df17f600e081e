"""Metrics of process and machine → OTel's observable instruments, and entities (FlextMetricsCollector)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.result import FlextResult
from flext_observability.instrumentation.host_metrics.process import PROCESS_METRICS
from flext_observability.instrumentation.host_metrics.source_cache import Observable, SourceCache
from flext_observability.instrumentation.host_metrics.system import SYSTEM_METRICS
from flext_observability.runtime.bounded_call import BoundedCall
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.encoding import encode_tag
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import is_true, plain_text
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

    from flext_observability.domain.metric import FlextMetric

SCOPE_NAME: Final = "flext_observability.collector"
FIRST_READING_SECONDS: Final = 1.0
"""Limit of the reading at the start. One that hangs, for example in a network file system, does not block it."""


class _Collectors:
    """Started collectors, and names of existing instruments: OpenTelemetry cannot remove one."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.instruments: set[str] = set()
        self.active: list[FlextMetricsCollector] = []


@final
class FlextMetricsCollector:
    """Measures this process and its machine, with the names of the semantic conventions.

    It has no thread: exporters and alert rules read its instruments together with other metrics. Metrics that the
    platform does not support are left out. Concurrent collectors share their instruments, which read the collector
    started first. As a context manager, it stops at the end of the block.

    Args:
        process: Whether to measure the process: CPU, memory, disk, threads, file descriptors, garbage collector.
        system: Whether to measure the machine: CPU, memory, swap, disks, file systems, network.
        per_cpu: Whether ``system.cpu.*`` has one point per CPU (``cpu.logical_number``).

    Source: https://opentelemetry.io/docs/specs/semconv/system/
    """

    def __init__(self, *, process: bool = True, system: bool = True, per_cpu: bool = False) -> None:
        metrics = (*(PROCESS_METRICS if is_true(process) else ()), *(SYSTEM_METRICS if is_true(system) else ()))
        self._metrics: dict[str, Observable] = {metric.name: metric for metric in metrics}
        self._cache = SourceCache(per_cpu=is_true(per_cpu))
        self._lock = ForkSafeLock()
        self._unavailable: dict[str, str] = {}

    @property
    def active(self) -> bool:
        """Whether the collector is started."""
        return self in current_runtime().get(_Collectors).active

    @property
    def unavailable(self) -> Mapping[str, str]:
        """Metrics whose last reading failed, with the reason."""
        with self._lock:
            return MappingProxyType(dict(self._unavailable))

    def start(self) -> FlextResult[None]:
        """Start measuring, also before ``init_observability``. Idempotent.

        Returns:
            None on success. Failure ``internal``.
        """
        reading = BoundedCall("the first reading of the metrics collector", self._read_all)
        reading.wait(monotonic() + FIRST_READING_SECONDS)  # utilizations need a previous reading
        collectors = current_runtime().get(_Collectors)
        with collectors.lock:
            if self not in collectors.active:
                collectors.active.append(self)
        try:
            for metric in self._metrics.values():
                _register(metric)
        except BaseException as error:  # noqa: BLE001 - a foreign provider may raise anything
            reraise_interrupt(error)
            self.stop()
            return FlextResult[None].fail(report_once("Starting the metrics collector", error), code="internal")
        return FlextResult.ok(None)

    def stop(self) -> FlextResult[None]:
        """Stop measuring. Idempotent."""
        collectors = current_runtime().get(_Collectors)
        with collectors.lock:
            if self in collectors.active:
                collectors.active.remove(self)
        return FlextResult.ok(None)

    def collect(self) -> FlextResult[list[FlextMetric]]:
        """Measure now, started or not, and return the values as entities, which are not emitted.

        Returns:
            One entity for each point; never a failure. The first call has no CPU utilization: it needs a previous
            reading, at least 0.1 s earlier.
        """
        from flext_observability.domain.metric import FlextMetric

        return FlextResult.ok(
            [
                FlextMetric(
                    name=metric.name,
                    value=value,
                    unit=metric.unit,
                    tags={name: encode_tag(each) for name, each in attributes.items()},
                    metric_type=metric.kind,
                )
                for metric, value, attributes in self._read_all()
            ]
        )

    def points(self, name: str) -> Sequence[tuple[float, Mapping[str, str | int]]] | None:
        """Return values and attributes of a metric. None if the collector does not have it."""
        metric = self._metrics.get(plain_text(name) or "")
        if metric is None:
            return None
        try:
            points = list(metric.read(self._cache))  # without the lock: it may hang
        except BaseException as error:  # noqa: BLE001 - platforms without this metric raise different errors
            reraise_interrupt(error)
            with self._lock:
                self._unavailable[metric.name] = describe_error(error)
            return ()
        with self._lock:
            self._unavailable.pop(metric.name, None)
        return points

    def __enter__(self) -> FlextMetricsCollector:
        """Start the collector."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the collector."""
        self.stop()

    def _read_all(self) -> list[tuple[Observable, float, Mapping[str, str | int]]]:
        return [
            (metric, value, attributes)
            for name, metric in self._metrics.items()
            for value, attributes in self.points(name) or ()
        ]


def _register(metric: Observable) -> None:
    """Create the instrument of a metric once per process: OTel cannot remove one."""
    from opentelemetry.metrics import get_meter

    collectors = current_runtime().get(_Collectors)
    with collectors.lock:
        if metric.name in collectors.instruments:
            return
        collectors.instruments.add(metric.name)
    try:  # without the lock: the SDK calls back with its own lock held
        create = getattr(get_meter(SCOPE_NAME), f"create_observable_{metric.kind}")
        create(metric.name, [_observer(metric.name)], metric.unit, metric.description)
    except BaseException:
        collectors.instruments.discard(metric.name)
        raise


@cache
def _observer(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    def observe(_: CallbackOptions) -> list[Observation]:
        collectors = current_runtime().get(_Collectors)
        with collectors.lock:
            active = list(collectors.active)
        found = (points for each in active if (points := each.points(name)) is not None)
        return [Observation(value, attributes) for value, attributes in next(found, ())]

    return observe
