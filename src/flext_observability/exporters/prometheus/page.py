"""Current metric points → page for a Prometheus scrape, served by the ops server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, final

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExporterUnavailable
from flext_observability.runtime.internal_log import log_warning
from flext_observability.wire.prometheus.content_type import OPENMETRICS_TYPE, preferred_type

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.settings.config import FlextObservabilityConfig

_SIGNALS: tuple[Signal, ...] = ("metrics",)
_log = logging.getLogger(__name__)


@final
class PrometheusExporter:
    """Pull exporter: renders the page in the format that the request prefers."""

    __slots__ = ("_collect", "_reported")

    def __init__(self) -> None:
        """Create an exporter without a source. Its page is empty until one is attached."""
        self._collect: Callable[[], MetricsData] | None = None
        self._reported: set[str] = set()

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Set the source: a function that returns all current points, cumulative."""
        self._collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type: OpenMetrics with exemplars if ``Accept`` prefers it, else classic."""
        content_type = preferred_type(accept)
        openmetrics = content_type == OPENMETRICS_TYPE
        if self._collect is None:
            return (b"# EOF\n" if openmetrics else b""), content_type
        from flext_observability.wire.prometheus.from_sdk import families
        from flext_observability.wire.prometheus.text import generate_text

        page = generate_text(families(self._collect()), openmetrics=openmetrics, on_conflict=self._report)
        return page.encode(errors="replace"), content_type

    def _report(self, name: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            log_warning(
                _log,
                f"/metrics omits series of {name}: another instrument has the same name in Prometheus. "
                "Rename one of them.",
            )


@final
class PrometheusFactory:
    """Factory of page exporters."""

    def signals(self) -> Collection[Signal]:
        """Return the only signal, metrics."""
        return _SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> PrometheusExporter:
        """Return an exporter without a source.

        Raises:
            ExporterUnavailable: The signal is not ``metrics``.
        """
        if signal != "metrics":
            fix = 'Use exporters={"metrics": ["prometheus"]} and another exporter for the other signals'
            raise ExporterUnavailable(f"it carries metrics, not {signal}", fix)
        return PrometheusExporter()


factory = PrometheusFactory()
