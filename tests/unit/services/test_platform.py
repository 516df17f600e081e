from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flext_observability import (
    FlextAlert,
    FlextContainer,
    FlextHealthCheck,
    FlextLogEntry,
    FlextObservabilityPlatformV2,
    FlextObservabilityRepository,
    FlextTrace,
    SQLiteStorage,
)
from tests.recorded import Recorded
from tests.threads import in_threads

Platform = FlextObservabilityPlatformV2


def test_created_entities_are_emitted_and_stored(recorded: Recorded) -> None:
    with Platform() as platform:
        metric = platform.create_metric("fill", 0.5, "ratio", {"host": "a"}, "gauge").unwrap()
        trace = platform.create_trace("checkout", "shop", {"items": 2}).unwrap()
        alert = platform.create_alert("disk", "error", "full", "node-1", {"free": 0}).unwrap()
        check = platform.create_health_check("database", "degraded", "slow", {"ms": 900}).unwrap()
        entry = platform.create_log_entry("info", "hello", {"a": 1}).unwrap()
        assert platform.complete_trace(trace).success
        repository = platform.repository
        assert repository.find_metrics_by_name("fill").data == [metric]
        assert repository.find_traces_by_name("checkout").data == [trace]
        assert repository.find_alerts_by_name("disk").data == [alert]
        assert repository.find_health_checks_by_name("database").data == [check]
        assert repository.find_log_entries_by_level("info").data == [entry]
    assert recorded.values("fill") == {(("host", "a"),): 0.5}
    assert recorded.span("checkout").status.is_ok
    assert recorded.values("flext.health.status") == {(("flext.check", "database"),): 0.5}
    assert {str(record.body) for record in recorded.logs()} >= {"full", "hello"}


def test_entities_are_emitted_once_and_stored(recorded: Recorded) -> None:
    platform = Platform()
    metric = platform.factory.create_metric("hits", 2, metric_type="counter").unwrap()
    entry = FlextLogEntry(level="info", message="hello")
    for _ in range(2):
        assert platform.record_metric(metric).data is metric
        assert platform.log(entry).data is entry
    trace = FlextTrace(operation_name="checkout", service_name="shop")
    assert platform.start_trace(trace).data is trace
    assert platform.process_alert(FlextAlert(name="disk", severity="error", message="full")).success
    assert platform.check_health(FlextHealthCheck(name="database")).success
    assert platform.repository.count().data == 5
    assert recorded.values("hits") == {(): 2}
    assert [record.body for record in recorded.logs() if record.body == "hello"] == ["hello"]


def test_a_trace_that_fails_is_stored_as_failed() -> None:
    platform = Platform()
    trace = platform.create_trace("checkout", "shop").unwrap()
    assert [each.status for each in platform.repository.find_traces_by_name("checkout").unwrap()] == ["unset"]
    assert platform.error_trace(trace, "no card").success
    (found,) = platform.repository.find_traces_by_name("checkout").unwrap()
    assert (found.status, found.end_time) == ("error", trace.end_time)


def test_an_alert_is_stored_at_each_step() -> None:
    platform = Platform()
    alert = platform.create_alert("disk", "warning", "filling").unwrap()
    escalated = platform.escalate_alert(alert, {"level": 2, "reason": "no reaction"}).unwrap()
    assert (escalated.id, escalated.escalation_level) == (alert.id, 2)
    assert [each.status for each in platform.repository.find_alerts_by_name("disk").unwrap()] == ["escalated"]
    assert platform.resolve_alert(alert.id).success
    assert [each.status for each in platform.repository.find_alerts_by_name("disk").unwrap()] == ["resolved"]


def test_the_short_names_do_the_same() -> None:
    platform = Platform()
    assert platform.metric("api_requests", 1, "count").success
    assert platform.trace("user_workflow", "web-service").success
    assert platform.alert("high_cpu", "warning", "CPU usage high").success
    assert platform.health_check("database").success
    assert platform.log("info", "hello", {"a": 1}, b=2).success
    assert platform.repository.count().data == 5


def test_a_registered_check_is_run_and_stored() -> None:
    platform = Platform()
    platform.health.register_check("database", lambda: False)
    assert platform.check_health("database").unwrap().status == "unhealthy"
    assert len(platform.repository.find_health_checks_by_name("database").unwrap()) == 1


def test_operations_may_be_awaited() -> None:
    platform = Platform()

    async def fine() -> bool:
        await asyncio.sleep(0)
        return True

    async def work() -> list[bool]:
        platform.health.register_check("database", fine)
        return [
            (await platform.create_metric("load", 1)).success,
            (await platform.create_alert("disk", "error", "full")).success,
            (await platform.check_health("database")).success,
            (await platform.log("info", "hello")).success,
        ]

    assert asyncio.run(work()) == [True] * 4
    assert platform.repository.count().data == 4


@pytest.mark.parametrize(
    ("call", "start"),
    [
        (lambda platform: platform.create_metric(None, 1), "Invalid metric name"),
        (lambda platform: platform.create_metric("load", True), "Invalid metric value"),
        (lambda platform: platform.create_trace(""), "Invalid operation name"),
        (lambda platform: platform.create_alert("disk", "loud", "full"), "Invalid alert severity"),
        (lambda platform: platform.create_health_check("database", "?"), "Invalid health check status"),
        (lambda platform: platform.create_log_entry("loud", "hello"), "Invalid log level"),
        (lambda platform: platform.log("info"), "Invalid log message"),
        (lambda platform: platform.complete_trace("checkout"), "Invalid trace"),
        (lambda platform: platform.resolve_alert(5), "Invalid alert"),
    ],
)
def test_invalid_arguments_fail_and_store_nothing(call: Callable[[Any], Any], start: str) -> None:
    platform = Platform()
    assert call(platform).error[: len(start)] == start
    assert platform.repository.count().data == 0


def test_a_failure_of_the_storage_is_the_failure_of_the_operation(recorded: Recorded, tmp_path: Path) -> None:
    platform = Platform(storage=SQLiteStorage(tmp_path))
    result = platform.create_metric("load", 1)
    assert (result.code, "the path is a directory. Pass the path of a file." in str(result.error)) == (
        "storage_unavailable",
        True,
    )
    assert recorded.values("load") == {(): 1}  # emitted even so


def test_repository_clock_and_ids_of_the_container_are_used() -> None:
    class Clock:
        def time_ns(self) -> int:
            return 1_700_000_000_000_000_000

        def monotonic(self) -> float:
            return 0.0

    container, repository = FlextContainer(), FlextObservabilityRepository()
    container.register("repository", repository)
    container.register("clock", Clock())
    container.register("id_generator", iter("abc").__next__)
    with Platform(container) as platform:
        assert platform.repository is repository
        metric = platform.create_metric("load", 1).unwrap()
    assert (metric.id, metric.timestamp.year) == ("a", 2023)
    assert repository.find_metrics_by_name("load").data == [metric]  # the container's: not closed with the platform
    assert Platform(container, storage="memory").repository is not repository


def test_storing_fails_after_close() -> None:
    with Platform(storage="memory") as platform:
        pass
    assert platform.create_metric("load", 1).code == "storage_closed"


def test_threads_create_concurrently() -> None:
    platform = Platform()
    in_threads(lambda _: [platform.create_metric("stored", 1, metric_type="counter") for _ in range(1000)])
    assert platform.repository.count("metric").data == 8000
    assert "stored 8000.0" in platform.metrics.export_prometheus_format().unwrap()
