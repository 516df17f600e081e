"""Current metric points → page for a Prometheus scrape, served by the ops server (``PrometheusExporter``)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, final

from flext_observability.exporters.factory import METRICS_ONLY, BuiltInFactory
from flext_observability.exporters.prometheus.name_clashes import add_clash
from flext_observability.exporters.prometheus.registry import program_metrics
from flext_observability.wire.prometheus.content_type import PageFormat, preferred_format
from flext_observability.wire.prometheus.labels import LabelCache

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.domain.report import Signal
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.wire.prometheus.family import Family

_ON_CLASH: Final = partial(add_clash, "/metrics")


@final
class PrometheusExporter:
    """Pull exporter: renders the page in the format that the request prefers."""

    reads_plain_points: ClassVar = True
    __slots__ = ("_cache", "_collect", "_with_program_metrics")

    def __init__(self, *, program_metrics: bool = True) -> None:
        """Create an exporter without a source.

        Args:
            program_metrics: Whether the page also has the metrics of the default registry of ``prometheus_client``.
        """
        self._collect: Callable[[], MetricsData] | None = None
        self._with_program_metrics = program_metrics
        self._cache = LabelCache()

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Set the source: a function that returns all current points, cumulative."""
        self._collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type.

        By ``Accept`` it is protobuf with native histograms, OpenMetrics with exemplars, or classic text.
        """
        page = preferred_format(accept)
        found = self._families(page)
        if page.kind == "protobuf":
            from flext_observability.wire.prometheus.delimited import generate_protobuf

            return generate_protobuf(found, on_clash=_ON_CLASH), page.content_type
        from flext_observability.wire.prometheus.text import generate_text

        text = generate_text(found, openmetrics=page.kind == "openmetrics", on_clash=_ON_CLASH)
        return text.encode(errors="replace"), page.content_type

    def _families(self, page: PageFormat) -> list[Family]:
        from flext_observability.wire.prometheus.from_points import families

        found = []
        if self._collect is not None:
            found = families(self._collect(), escaping=page.escaping, cache=self._cache)
        if self._with_program_metrics and (program := program_metrics()):
            from flext_observability.wire.prometheus.from_registry import add_metrics

            add_metrics(found, program, kind=page.kind, escaping=page.escaping)
        return found


def create_exporter(_signal: Signal, config: FlextObservabilityConfig) -> PrometheusExporter:
    """Return an exporter without a source."""
    # The SDK's reader puts our metrics into the default registry: the page would have them twice.
    shared = "prometheus_sdk" in config.exporters.get("metrics", ())
    return PrometheusExporter(program_metrics=config.prometheus_client_enabled and not shared)


factory: Final = BuiltInFactory(create_exporter, METRICS_ONLY)
