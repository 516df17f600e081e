from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextAlert, FlextAlertService, FlextContainer, flext_create_alert
from flext_observability.services.alerts import MAX_ACTIVE
from tests.recorded import Recorded


def make(**fields: Any) -> FlextAlert:
    return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "full", **fields})


@pytest.fixture
def service() -> FlextAlertService:
    return FlextAlertService(FlextContainer())


def test_an_alert_is_emitted_once_and_active(recorded: Recorded, service: FlextAlertService) -> None:
    alert = flext_create_alert("disk", "error", "full").unwrap()
    for _ in range(2):
        assert service.process_alert(alert).data is alert
    assert len(recorded.logs("flext.alert")) == 1
    assert service.active_alerts() == (alert,)


@pytest.mark.parametrize("by_id", [True, False])
def test_resolving_emits_and_ends_it(recorded: Recorded, service: FlextAlertService, by_id: bool) -> None:
    alert = service.process_alert(make()).unwrap()
    resolved = service.resolve_alert(alert.id if by_id else alert).unwrap()
    assert (resolved.id, resolved.status, alert.status) == (alert.id, "resolved", "active")
    assert service.active_alerts() == ()
    raised, ended = recorded.logs("flext.alert")
    assert ended.attributes["flext.alert.status"] == "resolved"
    assert ended.timestamp >= raised.timestamp
    assert service.resolve_alert(alert).code == "not_active"


def test_processing_a_resolved_alert_ends_it_too(service: FlextAlertService) -> None:
    alert = service.process_alert(make()).unwrap()
    service.process_alert(alert.model_copy(update={"status": "resolved"}))
    assert service.active_alerts() == ()


@pytest.mark.parametrize("given", [None, 5, "text"])
def test_what_is_no_alert_fails(service: FlextAlertService, given: Any) -> None:
    assert service.process_alert(given).code == "invalid_alert"
    assert service.resolve_alert(given).code == ("not_active" if given == "text" else "invalid_alert")


def test_a_broken_rule_fails(service: FlextAlertService) -> None:
    for result in (service.process_alert(make(severity="loud")), service.resolve_alert(make(name=""))):
        assert (result.code, str(result.error)[:13]) == ("invalid_alert", "Invalid alert")
    assert service.active_alerts() == ()


def test_the_newest_active_alerts_are_kept(service: FlextAlertService) -> None:
    alerts = [make() for _ in range(MAX_ACTIVE + 1)]
    for alert in alerts:
        service.process_alert(alert)
    assert service.active_alerts() == tuple(alerts[1:])
