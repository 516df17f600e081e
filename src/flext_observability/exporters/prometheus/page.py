"""Current metric points → page for a Prometheus scrape, served by the ops server (``PrometheusExporter``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from flext_observability.exporters.factory import METRICS_ONLY, BuiltInFactory
from flext_observability.exporters.prometheus.registry import program_metrics
from flext_observability.runtime.internal_log import warn_once
from flext_observability.wire.prometheus.content_type import OPENMETRICS_TYPE, preferred_type

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.domain.report import Signal
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.wire.prometheus.text import Family

_logger: Final = logging.getLogger(__name__)


@final
class PrometheusExporter:
    """Pull exporter: renders the page in the format that the request prefers."""

    __slots__ = ("_collect", "_with_program_metrics")

    def __init__(self, *, program_metrics: bool = True) -> None:
        """Create an exporter without a source.

        Args:
            program_metrics: Whether the page also has the metrics of the default registry of ``prometheus_client``.
        """
        self._collect: Callable[[], MetricsData] | None = None
        self._with_program_metrics = program_metrics

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Set the source: a function that returns all current points, cumulative."""
        self._collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type: OpenMetrics with exemplars if ``Accept`` prefers it, else classic."""
        content_type = preferred_type(accept)
        openmetrics = content_type == OPENMETRICS_TYPE
        from flext_observability.wire.prometheus.text import generate_text

        page = generate_text(
            self._families(openmetrics=openmetrics), openmetrics=openmetrics, on_conflict=_warn_conflict
        )
        return page.encode(errors="replace"), content_type

    def _families(self, *, openmetrics: bool) -> list[Family]:
        from flext_observability.wire.prometheus.from_sdk import families

        found = [] if self._collect is None else families(self._collect())
        if self._with_program_metrics and (program := program_metrics()):
            from flext_observability.wire.prometheus.from_registry import add_metrics

            add_metrics(found, program, openmetrics=openmetrics)
        return found


def _warn_conflict(name: str) -> None:
    warn_once(
        _logger, f"/metrics omits series of {name}: another metric has the same name in Prometheus. Rename one of them."
    )


def create_exporter(_signal: Signal, config: FlextObservabilityConfig) -> PrometheusExporter:
    """Return an exporter without a source."""
    # The SDK's reader puts our metrics into the default registry: the page would have them twice.
    shared = "prometheus_sdk" in config.exporters.get("metrics", ())
    return PrometheusExporter(program_metrics=config.prometheus_client_enabled and not shared)


factory: Final = BuiltInFactory(create_exporter, METRICS_ONLY)
