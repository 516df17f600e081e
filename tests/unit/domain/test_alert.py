from __future__ import annotations

import pytest

from flext_observability.domain.alert import ALERT_STATUSES, MAX_LABELS, FlextAlert
from flext_observability.values.names import ALERT_SEVERITIES


def test_a_new_alert_is_active_and_not_escalated() -> None:
    alert = FlextAlert(name="disk", severity="warning", message="full")

    assert (alert.status, alert.escalation_level, alert.source, alert.details) == ("active", 0, "", {})
    assert alert.alert_id == alert.id


@pytest.mark.parametrize("severity", ALERT_SEVERITIES)
@pytest.mark.parametrize("status", ALERT_STATUSES)
def test_known_severities_and_statuses_are_valid(severity: str, status: str) -> None:
    alert = FlextAlert(name="disk", severity=severity, message="full", status=status)

    assert alert.validate_business_rules().success


@pytest.mark.parametrize(
    ("change", "prefix"),
    [
        ({"name": " "}, "Invalid alert name: "),
        ({"severity": "fatal"}, "Invalid alert severity: 'fatal'"),
        ({"severity": ""}, "Invalid alert severity: "),
        ({"message": ""}, "Invalid alert message: "),
        ({"status": "gone"}, "Invalid alert status: 'gone'"),
        ({"escalation_level": -1}, "Invalid alert escalation level: "),
    ],
)
def test_broken_rules_are_named(change: dict[str, object], prefix: str) -> None:
    alert = FlextAlert.model_validate({"name": "disk", "severity": "warning", "message": "full", **change})
    result = alert.validate_business_rules()

    assert result.code == "invalid_alert"
    assert str(result.error).startswith(prefix)


def test_the_fingerprint_depends_on_name_source_and_labels() -> None:
    def fingerprint(**fields: object) -> str:
        return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "m", **fields}).fingerprint

    same = fingerprint(details={"labels": {"b": 2, "a": "1"}, "free": 3}, severity="info", message="other")
    assert fingerprint(details={"labels": {"a": 1, "b": "2"}}) == same
    others = [
        fingerprint(),
        fingerprint(name="disks"),
        fingerprint(source="here"),
        fingerprint(details={"labels": {"a": 1}}),
    ]
    assert len({same, *others}) == 5
    assert fingerprint(details={"labels": "text"}) == fingerprint()
    assert fingerprint(name="\ud800") != fingerprint(name="\ud801")


def test_labels_beyond_the_limit_are_ignored() -> None:
    alert = FlextAlert(name="a", severity="info", message="m", details={"labels": {str(n): n for n in range(100)}})
    assert len(alert.labels) == MAX_LABELS
