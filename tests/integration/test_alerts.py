"""Programs that raise alerts: receivers that are down, slow or reject, hung notifiers, forks and exits."""

from __future__ import annotations

import json
from typing import Any

from tests.backends.collector import Answer, Collector, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.programs import run

START = """
import os, threading, time
from flext_observability import flext_create_alert, get_observability, init_observability
handle = init_observability(exporters="none", shutdown_timeout_seconds=1.0).unwrap()
"""


def statuses(server: Collector) -> list[str]:
    """Return the status of each alert posted to a webhook."""
    return [json.loads(request.body)["status"] for request in server.requests]


def alerts(server: Collector) -> list[Any]:
    """Return what was posted to an Alertmanager."""
    return [row for request in server.requests for row in json.loads(request.body)]


def test_an_alertmanager_that_is_down_costs_one_line_and_no_time() -> None:
    program = f"""{START}
began = time.monotonic()
for number in range(100):
    flext_create_alert(f"disk {{number}}", "error", "full")
assert time.monotonic() - began < 0.5
print(handle.flush(0.3).unwrap().complete)
print(handle.alerts.notifiers().unwrap()[0].queued)
"""
    with refusing_port() as port:
        finished = run(program, ALERTMANAGER_URL=f"http://me:secret@127.0.0.1:{port}")
    assert (finished.code, finished.lines) == (0, ["False", "100"])
    lines = finished.err.splitlines()
    assert len(lines) == 2
    assert "Notifier alertmanager is down, waiting to send again" in lines[0]
    assert "Notifier alertmanager: 100 notifications dropped" in lines[1]
    assert "secret" not in finished.err


def test_a_receiver_that_recovers_gets_the_latest_state() -> None:
    program = f"""{START}
alert = flext_create_alert("disk", "error", "full").unwrap()
while not handle.alerts.notifiers().unwrap()[0].last_error: time.sleep(0.01)
handle.alerts.escalate_alert(alert)
handle.alerts.resolve_alert(alert)
while handle.alerts.notifiers().unwrap()[0].queued: time.sleep(0.01)
"""
    with collector() as server:
        server.answers.append(Answer(503, {"retry-after": "1"}))
        finished = run(program, FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL=server.url)
        assert statuses(server) == ["active", "resolved"]
    assert finished.code == 0
    assert [line.split(": ")[0] for line in finished.err.splitlines()] == [
        "Notifier webhook is down, waiting to send again",
        "Notifier webhook has recovered",
    ]


def test_a_status_400_is_reported_and_not_retried() -> None:
    program = f"""{START}
flext_create_alert("disk", "error", "full")
handle.flush(5)
print(handle.alerts.notifiers().unwrap()[0])
"""
    with collector() as server:
        server.standing = Answer(400, body=b"bad label")
        finished = run(program, ALERTMANAGER_URL=f"127.0.0.1:{server.port}/am/")
        assert [request.path for request in server.requests] == ["/am/api/v2/alerts"]
    assert "failed=1" in finished.out
    assert "answered 400: bad label" in finished.out
    assert len(finished.err.splitlines()) == 1


def test_a_silent_alertmanager_costs_no_more_than_the_deadline() -> None:
    program = f"""{START}
flext_create_alert("disk", "error", "full")
began = time.monotonic()
handle.shutdown(0.3)
print(time.monotonic() - began < 1.0, handle.alerts.notifiers().unwrap()[0].dropped)
"""
    with raw_server(silent) as server:
        finished = run(program, ALERTMANAGER_URL=server.url)
    assert (finished.code, finished.lines) == (0, ["True 1"])
    assert finished.seconds < 5


def test_a_queued_alert_gets_one_last_attempt_while_the_collector_is_silent() -> None:
    program = f"""{START}
handle = init_observability(console=False).unwrap()
flext_create_alert("disk", "error", "full")
while not handle.alerts.notifiers().unwrap()[0].last_error:
    time.sleep(0.01)
handle.shutdown(0.5)
print(handle.alerts.notifiers().unwrap()[0].delivered)
"""
    with raw_server(silent) as deaf, collector() as server:
        server.answers.append(Answer(503, {"retry-after": "30"}))
        settings = {"FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL": server.url, "OTEL_EXPORTER_OTLP_ENDPOINT": deaf.url}
        finished = run(program, **settings)
        assert statuses(server) == ["active", "active"]
    assert (finished.code, finished.lines) == (0, ["1"])


def test_a_notifier_that_hangs_or_exits_does_not_stop_the_program() -> None:
    program = f"""{START}
handle.alerts.add_notifier("hangs", lambda alert: threading.Event().wait())
handle.alerts.add_notifier("ends", lambda alert: os.sys.exit(3))
handle.alerts.add_notifier("prints", lambda alert: print(alert.name, alert.status, flush=True))
alert = flext_create_alert("disk", "error", "full").unwrap()
handle.flush(0.2)
handle.alerts.resolve_alert(alert)
"""
    finished = run(program)
    assert (finished.code, finished.lines) == (0, ["disk active", "disk resolved"])
    assert finished.seconds < 6


def test_an_alert_raised_just_before_the_end_is_sent() -> None:
    program = f"""{START}
flext_create_alert("disk", "error", "full")
"""
    with collector() as server:
        finished = run(program, FLEXT_OBSERVABILITY_ALERT_WEBHOOK_URL=server.url)
        assert statuses(server) == ["active"]
    assert (finished.code, finished.err) == (0, "")


def test_a_forked_child_sends_its_own_alerts_only() -> None:
    program = f"""{START}
flext_create_alert("of the parent", "error", "full")
if os.fork() == 0:
    assert handle.alerts.active_alerts().unwrap() == ()
    flext_create_alert("of the child", "error", "full")
    handle.shutdown()
    os._exit(0)
os.wait()
"""
    with collector() as server:
        # Newer versions of Python warn of every fork beside threads.
        settings = {"PYTHONWARNINGS": "ignore:This process:DeprecationWarning"}
        finished = run(program, ALERTMANAGER_URL=server.url, **settings)
        found = sorted(row["labels"]["alertname"] for row in alerts(server))
    assert (finished.code, finished.err, found) == (0, "", ["of the child", "of the parent"])


def test_alerts_of_threads_escalate_by_the_clock_of_the_program() -> None:
    program = """
import time
from flext_observability import flext_create_alert, init_observability
settings = {"alert_escalate_error_seconds": 0.1, "alert_rules_interval_seconds": 0.05}
with init_observability(exporters="none", **settings).unwrap() as handle:
    handle.alerts.add_notifier("prints", lambda alert: print(alert.status, alert.escalation_level, flush=True))
    alert = flext_create_alert("disk", "error", "full").unwrap()
    while handle.alerts.active_alerts().unwrap()[0].escalation_level < 3:
        time.sleep(0.01)
    handle.alerts.acknowledge_alert(alert)
"""
    finished = run(program)
    assert finished.code == 0, finished.err
    assert finished.lines == ["active 0", "escalated 1", "escalated 2", "escalated 3", "acknowledged 3"]
