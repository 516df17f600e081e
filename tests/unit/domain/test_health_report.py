from __future__ import annotations

import pytest

from flext_observability import FlextHealthCheck
from flext_observability.domain.health_report import aggregate


def test_nothing_is_healthy() -> None:
    report = aggregate([], [])
    assert (report.status, report.reasons, report.checks) == ("healthy", (), ())


@pytest.mark.parametrize(
    ("status", "critical", "minor", "probed"),
    [
        ("healthy", "healthy", "healthy", "healthy"),
        ("degraded", "degraded", "degraded", "degraded"),
        ("unhealthy", "unhealthy", "degraded", "unhealthy"),
        ("unknown", "degraded", "healthy", "unhealthy"),
    ],
)
def test_each_part_counts_by_its_weight(status: str, critical: str, minor: str, probed: str) -> None:
    check = FlextHealthCheck(name="db", status=status)
    assert aggregate([check], []).status == critical
    assert aggregate([check], ["db"]).status == minor
    assert aggregate([check], [], probed=True).status == probed
    assert aggregate([check], ["db"], probed=True).status == minor


def test_the_worst_wins_and_reasons_come_in_order() -> None:
    checks = [
        FlextHealthCheck(name="b", status="degraded", message="slow"),
        FlextHealthCheck(name="c"),
        FlextHealthCheck(name="a", status="unhealthy"),
    ]
    report = aggregate(checks, [])
    assert (report.status, report.reasons) == ("unhealthy", ("a is unhealthy", "b is degraded: slow"))
    assert [check.name for check in report.checks] == ["a", "b", "c"]
