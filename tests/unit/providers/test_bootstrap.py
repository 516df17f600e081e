"""A start that fails late changes nothing: the earlier configuration works as before."""

from __future__ import annotations

import threading

import pytest
from opentelemetry import propagate, trace

from flext_observability import get_observability, init_observability, register_exporter
from flext_observability.domain.report import Signal
from flext_observability.providers import bootstrap
from tests.fakes import OneExporterFactory, ScriptedExporter

TRACES: tuple[Signal, ...] = ("traces",)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> ScriptedExporter:
    """Let a second start fail after its first steps, and return its exporter."""
    exporter, first = ScriptedExporter(), ScriptedExporter()
    register_exporter("first", OneExporterFactory(lambda _: first, TRACES)).unwrap()
    register_exporter("second", OneExporterFactory(lambda _: exporter, TRACES)).unwrap()
    init_observability(exporters={"traces": "first"}, service_name="first", console=False).unwrap()

    def fail(*_: object) -> None:
        raise KeyError("late")

    monkeypatch.setattr(bootstrap, "make_loggers", fail)
    return exporter


def second_start() -> str | None:
    exporters: dict[Signal, str] = {"traces": "second", "metrics": "prometheus_sdk", "logs": "memory"}
    return init_observability(exporters=exporters, service_name="second", propagators="b3", console=False).code


def test_the_earlier_configuration_stays_in_use(failing: ScriptedExporter) -> None:
    propagator, threads = propagate.get_global_textmap(), set(threading.enumerate())
    assert second_start() == "internal"
    handle = get_observability().unwrap()
    assert handle.config.service_name == "first"
    trace.get_tracer("t").start_span("span").end()
    assert handle.flush(5).unwrap().complete
    assert handle.status()["traces"].deliveries[0].exported == 1
    assert propagate.get_global_textmap() is propagator
    new = [each.name for each in set(threading.enumerate()) - threads]
    assert new == ["flext-traces-first"]


def test_the_exporters_of_the_failed_start_are_closed(failing: ScriptedExporter) -> None:
    second_start()
    assert failing.closed
    assert failing.batches == []
