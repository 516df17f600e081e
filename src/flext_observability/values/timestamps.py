"""Aware datetime ↔ nanoseconds since the Unix epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_unix_nanos(moment: datetime) -> int:
    """Return the moment in nanoseconds since the epoch, exact to the microsecond; 0 for moments before it."""
    return max((moment - _EPOCH) // _MICROSECOND * 1000, 0)


def from_unix_nanos(time_ns: int) -> datetime:
    """Return the moment in UTC, to the microsecond; what is left over is cut off."""
    return _EPOCH + time_ns // 1000 * _MICROSECOND
