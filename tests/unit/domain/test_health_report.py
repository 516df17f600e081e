from __future__ import annotations

import pytest

from flext_observability import FlextHealthCheck
from flext_observability.domain.health_report import sum_up


def test_nothing_is_healthy() -> None:
    report = sum_up([], [])
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
    assert sum_up([check], []).status == critical
    assert sum_up([check], ["db"]).status == minor
    assert sum_up([check], [], probed=True).status == probed
    assert sum_up([check], ["db"], probed=True).status == minor


def test_the_worst_wins_and_reasons_come_in_order() -> None:
    checks = [
        FlextHealthCheck(name="b", status="degraded", message="slow"),
        FlextHealthCheck(name="c"),
        FlextHealthCheck(name="a", status="unhealthy"),
    ]
    report = sum_up(checks, [])
    assert (report.status, report.reasons) == ("unhealthy", ("a is unhealthy", "b is degraded: slow"))
    assert [check.name for check in report.checks] == ["a", "b", "c"]
