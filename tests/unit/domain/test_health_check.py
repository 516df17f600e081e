from __future__ import annotations

import pytest

from flext_observability.domain.health_check import HEALTH_STATUSES, FlextHealthCheck


def test_a_check_is_healthy_by_default() -> None:
    check = FlextHealthCheck(name="database")

    assert (check.status, check.message, check.details, check.duration_seconds) == ("healthy", "", {}, 0.0)


@pytest.mark.parametrize("status", HEALTH_STATUSES)
def test_known_statuses_are_valid(status: str) -> None:
    assert FlextHealthCheck(name="database", status=status).validate_business_rules().success


@pytest.mark.parametrize(
    ("change", "prefix"),
    [
        ({"name": ""}, "Invalid health check name: "),
        ({"status": "fine"}, "Invalid health check status: 'fine'"),
        ({"duration_seconds": -1}, "Invalid health check duration: "),
        ({"duration_seconds": float("nan")}, "Invalid health check duration: "),
    ],
)
def test_broken_rules_are_named(change: dict[str, object], prefix: str) -> None:
    result = FlextHealthCheck.model_validate({"name": "database", **change}).validate_business_rules()

    assert result.code == "invalid_health_check"
    assert str(result.error).startswith(prefix)
