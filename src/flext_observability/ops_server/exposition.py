"""FlextHealthReport → Prometheus text for scrapes of ``/health``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flext_observability.wire.http.headers import quality
from flext_observability.wire.prometheus.content_type import OPENMETRICS_TYPE, page_quality, preferred_type

if TYPE_CHECKING:
    from flext_observability.domain.health_report import FlextHealthReport

_SAMPLE_VALUES: Final = {"healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0}


def negotiate_type(accept: str) -> str:
    """Return the content type of the exposition for an ``Accept`` header; empty if it does not prefer one to JSON."""
    if page_quality(accept) <= (quality(accept, "application/json") or 0.0):
        return ""
    return preferred_type(accept)


def render_report(report: FlextHealthReport, content_type: str) -> bytes:
    """Return the report as samples: 1 healthy, 0.5 degraded, 0 unhealthy. ``unknown`` checks have no sample."""
    from flext_observability.wire.prometheus.text import Family, generate_text

    overall = Family("flext_health_overall", "gauge", "All checks together: 1 healthy, 0.5 degraded, 0 unhealthy")
    overall.add({}, _SAMPLE_VALUES[report.status])
    status = Family("flext_health_status", "gauge", "Each check: 1 healthy, 0.5 degraded, 0 unhealthy")
    for check in report.checks:
        if check.status in _SAMPLE_VALUES:
            status.add({"flext_check": check.name}, _SAMPLE_VALUES[check.status])
    return generate_text((overall, status), openmetrics=content_type == OPENMETRICS_TYPE).encode(errors="replace")
