from __future__ import annotations

import pytest

from flext_observability import FlextHealthCheck
from flext_observability.domain.health_report import aggregate


def test_no_checks_are_healthy() -> None:
    report = aggregate([], [])
    assert (report.status, report.reasons, report.checks) == ("healthy", (), ())


@pytest.mark.parametrize(
    ("status", "critical", "non_critical", "probed"),
    [
        ("healthy", "healthy", "healthy", "healthy"),
        ("degraded", "degraded", "degraded", "degraded"),
        ("unhealthy", "unhealthy", "degraded", "unhealthy"),
        ("unknown", "degraded", "healthy", "unhealthy"),
    ],
)
def test_the_effect_of_a_status_depends_on_criticality_and_probe(
    status: str, critical: str, non_critical: str, probed: str
) -> None:
    check = FlextHealthCheck(name="db", status=status)
    assert aggregate([check], []).status == critical
    assert aggregate([check], ["db"]).status == non_critical
    assert aggregate([check], [], probed=True).status == probed
    assert aggregate([check], ["db"], probed=True).status == non_critical


def test_the_worst_status_wins_and_reasons_are_sorted() -> None:
    checks = [
        FlextHealthCheck(name="b", status="degraded", message="slow"),
        FlextHealthCheck(name="c"),
        FlextHealthCheck(name="a", status="unhealthy"),
    ]
    report = aggregate(checks, [])
    assert (report.status, report.reasons) == ("unhealthy", ("a is unhealthy", "b is degraded: slow"))
    assert [check.name for check in report.checks] == ["a", "b", "c"]
