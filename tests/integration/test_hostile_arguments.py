"""Every public callable with hostile arguments: no exception, no endless call, and telemetry works afterwards.

Each part drives a share of the callables. ``HOSTILE_CALLS=all`` gives every argument every hostile object.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from flext_observability import (
    FlextResult,
    Observability,
    get_observability,
    init_observability,
    shutdown_observability,
)
from tests.hostility.arguments import parameters_of
from tests.hostility.driver import Driver
from tests.hostility.limits import interruptible
from tests.hostility.objects import hostile_objects
from tests.hostility.subjects import Subject, discover
from tests.recorded import Recorded, recording

pytestmark = pytest.mark.any_sdk

PARTS = 4
MIN_CALLS = 8_000
"""Minimum number of calls of one part."""


def start(*given: Any, **arguments: Any) -> FlextResult[Observability]:
    """Start telemetry with the exporter `memory`, unless the arguments name another one."""
    return init_observability(*given, **{"service_name": "hostile", "exporters": "memory", **arguments})


def restart() -> None:
    """Start telemetry again after a call that ended it."""
    if get_observability().is_failure:
        start().unwrap()


def new_driver() -> Driver:
    return Driver(hostile_objects(), os.environ.get("HOSTILE_CALLS") == "all", restart)


def assert_telemetry_works() -> None:
    """Assert that a span, a measurement and a log record arrive."""
    recorded = Recorded(get_observability().unwrap())
    with trace.get_tracer("after").start_as_current_span("after"):
        logging.getLogger("after").error("after")
    recorded.handle.metrics.counter("after").add(1)
    assert len(recorded.spans("after")) == 1
    assert "after" in {record.body for record in recorded.logs()}
    assert list(recorded.values("after").values()) == [1]


def test_every_callable_has_valid_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with recording():
        discovery = discover()
    assert discovery.problems == []
    assert len(discovery.subjects) > 250


@pytest.mark.parametrize("part", range(PARTS))
def test_no_hostile_argument_raises_or_hangs(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    driver = new_driver()
    with recording(), interruptible():
        subjects = discover().subjects
        for subject in list(subjects.values())[part::PARTS]:
            driver.drive(subject)
            if subject.owner is not None:
                driver.drive_instances(subject, subjects)
        assert_telemetry_works()
    record_property("calls", driver.calls)
    print(f"{driver.calls} calls with {len(driver.objects)} hostile objects")
    assert driver.faults == {}
    assert died == []
    assert driver.calls >= MIN_CALLS


def test_no_hostile_setting_raises_or_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    driver = new_driver()
    with interruptible():
        for number, (name, parameter) in enumerate(parameters_of(init_observability).items()):
            driver.drive_one_in(8, number, Subject(f"init_observability {name}", start, {name: parameter}, {}))
        assert driver.faults == {}
        start().unwrap()
        assert_telemetry_works()
    assert driver.calls >= 500


def test_no_hostile_timeout_of_the_shutdown_raises_or_hangs() -> None:
    driver = new_driver()
    restart()
    shutdown = Subject("shutdown_observability", shutdown_observability, parameters_of(shutdown_observability), {})
    with interruptible():
        driver.drive(shutdown)
    assert driver.faults == {}
    assert driver.calls >= 100
