"""Components of a pipeline → their attributes, and histograms of the durations of their operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from opentelemetry.metrics import get_meter

from flext_observability.extensions.ports import IdentifiedExporter, SignalExporter
from flext_observability.pipeline.timed_calls import Attributes, timed_collection, timed_exporter
from flext_observability.values.names import SCOPE_NAME

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram

    from flext_observability.domain.report import Signal

T = TypeVar("T")
EXPORT_NAME: Final = "otel.sdk.exporter.operation.duration"
COLLECTION_NAME: Final = "otel.sdk.metric_reader.collection.duration"
BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the histograms, in seconds."""
_KINDS: Final[Mapping[Signal, str]] = {"traces": "span", "logs": "log", "metrics": "metric"}
_PERIODIC: Final = "periodic_metric_reader"
_PAGE: Final = "prometheus_http_text_metric_exporter"


@final
class OperationDurations:
    """Histograms of the durations of exports and collections."""

    def __init__(self) -> None:
        self._exports = _histogram(EXPORT_NAME, "Duration of exporting a batch, with its retries")
        self._collections = _histogram(COLLECTION_NAME, "Duration of the collection of a metric reader")

    def exporter(self, signal: Signal, name: str, number: int, exporter: SignalExporter[Any]) -> SignalExporter[Any]:
        """Return an exporter that records the duration of its exports. See ``exporter_attributes``."""
        attributes = exporter_attributes(signal, name, number, exporter)
        return timed_exporter(exporter, self._exports.record, attributes)

    def periodic(self, collect: Callable[[], T], number: int) -> Callable[[], T]:
        """Return the collection of a push exporter, which records its duration."""
        return timed_collection(collect, self._collections.record, component(_PERIODIC, number))

    def page(self, collect: Callable[[], T]) -> Callable[[], T]:
        """Return the collection of the Prometheus page, which records its duration."""
        return timed_collection(collect, self._collections.record, component(_PAGE, 0))


def _histogram(name: str, description: str) -> Histogram:
    meter = get_meter(SCOPE_NAME)
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=BOUNDS)


def processor_attributes(signal: Signal, number: int) -> Attributes:
    """Return the attributes of the processor of an exporter."""
    return component(f"batching_{_KINDS[signal]}_processor", number)


def exporter_attributes(signal: Signal, name: str, number: int, exporter: object) -> Attributes:
    """Return the attributes of an exporter: name and type, and the address of its back end if it has one.

    Args:
        signal: Signal of the exporter.
        name: Name of the exporter in the settings.
        number: Position among the exporters of the signal.
        exporter: The exporter.
    """
    if not isinstance(exporter, IdentifiedExporter):
        return component(f"{name}_{_KINDS[signal]}_exporter", number)
    kind, host, port = exporter.identity
    return {**component(f"{kind}_{_KINDS[signal]}_exporter", number), "server.address": host, "server.port": port}


def component(kind: str, number: int) -> Attributes:
    """Return the attributes of a component of the SDK."""
    return {"otel.component.type": kind, "otel.component.name": f"{kind}/{number}"}
