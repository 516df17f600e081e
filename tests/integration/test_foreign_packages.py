"""Installed packages, and processors that the program adds, raise any exception: they cost only themselves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor

from flext_observability import (
    extract_context,
    inject_context,
    register_exporter,
    traced,
)
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.installed import install
from tests.integration.foreign_code import KINDS, Fail, Table, exported, raising, run_case, start
from tests.integration.prometheus_page import scrape

case = Table()


@case
def span_processor(fail: Fail) -> None:
    class Failing(SpanProcessor):
        on_start = on_end = shutdown = force_flush = fail

    good = ScriptedExporter()
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"traces"})).success
    handle = start(exporters={"traces": ["good"], "metrics": [], "logs": []})
    provider: Any = trace.get_tracer_provider()
    provider.add_span_processor(Failing())
    for name in ("one", "two"):
        with traced(name):
            pass
    handle.flush(5)
    assert exported(good) == [["one", "two"]]
    assert handle.shutdown(5).success


@case
def log_record_processor(fail: Fail) -> None:
    class Failing(LogRecordProcessor):
        on_emit = shutdown = force_flush = fail

    good = ScriptedExporter()
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"logs"})).success
    handle = start(exporters={"traces": [], "metrics": [], "logs": ["good"]})
    provider: Any = get_logger_provider()
    provider.add_log_record_processor(Failing())
    for _ in range(2):
        logging.getLogger("app").error("line")
    handle.flush(5)
    assert sum(map(len, good.batches)) == 2
    assert handle.shutdown(5).success


SOURCE = """
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace.sampling import Sampler

fail = None

class Failing:
    def __init__(self, *_):
        pass
    def __getattr__(self, name):
        fail()

class FailingSampler(Sampler):
    def __init__(self, *_):
        pass
    def should_sample(self, *_, **__):
        fail()
    def get_description(self):
        return "failing"

class FailingPropagator(TextMapPropagator):
    def inject(self, *_, **__):
        fail()
    extract = inject
    @property
    def fields(self):
        fail()

class FailingInstrumentor:
    is_instrumented_by_opentelemetry = False
    def instrument(self, **_):
        fail()
    uninstrument = instrument
"""


@case
def sampler(fail: Fail) -> None:
    good = ScriptedExporter()
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"traces"})).success
    handle = start(exporters={"traces": ["good"], "metrics": [], "logs": []}, sampler="failing")
    trace.get_tracer("t").start_span("one").end()
    handle.flush(5)
    assert exported(good) == [["one"]]


@case
def propagator(fail: Fail) -> None:
    start(propagators=["failing", "tracecontext"], exporters="memory")
    with traced("one") as span:
        carrier = inject_context({})
    assert carrier["traceparent"].split("-")[1] == f"{span.get_span_context().trace_id:032x}"
    found = trace.get_current_span(extract_context(carrier)).get_span_context()
    assert found.trace_id == span.get_span_context().trace_id


@case
def instrumentation(fail: Fail) -> None:
    handle = start(instrument=["failing"])
    assert "Instrumentation 'failing' failed" in handle.status()["traces"].reason


@case
def resource_detector(fail: Fail) -> None:
    handle = start(resource_detectors=["failing", "otel"])
    assert any("'failing' failed" in notice.message for notice in handle.status()["metrics"].notices)
    assert scrape(handle.ops_address).status == 200


@pytest.fixture
def failing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Install a package whose sampler, propagator, detector and instrumentation raise."""
    kinds = {
        "opentelemetry_traces_sampler": "FailingSampler",
        "opentelemetry_propagator": "FailingPropagator",
        "opentelemetry_resource_detector": "Failing",
        "opentelemetry_instrumentor": "FailingInstrumentor",
    }
    install(
        tmp_path,
        monkeypatch,
        "failing_code",
        SOURCE,
        {group: {"failing": f"failing_code:{name}"} for group, name in kinds.items()},
    )
    import failing_code  # type: ignore[import-not-found]  # the package above

    yield failing_code
    del sys.modules["failing_code"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", case)
def test_it_costs_only_itself(name: str, kind: type[BaseException], failing_package: Any) -> None:
    fail = failing_package.fail = raising(kind)
    run_case(case[name], fail)
