"""Publication of our metrics in a registry of ``prometheus_client``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flext_observability.api.process import active_process
from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from prometheus_client import CollectorRegistry


def publish_to_prometheus_client(registry: CollectorRegistry | None = None) -> FlextResult[None]:
    """Publish the metrics of this process in a registry, for a program that serves the registry itself.

    Works before ``init_observability``: the registry has our metrics while telemetry is started. Our own ``/metrics``
    page does not show them twice. A metric of the registry keeps its name; ours of the same name is omitted and
    reported once.

    Args:
        registry: Registry of ``prometheus_client``; default: its default registry.

    Returns:
        Success, also when the registry has the metrics already. Failures: ``missing_package``, ``invalid_argument``
        (not a registry).
    """
    from flext_observability.exporters.prometheus.registry import publish

    return publish(registry, _collect)


def _collect() -> MetricsData | None:
    session = active_process().session
    readers = None if session is None else session.pipeline.readers
    return None if readers is None else readers.cumulative.collect()
