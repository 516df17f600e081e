"""Alerts → what Alertmanager's v2 API is sent: labels, annotations and times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flext_observability import AlertmanagerNotifier, FlextAlert
from flext_observability.services.alerts.receivers import alertmanager
from tests.backends.collector import Answer, Collector, collector


def make(**fields: Any) -> FlextAlert:
    return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "full", **fields})


def rows(server: Collector) -> list[list[dict[str, Any]]]:
    return [json.loads(request.body) for request in server.requests]


def row_of(alert: FlextAlert, **options: Any) -> dict[str, Any]:
    with collector() as server:
        assert AlertmanagerNotifier(server.url, **options).notify(alert, 5).success
        ((row,),) = rows(server)
    assert server.requests[0].path == "/api/v2/alerts"
    return row


def over(row: dict[str, Any]) -> bool:
    return datetime.fromisoformat(row["endsAt"]) <= datetime.now(UTC)


def test_an_active_alert() -> None:
    raised = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    details = {"labels": {"mount": "/"}, "free": {"mb": 1}, "trace_url": "http://grafana/x"}
    alert = make(message="full\nreally", source="host", details=details, escalation_level=1, timestamp=raised)
    row = row_of(alert, labels={"service": "shop", "environment": ""}, generator_url="http://grafana")
    ends = datetime.fromisoformat(row.pop("endsAt")) - datetime.now(UTC)
    assert timedelta(minutes=3, seconds=50) < ends <= timedelta(minutes=4)
    assert row == {
        "labels": {"alertname": "disk", "severity": "error", "source": "host", "service": "shop", "mount": "/"},
        "annotations": {
            "summary": "full",
            "description": "full\nreally",
            "status": "active",
            "escalation_level": "1",
            "details": '{"free":{"mb":1},"trace_url":"http://grafana/x"}',
            "trace": "http://grafana/x",
        },
        "startsAt": "2026-01-02T03:04:05.000Z",
        "generatorURL": "http://grafana/x",
    }


def test_a_plain_alert_has_nothing_empty() -> None:
    row = row_of(make(), generator_url="http://grafana")
    assert row["labels"] == {"alertname": "disk", "severity": "error"}
    assert row["annotations"] == {"summary": "full", "description": "full", "status": "active"}
    assert row["generatorURL"] == "http://grafana"


def test_a_resolved_alert_ends_now_and_not_before_it_began() -> None:
    row = row_of(make(status="resolved", timestamp=datetime.now(UTC) + timedelta(days=1)))
    assert over(row)
    assert row["startsAt"] <= row["endsAt"]


def test_label_names_are_made_valid_and_stay_apart() -> None:
    given = {"a.b": 1, "a-b": 2, "1st": 3, "": 4, "severity": "x", "__name__": 5, "ü": 6, "service": "own"} | {
        "empty": ""
    }
    row = row_of(make(details={"labels": given}), labels={"service": "shop", "my.zone": "z"})
    assert row["labels"] == {
        "alertname": "disk",
        "severity": "error",
        "service": "own",
        "my_zone": "z",
        "a_b": "2",
        "a_b_2": "1",
        "_1st": "3",
        "_": "4",
        "__2": "6",
        "label_severity": "x",
        "label_name__": "5",
    }


def test_enormous_names_are_cut_and_stay_apart() -> None:
    names = [row_of(make(name="x" * 100_000 + end))["labels"]["alertname"] for end in "ab"]
    assert names[0] != names[1]
    assert all(len(name.encode()) <= 1024 for name in names)


def test_details_with_a_cycle_are_sent() -> None:
    details: dict[str, Any] = {"a": 1}
    details["self"] = details
    assert row_of(make(details=details))["annotations"]["details"].startswith('{"a":1,"self"')


def test_another_severity_ends_the_alert_of_the_one_before() -> None:
    alert = make()
    with collector() as server:
        notifier = AlertmanagerNotifier(server.url)
        notifier.notify(alert, 5)
        server.answers.append(Answer(503))
        assert notifier.notify(alert.model_copy(update={"severity": "critical"}), 5).code == "unavailable"
        assert notifier.notify(alert.model_copy(update={"severity": "info", "status": "resolved"}), 5).success
        assert notifier.notify(make(severity="warning"), 5).success  # a new one, long after
        sent = [[(row["labels"]["severity"], over(row)) for row in each] for each in rows(server)]
    assert sent == [
        [("error", False)],
        [("critical", False), ("error", True)],
        [("info", True), ("error", True), ("critical", True)],
        [("warning", False)],
    ]


def test_all_that_are_active_are_sent_again_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_BATCH", 2)
    alerts = [make(name=str(number)) for number in range(5)]
    with collector() as server:
        notifier = AlertmanagerNotifier(server.url)
        assert notifier.notify_all(alerts, 5).success
        assert [len(each) for each in rows(server)] == [2, 2, 1]
        server.standing = Answer(500, {"retry-after": "3"})
        assert notifier.notify_all(alerts, 5).code == "unavailable"
        assert len(server.requests) == 4
        assert notifier.retry_after_seconds == 3.0


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_MAX_SENT", 2)
    with collector() as server:
        notifier = AlertmanagerNotifier(server.url)
        for number in range(4):
            assert notifier.notify(make(name=str(number)), 5).success
        notifier.notify(make(name="0", severity="critical"), 5)
        assert [len(each) for each in rows(server)] == [1, 1, 1, 1, 1]


def test_a_rejection_contains_the_response() -> None:
    with collector() as server:
        server.standing = Answer(400, {"content-type": "application/json"}, b'"bad label"')
        result = AlertmanagerNotifier(f"{server.url}/prefix").notify(make(), 5)
    assert (result.code, 'answered 400: "bad label"' in str(result.error)) == ("rejected", True)
    assert server.requests[0].path == "/prefix/api/v2/alerts"


def test_an_invalid_address_is_reported() -> None:
    notifier = AlertmanagerNotifier("ftp://x")
    assert "alertmanager_url (ALERTMANAGER_URL)" in notifier.config_error
    assert notifier.notify(make(), 5).code == "invalid_address"
