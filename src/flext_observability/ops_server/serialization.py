"""Reports, settings, any value → JSON with secrets masked; reports → Prometheus text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Final, cast

from flext_observability.settings.config import FIELDS
from flext_observability.settings.masking import mask_value
from flext_observability.values.encoding import encode_tag
from flext_observability.values.foreign import plain_text
from flext_observability.values.masking import MASK, mask_secrets
from flext_observability.values.secret_names import is_secret_name
from flext_observability.wire.http.headers import quality
from flext_observability.wire.prometheus.content_type import PageFormat, page_quality, preferred_format

if TYPE_CHECKING:
    from flext_observability.domain.health_check import FlextHealthCheck
    from flext_observability.domain.health_report import FlextHealthReport
    from flext_observability.settings.config import FlextObservabilityConfig

_MAX_TEXT: Final = 65_536
_SAMPLE_VALUES: Final = {"healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0}


def to_json(document: object) -> bytes:
    """Return valid, indented JSON with secrets masked."""
    return (json.dumps(to_jsonable(document), ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def to_jsonable(value: object) -> object:
    """Return a value that JSON can represent.

    Mappings, dataclasses and sequences are converted item by item, objects of other types to text. Values with secret
    names are masked, and in texts the credentials of URLs and ``token=…``.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {
            mask_secrets(encode_tag(name)): _mask_or_convert(encode_tag(name), item)
            for name, item in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, list | tuple):
        return _mask_arguments([to_jsonable(item) for item in cast("list[object]", value)])
    # A text is masked before it is cut off.
    text = plain_text(value)
    return mask_secrets(encode_tag(value)) if text is None else encode_tag(mask_secrets(text[:_MAX_TEXT]))


def _mask_arguments(items: list[object]) -> list[object]:
    """Mask the items after ``--password`` and the like: command lines are attributes of processes."""
    for index, item in enumerate(items[:-1]):
        if isinstance(item, str) and item.startswith("-") and "=" not in item and is_secret_name(item):
            items[index + 1] = MASK
    return items


def check_to_dict(check: FlextHealthCheck) -> dict[str, object]:
    """Return the content of a check for JSON."""
    return {
        "status": check.status,
        "message": check.message,
        "duration_seconds": float(check.duration_seconds),
        "timestamp": check.timestamp.isoformat(),
        "details": {name: encode_details(value) for name, value in check.details.items()},
    }


def encode_details(value: object) -> object:
    """Return scalars unchanged, others as bounded text: details may contain cycles."""
    return value if isinstance(value, bool | int | float) or value is None else encode_tag(value)


def settings_to_dict(config: FlextObservabilityConfig, sources: Mapping[str, str]) -> dict[str, object]:
    """Return value and source of each setting."""
    return {
        name: {"value": mask_value(getattr(config, name), row.type), "source": sources.get(name, "")}
        for name, row in FIELDS.items()
    }


def _mask_or_convert(name: str, value: object) -> object:
    if isinstance(value, str | bytes) and value and is_secret_name(name):
        return MASK
    return to_jsonable(value)


def negotiate_format(accept: str) -> PageFormat | None:
    """Return the text format of Prometheus for an ``Accept`` header; None if it does not prefer one to JSON."""
    if page_quality(accept) <= (quality(accept, "application/json") or 0.0):
        return None
    return preferred_format(accept, protobuf=False)


def render_report(report: FlextHealthReport, page: PageFormat) -> bytes:
    """Return the report as samples: 1 healthy, 0.5 degraded, 0 unhealthy. ``unknown`` checks have no sample."""
    from flext_observability.wire.prometheus.family import Family
    from flext_observability.wire.prometheus.text import generate_text

    overall = Family("flext_health_overall", "gauge", "All checks together: 1 healthy, 0.5 degraded, 0 unhealthy")
    overall.add_number({}, _SAMPLE_VALUES[report.status])
    status = Family("flext_health_status", "gauge", "Each check: 1 healthy, 0.5 degraded, 0 unhealthy")
    for check in report.checks:
        if check.status in _SAMPLE_VALUES:
            status.add_number({"flext_check": check.name}, _SAMPLE_VALUES[check.status])
    return generate_text((overall, status), openmetrics=page.kind == "openmetrics").encode(errors="replace")
