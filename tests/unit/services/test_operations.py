"""Every operation of every service returns a result, which may be awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from flext_observability import (
    FlextAlertService,
    FlextHealthService,
    FlextLoggingService,
    FlextMetricsService,
    FlextObservabilityRepository,
    FlextResult,
    FlextTracingService,
)

NOT_OPERATIONS = {"counter", "up_down_counter", "gauge", "histogram", "span", "trace", "check"}
# Called when a configuration starts and stops.
LIFECYCLE = {
    "configure",
    "connect",
    "begin_drain",
    "flush",
    "disconnect",
    "reinit_after_fork",
    "run_pending",
    "resize_store",
}
SERVICES = (
    FlextAlertService,
    FlextHealthService,
    FlextLoggingService,
    FlextMetricsService,
    FlextObservabilityRepository,
    FlextTracingService,
)


def operations(service: type) -> dict[str, Callable[..., object]]:
    """Return the public methods of a service by name, without instruments, context managers and life cycle."""
    methods = {name: each for name, each in vars(service).items() if inspect.isfunction(each) and name[0] != "_"}
    excluded = NOT_OPERATIONS - ({"trace"} if service is FlextLoggingService else set())
    return {name: each for name, each in methods.items() if name not in excluded | LIFECYCLE}


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_returns_a_result(service: type) -> None:
    returned = {name: str(inspect.get_annotations(each)["return"]) for name, each in operations(service).items()}
    assert {name: kind for name, kind in returned.items() if not kind.startswith("FlextResult[")} == {}


def test_reading_operations_may_be_awaited() -> None:
    alerts, health, metrics = FlextAlertService(), FlextHealthService(), FlextMetricsService()
    reads: list[Callable[[], FlextResult[Any]]] = [
        *(alerts.active_alerts, alerts.notifiers, alerts.rules, alerts.rule_states),
        *(health.checks, metrics.conflicts, metrics.export_prometheus_format),
    ]

    async def read() -> list[bool]:
        return [(await each()).success and each().success for each in reads]

    assert asyncio.run(read()) == [True] * len(reads)
