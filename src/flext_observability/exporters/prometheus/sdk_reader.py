"""The Prometheus exporter of the OpenTelemetry project, ``PrometheusMetricReader`` (exporter ``prometheus_sdk``)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import util
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.exporters.factory import METRICS_ONLY, BuiltInFactory
from flext_observability.extensions.ports import ExporterUnavailable

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

    from flext_observability.domain.report import Signal
    from flext_observability.settings.config import FlextObservabilityConfig


@final
class SdkPrometheusExporter:
    """Page of the default registry of ``prometheus_client``, where the reader puts our metrics."""

    __slots__ = ("_reader",)

    def __init__(self) -> None:
        self._reader: MetricReader | None = None

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Do nothing: the reader collects by itself."""

    def metric_reader(self) -> MetricReader:
        """Return the reader, which is registered with the default registry until ``close``."""
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        self._reader = self._reader or PrometheusMetricReader()
        return self._reader

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return (page, content type) as ``prometheus_client`` writes them."""
        from prometheus_client import REGISTRY
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return encode(REGISTRY), content_type

    def close(self) -> None:
        """Remove the reader from the registry. Idempotent."""
        reader: Any = self._reader  # the arguments of its shutdown have no types
        self._reader = None
        if reader is not None:
            reader.shutdown()


def create_exporter(_signal: Signal, _config: FlextObservabilityConfig) -> SdkPrometheusExporter:
    """Return an exporter.

    Raises:
        ExporterUnavailable: The package is not installed.
    """
    if util.find_spec("opentelemetry.exporter.prometheus") is None:
        message = "the package opentelemetry-exporter-prometheus is not installed"
        raise ExporterUnavailable(message, "pip install opentelemetry-exporter-prometheus")
    return SdkPrometheusExporter()


factory: Final = BuiltInFactory(create_exporter, METRICS_ONLY)
