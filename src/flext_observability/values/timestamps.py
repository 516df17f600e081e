"""Aware datetime ↔ nanoseconds since the Unix epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_unix_nanos(moment: datetime) -> int:
    """Return the moment in nanoseconds since the epoch, exact to the microsecond; 0 for moments before it."""
    return max(to_unix_micros(moment) * 1000, 0)


def to_unix_micros(moment: datetime) -> int:
    """Return the moment in microseconds since the epoch; negative for moments before it."""
    return (moment - _EPOCH) // _MICROSECOND


def from_unix_nanos(time_ns: int) -> datetime:
    """Return the moment in UTC, to the microsecond; what is left over is cut off."""
    return _EPOCH + time_ns // 1000 * _MICROSECOND


def format_rfc3339(time_ns: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 text in UTC, to the millisecond: ``2026-01-01T12:00:00.000Z``."""
    return from_unix_nanos(time_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
