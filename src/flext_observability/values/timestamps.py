"""Timezone-aware datetime ↔ nanoseconds since the Unix epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def to_unix_nanos(time: datetime) -> int:
    """Return a time in nanoseconds since the epoch, exact to the microsecond; 0 for times before the epoch."""
    return max(to_unix_micros(time) * 1000, 0)


def to_unix_micros(time: datetime) -> int:
    """Return a time in microseconds since the epoch; negative for times before the epoch."""
    return (time - _EPOCH) // _MICROSECOND


def from_unix_nanos(time_ns: int) -> datetime:
    """Return the time in UTC, truncated to the microsecond."""
    return _EPOCH + time_ns // 1000 * _MICROSECOND


def format_rfc3339(time_ns: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 text in UTC, to the millisecond: ``2026-01-01T12:00:00.000Z``."""
    return from_unix_nanos(time_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
