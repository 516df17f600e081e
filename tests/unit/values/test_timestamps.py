from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from flext_observability.values.timestamps import format_rfc3339, from_unix_nanos, to_unix_micros, to_unix_nanos


def test_microseconds_are_exact() -> None:
    assert to_unix_nanos(datetime(2026, 1, 1, 0, 0, 0, 123457, tzinfo=UTC)) == 1_767_225_600_123_457_000


def test_other_zones_are_the_same_time() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert to_unix_nanos(moment.astimezone(timezone(timedelta(hours=5)))) == to_unix_nanos(moment)


def test_times_before_the_epoch_are_zero() -> None:
    assert to_unix_nanos(datetime(1960, 1, 1, tzinfo=UTC)) == 0


def test_round_trip() -> None:
    moment = datetime(2026, 1, 1, 12, 30, 0, 123457, tzinfo=UTC)
    assert from_unix_nanos(to_unix_nanos(moment) + 999) == moment


def test_microseconds_before_the_epoch_are_negative() -> None:
    assert to_unix_micros(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


def test_rfc3339_text_is_utc_to_the_millisecond() -> None:
    assert format_rfc3339(1_767_225_600_123_456_789) == "2026-01-01T00:00:00.123Z"
