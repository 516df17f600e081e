"""FlextObservabilityMonitor → measures and watches from start to stop, through starts and ends of telemetry."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from flext_observability import (
    FlextAlert,
    FlextAlertRule,
    FlextContainer,
    FlextMetricsCollector,
    FlextObservabilityMonitor,
    FlextResult,
    get_observability,
    shutdown_observability,
)
from flext_observability.runtime.scheduler import scheduler
from tests.recorded import Recorded, recording
from tests.waiting import eventually

HOT = FlextAlertRule("hot", metric="oven.temperature", above=200, severity="critical")
NOTHING = FlextMetricsCollector(process=False, system=False)


@pytest.fixture(autouse=True)
def _leave_no_rules() -> Iterator[None]:
    """The services of a process outlive each start."""
    yield
    with recording() as recorded:
        for rule in recorded.handle.alerts.rules().unwrap():
            recorded.handle.alerts.remove_rule(rule.name)


def active() -> list[FlextAlert]:
    return list(get_observability().unwrap().alerts.active_alerts().unwrap())


def test_a_rule_is_evaluated_between_start_and_stop(recorded: Recorded) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=NOTHING)
    assert [monitor.active, monitor.start().success] == [False, True]
    assert [monitor.active] == [True]
    recorded.handle.metrics.gauge("oven.temperature").set(250)
    (state,) = monitor.evaluate_now().unwrap()
    assert (state.rule, state.state, state.value) == ("hot", "firing", 250)
    assert [alert.name for alert in active()] == ["hot"]
    assert monitor.stop().success
    assert not monitor.active
    assert active() == []
    assert recorded.handle.alerts.rules().unwrap() == ()


def test_rules_are_evaluated_at_its_own_interval(recorded: Recorded) -> None:
    temperature = recorded.handle.metrics.gauge("oven.temperature")
    with FlextObservabilityMonitor(rules=[HOT], collector=NOTHING, interval_seconds=0.02) as monitor:
        temperature.set(250)
        assert eventually(lambda: len(active()) == 1)
        temperature.set(100)
        assert eventually(lambda: active() == [])
        assert monitor._job in scheduler().names()
    assert monitor._job not in scheduler().names()


def test_rules_are_evaluated_at_the_interval_of_the_settings() -> None:
    with recording(alert_rules_interval_seconds=0.02) as recorded:
        recorded.handle.metrics.gauge("oven.temperature").set(250)
        with FlextObservabilityMonitor(rules=[HOT], collector=NOTHING):
            assert eventually(lambda: len(active()) == 1)


def test_it_measures_process_and_host(recorded: Recorded) -> None:
    with FlextObservabilityMonitor():
        assert recorded.values("process.memory.usage")[()] > 0
        assert recorded.values("system.memory.limit")[()] > 0


def test_starting_and_stopping_twice_changes_nothing(recorded: Recorded) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=NOTHING)
    assert [monitor.start().success, monitor.start().success] == [True, True]
    assert recorded.handle.alerts.rules().unwrap() == (HOT,)
    assert [monitor.stop().success, monitor.stop().success] == [True, True]


def test_before_the_start_of_telemetry_the_fix_is_to_call_init() -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT])
    for result in (
        monitor.start(),
        monitor.evaluate_now(),
        monitor.flext_record_metric("a", 1),
        monitor.flext_get_health_status(),
    ):
        outcome = cast("FlextResult[Any]", result)
        assert outcome.code == "not_started"
        assert "init_observability()" in (outcome.error or "")
    assert not monitor.active
    assert monitor.status().rules == ()


@pytest.mark.parametrize("interval", [0, -1, 0.001, 90_000, True, "5", float("nan"), float("inf"), 10**400])
def test_an_invalid_interval_is_a_failure_and_starts_nothing(recorded: Recorded, interval: Any) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], interval_seconds=interval)
    started = monitor.start()
    assert started.code == "invalid_interval"
    assert (started.error or "").startswith("Invalid monitor interval: ")
    assert recorded.handle.alerts.rules().unwrap() == ()


@pytest.mark.parametrize("wrong", [FlextAlertRule("r", metric="m"), "cpu > 80", None])
def test_an_invalid_rule_is_a_failure_and_starts_nothing(recorded: Recorded, wrong: Any) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT, wrong])
    assert monitor.start().code == "invalid_alert_rule"
    assert not monitor.active
    assert recorded.handle.alerts.rules().unwrap() == ()


def test_a_collector_that_cannot_start_is_a_failure_and_leaves_no_rule(recorded: Recorded) -> None:
    class Broken:
        unavailable: dict[str, str] = {}  # noqa: RUF012

        def start(self) -> FlextResult[None]:
            return FlextResult[None].fail("no", code="internal")

    monitor = FlextObservabilityMonitor(rules=[HOT], collector=cast("FlextMetricsCollector", Broken()))
    assert monitor.start().code == "internal"
    assert recorded.handle.alerts.rules().unwrap() == ()


def test_it_continues_after_a_second_start_and_pauses_after_a_shutdown() -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=NOTHING)
    with recording() as first:
        assert monitor.start().success
        with recording() as second:
            second.handle.metrics.gauge("oven.temperature").set(250)
            assert monitor.evaluate_now().unwrap()[0].state == "firing"
    assert first.handle.metrics is second.handle.metrics
    shutdown_observability()
    assert [monitor.active, monitor.evaluate_now().code] == [False, "not_started"]
    assert monitor.status().uptime_seconds == 0
    with recording():
        assert monitor.active
        assert [rule.name for rule in get_observability().unwrap().alerts.rules().unwrap()] == ["hot"]
        assert monitor.stop().success


def test_stopped_after_a_shutdown_it_leaves_no_rule_to_the_next_start() -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=NOTHING)
    with recording():
        assert monitor.start().success
    assert monitor.stop().success
    with recording() as recorded:
        assert recorded.handle.alerts.rules().unwrap() == ()


def test_the_status_has_uptime_and_rules(recorded: Recorded) -> None:
    collector = FlextMetricsCollector(system=False)
    with FlextObservabilityMonitor(rules=[HOT], collector=collector) as monitor:
        recorded.handle.metrics.gauge("oven.temperature").set(100)
        monitor.evaluate_now()
        status = monitor.status()
    assert [status.active, status.uptime_seconds > 0] == [True, True]
    assert [(state.rule, state.state) for state in status.rules] == [("hot", "ok")]
    assert status.unavailable == {}


def test_rules_of_the_program_stay(recorded: Recorded) -> None:
    other = FlextAlertRule("other", metric="m", above=1)
    recorded.handle.alerts.add_rule(other)
    with FlextObservabilityMonitor(rules=[HOT], collector=NOTHING) as monitor:
        assert [state.rule for state in monitor.evaluate_now().unwrap()] == ["hot"]
    assert recorded.handle.alerts.rules().unwrap() == (other,)


def test_the_container_receives_the_active_services(recorded: Recorded) -> None:
    container = FlextContainer()
    with FlextObservabilityMonitor(container, collector=NOTHING):
        for name, service in (
            ("flext_metrics_service", recorded.handle.metrics),
            ("flext_tracing_service", recorded.handle.tracing),
            ("flext_alert_service", recorded.handle.alerts),
            ("flext_health_service", recorded.handle.health),
            ("flext_logging_service", recorded.handle.logs),
        ):
            assert container.get(name).unwrap() is service


def test_the_names_of_the_original_project_work(recorded: Recorded) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=FlextMetricsCollector(system=False))
    assert monitor.flext_initialize_observability().success
    assert monitor.flext_is_initialized()
    assert monitor.flext_start_monitoring().success
    assert monitor.flext_is_monitoring_active()
    assert monitor.flext_record_metric("oven.temperature", 250).success
    assert recorded.values("oven.temperature") == {(): 250}
    assert monitor.flext_record_metric("", 1).code == "invalid_metric"
    summary = monitor.flext_get_metrics_summary().unwrap()
    (memory,) = cast("list[dict[str, object]]", summary["process.memory.usage"])
    assert (memory["unit"], memory["tags"]) == ("By", {})
    assert monitor.flext_stop_monitoring().success
    assert not monitor.flext_is_monitoring_active()


def test_the_health_status_has_the_state_of_the_monitor(recorded: Recorded) -> None:
    recorded.handle.health.register_check("oven", lambda: True)
    with FlextObservabilityMonitor(rules=[HOT], collector=NOTHING) as monitor:
        health = monitor.flext_get_health_status().unwrap()
    metrics = cast("dict[str, Any]", health["monitor_metrics"])
    assert cast("dict[str, str]", health["checks"])["oven"] == "healthy"
    assert (metrics["services_initialized"], metrics["monitoring_active"]) == (True, True)
    assert metrics["rules"][0]["rule"] == "hot"


def test_the_health_status_is_awaited_inside_an_event_loop(recorded: Recorded) -> None:
    async def ask() -> set[object]:
        with FlextObservabilityMonitor(collector=NOTHING) as monitor:
            blocking = monitor.flext_get_health_status(blocking=True).unwrap()["status"]
            return {blocking, (await monitor.flext_get_health_status()).unwrap()["status"]}

    assert len(asyncio.run(ask()) & {"healthy", "degraded", "unhealthy"}) == 1


def test_initialize_starts_telemetry_with_the_environments_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    monitor = FlextObservabilityMonitor(collector=NOTHING)
    assert not monitor.flext_is_initialized()
    assert monitor.flext_initialize_observability().success
    assert monitor.flext_is_initialized()
    shutdown_observability()


def test_many_threads_start_and_stop_it(recorded: Recorded) -> None:
    monitor = FlextObservabilityMonitor(rules=[HOT], collector=NOTHING)

    def work() -> None:
        for _ in range(20):
            assert monitor.start().success
            assert monitor.stop().success

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not monitor.active
    assert recorded.handle.alerts.rules().unwrap() == ()
