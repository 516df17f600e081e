"""Set-up calls whose results are seldom read: a failure is one line in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from flext_observability import (
    FlextAlertService,
    FlextHealthService,
    FlextObservabilityMonitor,
    FlextResult,
    register_exporter,
    register_notifier,
    register_plugin,
    register_storage,
    start_ops_server,
)
from flext_observability.domain.setup_result import log_failed_setup

WRONG = cast("Any", object())
SETUP_CALLS: dict[str, Callable[[], FlextResult[Any]]] = {
    "register_exporter": lambda: register_exporter("x", WRONG),
    "register_notifier": lambda: register_notifier("x", WRONG),
    "register_plugin": lambda: register_plugin("x", WRONG),
    "register_storage": lambda: register_storage("x", WRONG),
    "start_ops_server": lambda: start_ops_server(port=70_000),
    "register_check": lambda: FlextHealthService().register_check("", lambda: True),
    "add_notifier": lambda: FlextAlertService().add_notifier("", print),
    "add_rule": lambda: FlextAlertService().add_rule(WRONG),
    "FlextObservabilityMonitor.start": lambda: FlextObservabilityMonitor().start(),
}


@pytest.mark.parametrize("call", SETUP_CALLS)
def test_a_failed_set_up_call_is_logged_once(call: str, caplog: pytest.LogCaptureFixture) -> None:
    result = SETUP_CALLS[call]()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", f"{call} failed: {result.error}")
    ]


def test_a_rule_of_a_monitor_that_is_not_valid_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    from flext_observability import init_observability

    init_observability(exporters="memory", console=False)
    assert FlextObservabilityMonitor(rules=[WRONG]).start().code == "invalid_alert_rule"
    assert len(caplog.records) == 1


def test_a_success_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert log_failed_setup("call", FlextResult.ok(5)).unwrap() == 5
    assert caplog.records == []
