"""``Accept`` header → content type of a Prometheus page.

Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept
"""

from __future__ import annotations

from typing import Final

from flext_observability.wire.http.headers import quality

CLASSIC_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def preferred_type(accept: str) -> str:
    """Return the OpenMetrics type if the header rates it at least as high as the classic type, else the latter."""
    openmetrics = _openmetrics_quality(accept)
    return OPENMETRICS_TYPE if openmetrics > 0 and openmetrics >= _classic_quality(accept) else CLASSIC_TYPE


def page_quality(accept: str) -> float:
    """Return the quality of a Prometheus page of either type in the header, from 0 to 1."""
    return max(_openmetrics_quality(accept), _classic_quality(accept))


def _openmetrics_quality(accept: str) -> float:
    return quality(accept, "application/openmetrics-text") or 0.0


def _classic_quality(accept: str) -> float:
    return quality(accept, "text/plain") or 0.0
