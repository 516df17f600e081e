from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flext_observability import FlextAlert, WebhookNotifier
from tests.backends.collector import Answer, collector


def make(**fields: Any) -> FlextAlert:
    return FlextAlert.model_validate({"name": "disk", "severity": "error", "message": "full", **fields})


def sent(alert: FlextAlert, **options: Any) -> Any:
    with collector() as server:
        assert WebhookNotifier(f"{server.url}/hook", **options).notify(alert, 5).success
        (request,) = server.requests
    assert request.path == "/hook"
    return json.loads(request.body)


def test_the_whole_alert_is_sent() -> None:
    raised = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    alert = make(source="host", details={"labels": {"b": 1}, "free": 0.5, "x": {"y": [1]}}, timestamp=raised)
    document = sent(alert.model_copy(update={"status": "escalated", "escalation_level": 2}))
    assert document.pop("sent_at").endswith("Z")
    assert document == {
        "version": "1",
        "status": "escalated",
        "fingerprint": alert.fingerprint,
        "alert": {
            "id": alert.id,
            "name": "disk",
            "severity": "error",
            "message": "full",
            "source": "host",
            "status": "escalated",
            "escalation_level": 2,
            "timestamp": "2026-01-02T03:04:05.678Z",
            "labels": {"b": "1"},
            "details": {"free": 0.5, "x": '{"y":[1]}'},
        },
    }


@pytest.mark.parametrize("secret", ["key", b"key"])
def test_a_body_can_be_signed(secret: str | bytes) -> None:
    with collector() as server:
        notifier = WebhookNotifier(server.url, secret=secret, headers={"X-Tenant": "a"})
        assert notifier.notify(make(), 5).success
        (request,) = server.requests
    expected = hmac.new(b"key", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-flext-signature"] == f"sha256={expected}"
    assert request.headers["x-tenant"] == "a"


def test_without_a_secret_there_is_no_signature() -> None:
    with collector() as server:
        WebhookNotifier(server.url).notify(make(), 5)
        assert "x-flext-signature" not in server.requests[0].headers


def test_unusual_content_is_bounded_and_valid_json() -> None:
    details: dict[str, Any] = {str(number): number for number in range(1000)}
    details |= {"0": float("nan"), "1": "\ud800", "2": details, "3": "x" * 100_000}
    alert = make(name="n" * 100_000, details=details, timestamp=datetime.max.replace(tzinfo=UTC))
    document = sent(alert)["alert"]
    assert (document["details"]["0"], document["details"]["1"], len(document["details"])) == ("NaN", "\ufffd", 100)
    assert len(document["name"].encode()) <= 8192
    assert document["timestamp"] < "2100"  # an alert of the future was raised now


def test_an_invalid_address_is_reported() -> None:
    with collector() as server:
        server.standing = Answer(503, {"retry-after": "9"})
        notifier = WebhookNotifier(server.url)
        assert (notifier.notify(make(), 5).code, notifier.retry_after_seconds) == ("unavailable", 9.0)
    assert "alert_webhook_url" in WebhookNotifier("").config_error
    assert notifier.config_error == ""


@pytest.mark.parametrize("status", [302, 401, 404, 503])
def test_path_and_query_are_not_shown(status: int) -> None:
    with collector() as server:
        server.standing = Answer(status, {"location": "https://other.example/services/plain"}, b"no /services/plain")
        result = WebhookNotifier(f"{server.url}/services/plain?key=plain").notify(make(), 5)
        assert server.requests[0].path == "/services/plain?key=plain"
    assert f"{server.url}/… answered {status}: https://other.example/…" in str(result.error)
    assert "plain" not in repr(result)
