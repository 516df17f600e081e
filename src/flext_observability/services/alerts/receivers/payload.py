"""FlextAlert → payload of notifiers: JSON values of bounded size, without cycles."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from flext_observability.values.encoding import AttributeValue, encode_attributes, encode_tag
from flext_observability.values.timestamps import to_unix_nanos

if TYPE_CHECKING:
    from flext_observability.domain.alert import FlextAlert

MAX_DETAILS: Final = 100
"""Maximum number of details sent of one alert; further ones are left out."""
MAX_DETAIL_BYTES: Final = 4096
MAX_TEXT_BYTES: Final = 8192
_UNLIMITED: Final = 1 << 30


def details_of(alert: FlextAlert) -> dict[str, AttributeValue]:
    """Return the first ``MAX_DETAILS`` details without the labels; nested values as JSON text."""
    return encode_attributes(_first_details(alert), max_bytes=MAX_DETAIL_BYTES)


def details_text(alert: FlextAlert) -> str:
    """Return the same details as one JSON text of bounded size; empty when there are none."""
    details = _first_details(alert)
    return text(details) if details else ""


def _first_details(alert: FlextAlert) -> dict[str, object]:
    rest = ((name, value) for name, value in alert.details.items() if name != "labels")
    return dict(islice(rest, MAX_DETAILS))


def text(value: object, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Return text of bounded size."""
    return encode_tag(value, max_bytes=max_bytes)


def starts_at(alert: FlextAlert, now_ns: int) -> int:
    """Return the time when the alert was raised, in nanoseconds since the epoch, at most ``now_ns``."""
    return min(to_unix_nanos(alert.timestamp), now_ns)


def to_json(value: object) -> bytes:
    """Return compact JSON; numbers that JSON does not have are text."""
    return encode_tag(value, max_bytes=_UNLIMITED).encode()
