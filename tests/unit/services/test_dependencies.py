from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextAlertRule,
    FlextAlertService,
    FlextContainer,
    FlextHealthCheck,
    FlextHealthService,
    FlextLoggingService,
    FlextMetricsService,
    FlextObservabilityRepository,
    FlextResult,
    FlextTracingService,
    SQLiteStorage,
)
from flext_observability.services.dependencies import find_clock

NOON_NS = 1_767_268_800_000_000_000


def fixed_container() -> FlextContainer:
    """Return a container with a fixed clock and sequential ids."""
    container, ids = FlextContainer(), iter(range(1, 100))
    container.register("clock", SimpleNamespace(time_ns=lambda: NOON_NS, monotonic=lambda: 1.0))
    container.register("id_generator", lambda: f"id-{next(ids)}")
    return container


def test_the_clock_of_the_container_or_the_system() -> None:
    container = FlextContainer()
    assert find_clock(None) is find_clock(container) is time
    container.register("clock", clock := SimpleNamespace())
    assert find_clock(container) is clock


def test_new_entities_have_time_and_id_from_the_container() -> None:
    container = fixed_container()
    created: list[Any] = [
        FlextMetricsService(container).record_metric("dependencies.gauge", 1).unwrap(),
        *FlextMetricsService(container).collect_metrics("shop", {"dependencies.gauge": 2}).unwrap(),
        FlextLoggingService(container).log("info", "hello").unwrap(),
        FlextTracingService(container).start_trace("work").unwrap(),
    ]
    assert [entity.id for entity in created] == ["id-1", "id-2", "id-3", "id-4"]
    moments = [getattr(entity, entity.time_field).isoformat() for entity in created]
    assert moments == ["2026-01-01T12:00:00+00:00"] * 4


def test_check_results_and_alerts_of_rules_have_time_and_id_from_the_container() -> None:
    container = fixed_container()
    health, alerts = FlextHealthService(container), FlextAlertService(container)
    health.register_check("disk", lambda: True).unwrap()
    alerts.add_rule(FlextAlertRule("silent", metric="dependencies.silent", absent_seconds=0.0)).unwrap()
    alerts.connect(list)
    alerts.run_pending()
    alerts.disconnect(0.0)
    (alert,) = alerts.active_alerts().unwrap()
    result = health.execute_health_check("disk").unwrap()
    assert (alert.id, result.id) == ("id-1", "id-2")
    assert {each.timestamp.isoformat() for each in (alert, result)} == {"2026-01-01T12:00:00+00:00"}


def raising() -> str:
    raise OSError("no entropy")


@pytest.mark.parametrize("new_id", [raising, lambda: 5])
def test_a_failing_id_generator_loses_no_result(new_id: object, caplog: pytest.LogCaptureFixture) -> None:
    container = FlextContainer()
    container.register("id_generator", new_id)
    health = FlextHealthService(container)
    health.register_check("disk", lambda: True).unwrap()
    assert health.execute_health_check("disk").unwrap().status == "healthy"
    assert "Getting id and time from the container failed" in caplog.text


def call_services(container: FlextContainer | None) -> list[Any]:
    """Call each service, and return the results."""
    tracing, alerts, health = (
        FlextTracingService(container),
        FlextAlertService(container),
        FlextHealthService(container),
    )
    trace = tracing.start_trace("stored")
    with tracing.trace("stored in a block") as block:
        pass
    alert = alerts.process_alert(FlextAlert(name="stored", severity="error", message="m"))
    health.register_check("run", lambda: True).unwrap()
    return [
        FlextMetricsService(container).record_metric("dependencies.stored", 1),
        FlextMetricsService(container).collect_metrics("shop", {"dependencies.stored": 2, "dependencies.more": 3}),
        *(trace, block, trace.flat_map(tracing.complete_trace)),
        *(alert, alert.flat_map(alerts.resolve_alert)),
        health.execute_health_check(FlextHealthCheck(name="reported")),
        health.execute_health_check("run"),
        FlextLoggingService(container).log("info", "stored"),
    ]


def test_a_repository_in_the_container_stores_the_entities_of_services() -> None:
    container, repository = FlextContainer(), FlextObservabilityRepository()
    container.register("repository", repository)
    assert all(result.success for result in call_services(container))
    counts = {kind: repository.count(kind).data for kind in ("metric", "trace", "alert", "health_check", "log")}
    assert counts == {"metric": 3, "trace": 2, "alert": 1, "health_check": 2, "log": 1}
    assert [each.status for each in repository.find_alerts_by_name("stored").unwrap()] == ["resolved"]
    names = ("stored", "stored in a block")
    assert [trace.status for name in names for trace in repository.find_traces_by_name(name).unwrap()] == ["ok", "ok"]


def test_a_failure_of_the_repository_is_the_failure_of_each_operation(tmp_path: Path) -> None:
    container = FlextContainer()
    container.register("repository", FlextObservabilityRepository(SQLiteStorage(tmp_path)))
    assert {result.code for result in call_services(container)} == {"storage_unavailable"}


def test_an_alert_of_a_rule_is_raised_once_when_storing_fails(tmp_path: Path) -> None:
    container = FlextContainer()
    container.register("repository", FlextObservabilityRepository(SQLiteStorage(tmp_path)))
    alerts = FlextAlertService(container)
    alerts.add_rule(FlextAlertRule("silent", metric="dependencies.silent", absent_seconds=0.0)).unwrap()
    alerts.connect(list)
    for _ in range(3):
        alerts.run_pending()
    (alert,) = alerts.active_alerts().unwrap()
    assert alert.name == "silent"
    alerts.remove_rule("silent").unwrap()
    alerts.disconnect(0.0)
    assert alerts.active_alerts().unwrap() == ()


@pytest.mark.parametrize(
    ("repository", "code"),
    [
        (SimpleNamespace(store_log_entry=lambda _: None), None),
        (SimpleNamespace(store_log_entry=FlextResult.ok), None),
        (SimpleNamespace(store_log_entry=lambda _: FlextResult.fail("full", code="full")), "full"),
        (SimpleNamespace(store_log_entry=lambda _: 1 / 0), "internal"),
        (object(), "invalid_repository"),
    ],
)
def test_a_foreign_repository(repository: object, code: str | None) -> None:
    container = FlextContainer()
    container.register("repository", repository)
    assert FlextLoggingService(container).log("info", "stored").code == code
