from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextHealthCheck
from flext_observability.adapters.health_check import MAX_CHECKS, emit, remove
from flext_observability.values.encoding import MAX_BYTES
from tests.recorded import Recorded


def gauge(recorded: Recorded) -> dict[str, Any]:
    return {
        str(dict(attributes)["flext.check"]): value
        for attributes, value in recorded.values("flext.health.status").items()
    }


def test_gauge_has_each_status_except_unknown(recorded: Recorded) -> None:
    for status in ("healthy", "degraded", "unhealthy", "unknown"):
        emit(FlextHealthCheck(name=f"check {status}", status=status))
    assert gauge(recorded) == {"check healthy": 1.0, "check degraded": 0.5, "check unhealthy": 0.0}
    assert recorded.metric("flext.health.status").unit == "1"


def test_long_and_invalid_names_are_encoded(recorded: Recorded) -> None:
    for name in ("x" * 1_000_000, "db \ud800"):
        emit(FlextHealthCheck(name=name))
    assert {name[:4]: len(name.encode()) <= MAX_BYTES for name in gauge(recorded)} == {"xxxx": True, "db \ufffd": True}


def test_a_removed_check_has_no_point(recorded: Recorded) -> None:
    emit(FlextHealthCheck(name="db"))
    remove("db")
    remove("unknown")
    assert gauge(recorded) == {}


def test_emit_returns_whether_the_status_changed(recorded: Recorded) -> None:
    changed = [emit(FlextHealthCheck(name="db", status=status)) for status in ("healthy", "healthy", "unhealthy")]
    assert changed == [True, False, True]


def test_log_record_on_a_change_only(recorded: Recorded) -> None:
    emit(FlextHealthCheck(name="db", status="healthy"))
    emit(FlextHealthCheck(name="db", status="healthy"))
    emit(FlextHealthCheck(name="db", status="unhealthy", message="gone", details={"host": "a"}, duration_seconds=0.5))
    first, second = recorded.logs("flext.health")
    assert (first.severity_text, first.body) == ("INFO", "db is healthy")
    assert (second.severity_text, second.body) == ("ERROR", "gone")
    assert second.attributes == {
        "flext.check": "db",
        "flext.health.status": "unhealthy",
        "flext.health.previous_status": "healthy",
        "flext.health.duration": 0.5,
        "flext.health.details.host": "a",
    }


@pytest.mark.parametrize(("status", "level"), [("degraded", "WARNING"), ("unknown", "WARNING")])
def test_severity(recorded: Recorded, status: str, level: str) -> None:
    emit(FlextHealthCheck(name="x", status=status))
    assert [record.severity_text for record in recorded.logs("flext.health")] == [level]


def test_the_newest_checks_are_kept(recorded: Recorded) -> None:
    for number in (*range(MAX_CHECKS), 0, MAX_CHECKS):
        emit(FlextHealthCheck(name=f"check {number}"))
    points = gauge(recorded)
    assert len(points) == MAX_CHECKS
    assert "check 1" not in points
    assert {"check 0", f"check {MAX_CHECKS}"} <= set(points)
