"""Code of other people raises any exception, in each place that calls it: it costs only itself."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from prometheus_client.core import GaugeMetricFamily

from flext_observability import (
    FlextContainer,
    FlextMetricsService,
    FlextObservabilityPlugin,
    Observability,
    flext_create_alert,
    flext_create_metric,
    init_observability,
    register_exporter,
    register_plugin,
    traced,
)
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.installed import install
from tests.integration.prometheus_page import QUIET, scrape


class Odd(BaseException):
    """An exception of no known kind, without a readable message."""

    def __str__(self) -> str:
        raise SystemExit(9)


KINDS = (
    *(ValueError, asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit),
    *(StopIteration, StopAsyncIteration, RecursionError, MemoryError, Odd),
)
Fail = Callable[..., Any]
Case = Callable[[Fail], None]
CASES: dict[str, Case] = {}
_numbers = count()


def case(function: Case) -> Case:
    """Add a case to the table. It raises with `fail`, and asserts that all other parts work."""
    CASES[function.__name__] = function
    return function


def start(**settings: Any) -> Observability:
    """Start with a page and no push, unless the settings say otherwise."""
    given: dict[str, Any] = {**QUIET, "exporters": {"traces": [], "metrics": ["prometheus"], "logs": []}, **settings}
    handle = init_observability(**given).unwrap()
    assert isinstance(handle, Observability)
    return handle


def new_name(prefix: str) -> str:
    return f"{prefix}{next(_numbers)}"


def on_page(handle: Observability, name: str) -> bool:
    """Return whether a metric is on the page, which has status 200."""
    page = scrape(handle.ops_address)
    assert page.status == 200
    return any(found == name for found, _ in page.samples())


def exported(*exporters: ScriptedExporter) -> list[list[str]]:
    return [[item.name for batch in each.batches for item in batch] for each in exporters]


@case
def observable_callback(fail: Fail) -> None:
    handle, bad, good = start(), new_name("bad"), new_name("good")
    meter = metrics.get_meter("t")
    meter.create_observable_gauge(bad, [fail])
    meter.create_observable_gauge(good, [lambda _: [Observation(1)]])
    assert [on_page(handle, name) for name in (bad, good, good)] == [False, True, True]


@case
def observations(fail: Fail) -> None:
    class Values:
        value = attributes = context = property(fail)

    def observe(_: CallbackOptions) -> Iterator[Any]:
        yield Values()
        yield Observation(1, {"a": Text()})  # type: ignore[dict-item]  # an object of another type
        fail()

    class Text:
        __str__ = __repr__ = fail

    handle, name = start(), new_name("half")
    metrics.get_meter("t").create_observable_gauge(name, [observe])
    assert on_page(handle, name)


@case
def exporter(fail: Fail) -> None:
    class Failing(ScriptedExporter):
        def export(self, batch: Sequence[Any], timeout_seconds: float) -> Any:
            super().export(batch, timeout_seconds)
            fail()

        def close(self) -> None:
            fail()

    bad, good = Failing(), ScriptedExporter()
    assert register_exporter("bad", OneExporterFactory(lambda _: bad, {"traces"})).success
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"traces"})).success
    handle = start(exporters={"traces": ["bad", "good"], "metrics": [], "logs": []})
    for name in ("one", "two"):
        with traced(name):
            pass
        handle.flush(5)
    assert [set(names) for names in exported(bad, good)] == [{"one", "two"}] * 2  # after MemoryError it tries again
    assert handle.shutdown(5).success


@case
def exporter_factory(fail: Fail) -> None:
    good = ScriptedExporter()
    assert register_exporter("bad", OneExporterFactory(fail, {"traces"})).success
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"traces"})).success
    handle = start(exporters={"traces": ["bad", "good"], "metrics": [], "logs": []})
    with traced("one"):
        pass
    handle.flush(5)
    assert exported(good) == [["one"]]
    assert "bad cannot be used" in handle.status()["traces"].reason


@case
def page_of_an_exporter(fail: Fail) -> None:
    class Page:
        def attach(self, collect: object) -> None:
            """Ignore the source."""

        def render(self, accept: str) -> tuple[bytes, str]:
            return b"", str(fail())

    assert register_exporter("bad", OneExporterFactory(lambda _: Page(), {"metrics"})).success
    handle = start(exporters={"traces": [], "metrics": ["bad"], "logs": []})
    assert [scrape(handle.ops_address, path=path).status for path in ("/metrics", "/metrics", "/status")] == [
        500,
        500,
        200,
    ]


@case
def notifier(fail: Fail) -> None:
    seen: list[str] = []

    def notify(alert: object) -> None:
        seen.append("bad")
        fail()

    handle = start()
    handle.alerts.add_notifier("bad", notify).unwrap()
    handle.alerts.add_notifier("good", lambda alert: seen.append("good")).unwrap()
    for _ in range(2):
        flext_create_alert(new_name("alert"), "error", "message").unwrap()
        handle.flush(5)
    assert sorted(seen) == ["bad", "bad", "good", "good"]


@case
def health_check(fail: Fail) -> None:
    handle = start()
    for name, check in (("bad", fail), ("good", lambda: True)):
        handle.health.register_check(name, check, cache_seconds=0).unwrap()
    for _ in range(2):
        checks = {check.name: check.status for check in handle.health.overall().unwrap().checks}
        assert (checks["bad"], checks["good"]) == ("unhealthy", "healthy")
    assert scrape(handle.ops_address, path="/health/live").status == 200


@case
def plugin(fail: Fail) -> None:
    seen: list[str] = []

    class Failing(FlextObservabilityPlugin):
        def on_metric_created(self, metric: object) -> None:
            seen.append("bad")
            fail()

    class Recording(FlextObservabilityPlugin):
        def on_metric_created(self, metric: object) -> None:
            seen.append("good")

    for name, each in (("bad", Failing()), ("good", Recording())):
        register_plugin(name, each).unwrap()
    handle = start()
    for _ in range(2):
        flext_create_metric(new_name("plugged"), 1).unwrap()
    handle.flush(5)
    assert seen == ["bad", "good"] * 2


@case
def log_handler(fail: Fail) -> None:
    def failing_handler() -> logging.Handler:
        handler = logging.Handler()
        handler.emit = fail  # type: ignore[method-assign]
        return handler

    _with_handler(failing_handler())


@case
def log_filter(fail: Fail) -> None:
    handler = logging.NullHandler()
    handler.handle = fail  # type: ignore[method-assign]
    handler.addFilter(fail)
    _with_handler(handler)


@case
def log_formatter(fail: Fail) -> None:
    handler, formatter = logging.StreamHandler(), logging.Formatter()
    formatter.format = fail  # type: ignore[method-assign]
    handler.setFormatter(formatter)
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    _with_handler(handler)
    logging.raiseExceptions = raising


def _with_handler(handler: logging.Handler) -> None:
    """Log a line of the library through the handler, while it measures."""
    handle, name = start(), new_name("logged")
    logger = logging.getLogger("flext_observability")
    logger.addHandler(handler)
    try:
        counter = handle.metrics.counter(name)
        counter.add(-1)
        counter.add(1)
        assert on_page(handle, f"{name}_total")
    finally:
        logger.removeHandler(handler)


@case
def attribute_values(fail: Fail) -> None:
    class Value:
        __str__ = __repr__ = fail

    good = ScriptedExporter()
    assert register_exporter("good", OneExporterFactory(lambda _: good)).success
    handle = start(exporters={"traces": ["good"], "metrics": ["prometheus"], "logs": ["good"]})
    name = new_name("valued")
    with traced("one", value=Value()) as span:
        span.set_attribute("later", 1)
        handle.metrics.counter(name).add(1, {"value": Value()})
        logging.getLogger("app").error("line", extra={"value": Value()})
    handle.flush(5)
    assert on_page(handle, f"{name}_total")
    assert sum(len(batch) for batch in good.batches) == 2


@case
def exceptions_in_spans(fail: Fail) -> None:
    class Unreadable(Exception):
        __str__ = fail

    good = ScriptedExporter()
    assert register_exporter("good", OneExporterFactory(lambda _: good, {"traces"})).success
    handle = start(exporters={"traces": ["good"], "metrics": [], "logs": []})
    with pytest.raises(Unreadable), traced("one"):
        raise Unreadable
    handle.flush(5)
    assert exported(good) == [["one"]]


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


@case
def registry_of_prometheus_client(fail: Fail) -> None:
    class Collector:
        def describe(self) -> list[object]:
            return []

        def collect(self) -> Iterator[GaugeMetricFamily]:
            yield GaugeMetricFamily("before", "", value=1)
            fail()

    handle = start(prometheus_client_enabled=True)
    name = new_name("beside")
    handle.metrics.counter(name).add(1)
    collector: Any = Collector()
    prometheus_client.REGISTRY.register(collector)
    try:
        for _ in range(2):
            assert on_page(handle, f"{name}_total")
            assert on_page(handle, "before")
    finally:
        prometheus_client.REGISTRY.unregister(collector)


@case
def container(fail: Fail) -> None:
    class Failing:
        time_ns = monotonic = new_id = generate = __call__ = store_metric = fail

        def __getattr__(self, name: str) -> object:
            return fail()

    for name in ("clock", "id_generator", "repository"):
        broken = FlextContainer()
        broken.register(name, Failing()).unwrap()
        result = FlextMetricsService(broken).create(new_name("contained"), 1)
        assert result.success or result.code
    lazy = FlextContainer()
    lazy.register_factory("clock", fail).unwrap()
    assert lazy.get("clock").is_failure
    assert FlextMetricsService(lazy).create(new_name("contained"), 1).success


SOURCE = """
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
    """Install a package whose sampler, detector and instrumentation raise."""
    kinds = {
        "opentelemetry_traces_sampler": "FailingSampler",
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
@pytest.mark.parametrize("name", CASES)
def test_it_costs_only_itself(name: str, kind: type[BaseException], failing_package: Any) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind

    failing_package.fail = fail
    with ThreadPoolExecutor() as threads:  # in the main thread, KeyboardInterrupt is Ctrl-C
        threads.submit(CASES[name], fail).result(60)
