from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from flext_observability.domain.instant import moment_at, nanoseconds


def test_microseconds_are_exact() -> None:
    assert nanoseconds(datetime(2026, 1, 1, 0, 0, 0, 123457, tzinfo=UTC)) == 1_767_225_600_123_457_000


def test_other_zones_are_the_same_moment() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert nanoseconds(moment.astimezone(timezone(timedelta(hours=5)))) == nanoseconds(moment)


def test_moments_before_the_epoch_are_its_start() -> None:
    assert nanoseconds(datetime(1960, 1, 1, tzinfo=UTC)) == 0


def test_there_and_back() -> None:
    moment = datetime(2026, 1, 1, 12, 30, 0, 123457, tzinfo=UTC)
    assert moment_at(nanoseconds(moment) + 999) == moment
