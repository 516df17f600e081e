from __future__ import annotations

import pytest

from flext_observability import FlextAlert
from flext_observability.adapters.alert import emit
from flext_observability.values.timestamps import to_unix_nanos
from tests.recorded import Recorded


def test_an_alert_is_a_log_record_and_a_count(recorded: Recorded) -> None:
    alert = FlextAlert(name="disk", severity="critical", message="full", source="host", details={"free": {"mb": 1}})
    emit(alert)
    emit(alert.model_copy(update={"status": "resolved"}), timestamp_ns=7, occurrences=3)
    raised, resolved = recorded.logs("flext.alert")
    assert (raised.severity_text, raised.body, raised.timestamp) == ("CRITICAL", "full", to_unix_nanos(alert.timestamp))
    assert raised.attributes == {
        "flext.alert.id": alert.id,
        "flext.alert.name": "disk",
        "flext.alert.fingerprint": alert.fingerprint,
        "flext.alert.occurrences": 1,
        "flext.alert.severity": "critical",
        "flext.alert.status": "active",
        "flext.alert.source": "host",
        "flext.alert.escalation_level": 0,
        "flext.alert.details.free": '{"mb":1}',
    }
    assert (resolved.timestamp, resolved.attributes["flext.alert.status"]) == (7, "resolved")
    assert resolved.attributes["flext.alert.occurrences"] == 3
    assert recorded.metric("flext.alerts").unit == "{alert}"
    assert recorded.values("flext.alerts") == {
        (("flext.alert.severity", "critical"), ("flext.alert.status", "active")): 1,
        (("flext.alert.severity", "critical"), ("flext.alert.status", "resolved")): 1,
    }


@pytest.mark.parametrize(
    ("severity", "text"), [("info", "INFO"), ("warning", "WARNING"), ("error", "ERROR"), ("critical", "CRITICAL")]
)
def test_severity(recorded: Recorded, severity: str, text: str) -> None:
    emit(FlextAlert(name="a", severity=severity, message="m"))
    (record,) = recorded.logs("flext.alert")
    assert record.severity_text == text
    assert "flext.alert.source" not in record.attributes
