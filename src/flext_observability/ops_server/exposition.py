"""FlextHealthReport → Prometheus text for scrapes of ``/health``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from flext_observability.wire.http.headers import quality

if TYPE_CHECKING:
    from flext_observability.domain.health_report import FlextHealthReport

CLASSIC_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_SAMPLE_VALUES: Final = {"healthy": "1", "degraded": "0.5", "unhealthy": "0"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def negotiate_type(accept: str) -> str:
    """Return the content type of the exposition for an ``Accept`` header; empty if it does not prefer one to JSON."""
    openmetrics = quality(accept, "application/openmetrics-text") or 0.0
    classic = quality(accept, "text/plain") or 0.0
    if max(openmetrics, classic) <= (quality(accept, "application/json") or 0.0):
        return ""
    return OPENMETRICS_TYPE if openmetrics >= classic else CLASSIC_TYPE


def render_report(report: FlextHealthReport, content_type: str) -> bytes:
    """Return the report as samples: 1 healthy, 0.5 degraded, 0 unhealthy. ``unknown`` checks have no sample.

    Source: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    end = ["# EOF"] if content_type == OPENMETRICS_TYPE else []
    return "".join(f"{line}\n" for line in (*_lines(report), *end)).encode(errors="replace")


def _lines(report: FlextHealthReport) -> Iterator[str]:
    yield "# HELP flext_health_overall All checks together: 1 healthy, 0.5 degraded, 0 unhealthy"
    yield "# TYPE flext_health_overall gauge"
    yield f"flext_health_overall {_SAMPLE_VALUES[report.status]}"
    yield "# HELP flext_health_status Each check: 1 healthy, 0.5 degraded, 0 unhealthy"
    yield "# TYPE flext_health_status gauge"
    for check in report.checks:
        if check.status in _SAMPLE_VALUES:
            name = check.name.translate(_ESCAPES)
            yield f'flext_health_status{{flext_check="{name}"}} {_SAMPLE_VALUES[check.status]}'
