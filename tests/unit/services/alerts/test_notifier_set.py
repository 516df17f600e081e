"""Settings, container and users' calls → notifiers by name."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextAlertService,
    FlextContainer,
    FlextObservabilityConfig,
    flext_create_alert,
    init_observability,
)
from flext_observability.extensions.registry import register_notifier
from flext_observability.runtime.scheduler import scheduler
from flext_observability.services.alerts.receivers.webhook import WebhookNotifier
from tests.backends.collector import collector
from tests.unit.services.alerts.parts import BUSY, ResendingNotifier, ScriptedNotifier, flush, make, service_with
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _no_jobs_left() -> Iterator[None]:
    yield
    for name in scheduler().names():
        scheduler().cancel(name)


@pytest.fixture
def service() -> Iterator[FlextAlertService]:
    created = FlextAlertService()
    yield created
    created.disconnect(time.monotonic() + 1)


def config(**settings: Any) -> FlextObservabilityConfig:
    return init_observability(exporters="none", **settings).unwrap().config


def names(service: FlextAlertService) -> list[str]:
    return [status.name for status in service.notifiers().unwrap()]


def nothing() -> list[Any]:
    return []


def test_a_function_and_an_object_can_be_added_and_removed(service: FlextAlertService) -> None:
    received: list[FlextAlert] = []
    notifier = ScriptedNotifier()
    assert service.add_notifier("list", received.append).success
    assert service.add_notifier("object", notifier, severities=["critical"]).success
    service.process_alert(make())
    service.process_alert(make(name="b", severity="critical"))
    assert flush(service)
    assert ([alert.name for alert in received], [alert.name for alert in notifier.received]) == (["disk", "b"], ["b"])
    assert service.remove_notifier("list").success
    assert names(service) == ["object"]
    result = service.remove_notifier("list")
    assert (result.code, "(object)" in str(result.error)) == ("unknown_notifier", True)
    unknown: Any = 5
    assert service.remove_notifier(unknown).code == "unknown_notifier"


def test_a_replacement_gets_the_queued_notifications(service: FlextAlertService) -> None:
    first, second = ScriptedNotifier(BUSY), ScriptedNotifier()
    service.add_notifier("n", first)
    service.process_alert(make())
    assert eventually(lambda: service.notifiers().unwrap()[0].last_error)
    service.add_notifier("n", second)
    assert flush(service)
    assert (len(first.received), len(second.received)) == (1, 1)


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ({"name": " "}, "Invalid notifier name: ' '"),
        ({"name": 5}, "Invalid notifier name: 5"),
        ({"name": "x" * 101}, "Invalid notifier name: "),
        ({"notifier": None}, "Invalid notifier: NoneType cannot be called"),
        ({"severities": "critical"}, "Invalid notifier severities: 'critical'"),
        ({"severities": ["loud"]}, "Invalid notifier severities: ('loud',)"),
    ],
)
def test_invalid_arguments_are_named(service: FlextAlertService, given: dict[str, Any], prefix: str) -> None:
    arguments: dict[str, Any] = {"name": "n", "notifier": print, **given}
    result = service.add_notifier(**arguments)
    assert result.code == "invalid_notifier"
    assert str(result.error).startswith(prefix)
    assert service.notifiers().unwrap() == ()


def shout(_: FlextAlert) -> None:
    """Ignore an alert."""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": shout, "b": ScriptedNotifier()}, ["a", "b"]),
        ([shout, shout], ["shout", "shout_2"]),
        (ScriptedNotifier(), ["ScriptedNotifier"]),
        (None, []),
        ([5], []),
    ],
)
def test_a_container_may_hold_notifiers(given: Any, expected: list[str], caplog: pytest.LogCaptureFixture) -> None:
    container = FlextContainer()
    container.register("notifiers", given)
    assert names(FlextAlertService(container)) == expected
    assert ("cannot be called" in caplog.text) == (given == [5])


def test_settings_name_notifiers(
    service: FlextAlertService, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[FlextAlert] = []
    monkeypatch.setenv("FLEXT_OBSERVABILITY_ALERT_NOTIFIERS", "pager-of-a-test,unknown")
    register_notifier("pager-of-a-test", received.append)
    with collector() as alertmanager, collector() as webhook:
        settings = config(
            alertmanager_url=alertmanager.url, alert_webhook_url=f"{webhook.url}/hook", service_name="shop"
        )
        service.configure(settings)
        assert names(service) == ["alertmanager", "webhook", "pager-of-a-test"]
        service.process_alert(make())
        assert flush(service)
        assert b'"service":"shop"' in alertmanager.requests[0].body
        assert webhook.requests[0].path == "/hook"
    assert len(received) == 1
    assert [line[:34] for line in caplog.messages] == ["Notifier unknown cannot be used: U"]
    assert [status.delivered for status in service.notifiers().unwrap()] == [1, 1, 1]


def test_an_invalid_address_is_logged_at_the_start(
    service: FlextAlertService, caplog: pytest.LogCaptureFixture
) -> None:
    register_notifier("hook-of-a-test", WebhookNotifier("http://me:secret@a\u2028b"))  # not a valid host
    service.configure(config(alert_notifiers="hook-of-a-test"))
    problem = "The address or a header is invalid. Correct alert_webhook_url (FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL)."
    assert caplog.messages == [f"Notifier hook-of-a-test: {problem}"]
    service.process_alert(make())
    assert flush(service)
    assert service.notifiers().unwrap()[0].failed == 1
    assert "secret" not in caplog.text + repr(service.notifiers().unwrap())


def test_later_settings_replace_earlier_ones_and_keep_added_notifiers(service: FlextAlertService) -> None:
    service.configure(config(alertmanager_url="http://127.0.0.1:1", alert_webhook_url="http://127.0.0.1:1"))
    service.add_notifier("own", print)
    service.add_notifier("webhook", print)  # added by a call from now on
    service.configure(config(alert_webhook_url="http://127.0.0.1:2"))
    assert names(service) == ["webhook", "own"]
    service.process_alert(make())
    assert flush(service)
    service.configure(config())
    assert names(service) == ["webhook", "own"]


def test_a_second_start_uses_the_notifiers_of_its_settings() -> None:
    with collector() as first, collector() as second:
        for server in (first, second):
            settings: dict[str, Any] = {"exporters": "none", "alert_webhook_url": server.url}
            handle = init_observability(**settings).unwrap()
            flext_create_alert(f"disk of {server.port}", "error", "full")
            assert handle.flush(5).unwrap().complete
        assert (len(first.requests), len(second.requests)) == (1, 1)


def test_after_the_end_notifiers_of_the_settings_get_nothing(service: FlextAlertService) -> None:
    own = ScriptedNotifier()
    with collector() as webhook:
        settings = config(alert_webhook_url=webhook.url)
        service.configure(settings)
        service.connect(nothing)
        service.add_notifier("own", own)
        service.disconnect(time.monotonic() + 5)
        service.process_alert(make())
        assert flush(service)
        assert (len(webhook.requests), len(own.received)) == (0, 1)
        service.configure(settings)
        service.process_alert(make(name="b"))
        assert flush(service)
        assert len(webhook.requests) == 1


def test_notifications_left_at_the_end_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    service = service_with(ScriptedNotifier(BUSY, BUSY))
    service.process_alert(make())
    service.disconnect(time.monotonic() + 5)
    assert service.notifiers().unwrap()[0].dropped == 1
    assert caplog.messages[-1] == "Notifier n: 1 notification dropped (the server is busy)"


def test_active_alerts_are_sent_again_to_notifiers_that_need_it(service: FlextAlertService) -> None:
    notifier = ResendingNotifier()
    notifier.refresh_seconds = 0.02
    service.connect(nothing)
    service.add_notifier("f", notifier)

    def raise_another(alert: FlextAlert) -> None:
        if (alert.name, alert.status) == ("disk", "active"):
            service.process_alert(make(name="nested"))

    service.add_notifier("nested", raise_another)
    assert scheduler().names() == ()
    service.process_alert(make())
    assert eventually(lambda: len(service.active_alerts().unwrap()) == 2)
    service.process_alert(make(name="query"))
    assert eventually(lambda: ["disk", "query"] in notifier.rounds)  # without the alert that a notifier raised
    assert not any("nested" in names for names in notifier.rounds)
    for alert in service.active_alerts().unwrap():
        service.resolve_alert(alert)
    assert scheduler().names() == ()


def test_a_removed_notifier_is_not_resent_to(service: FlextAlertService) -> None:
    service.connect(nothing)
    service.process_alert(make())
    service.add_notifier("f", ResendingNotifier())
    assert is_resent("f")
    service.remove_notifier("f")
    assert not is_resent("f")


def is_resent(notifier: str) -> bool:
    return any(name.startswith(f"flext-alerts-{notifier}-") for name in scheduler().names())


def test_a_replacement_without_resending_is_not_resent_to(service: FlextAlertService) -> None:
    service.connect(nothing)
    service.process_alert(make())
    service.add_notifier("f", ResendingNotifier())
    service.add_notifier("f", ScriptedNotifier())
    assert not is_resent("f")


def test_a_notifier_that_is_removed_while_its_resending_is_scheduled_is_not_resent_to(
    service: FlextAlertService,
) -> None:
    remover = threading.Thread(target=service.remove_notifier, args=("f",))

    class RemovedMeanwhile(ResendingNotifier):
        @property
        def refresh_seconds(self) -> float:  # type: ignore[override]  # read while the job is scheduled
            if remover.ident is None:
                remover.start()
                remover.join(0.2)
            return 60.0

    service.add_notifier("f", RemovedMeanwhile())
    service.process_alert(make())
    service.connect(nothing)
    remover.join(5)
    assert (remover.is_alive(), names(service), is_resent("f")) == (False, [], False)


def test_the_periodic_work_checks_for_hung_calls(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("flext_observability.services.alerts.notification_queue.CALL_TIMEOUT_SECONDS", 0.0)
    notifier = ScriptedNotifier()
    notifier.hold.clear()
    service = service_with(notifier)
    service.process_alert(make())
    assert notifier.called.wait(5)
    service.run_pending()
    assert service.notifiers().unwrap()[0].failed == 1
    notifier.hold.set()
