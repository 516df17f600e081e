"""All metric points of the moment → page for a Prometheus scrape (it listens nowhere: the ops server asks it)."""

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
    """Renders the page in the format that the request prefers."""

    __slots__ = ("_collect", "_reported")

    def __init__(self) -> None:
        """Start without a source: the page is empty until one is attached."""
        self._collect: Callable[[], MetricsData] | None = None
        self._reported: set[str] = set()

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Take the callable that returns all current metric points, cumulative."""
        self._collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return (page, content type): OpenMetrics with exemplars when ``Accept`` prefers it, else the classic text."""
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
                f"/metrics cannot show all of {name}: another instrument has that name in Prometheus; rename one of them",
            )


@final
class PrometheusFactory:
    """Makes page exporters."""

    def signals(self) -> Collection[Signal]:
        """Metrics alone."""
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
