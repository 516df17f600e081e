"""Code of other people raises any exception, in each place that calls it: it costs only itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import prometheus_client
import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from prometheus_client.core import GaugeMetricFamily

from flext_observability import (
    FlextContainer,
    FlextMetricsService,
    FlextObservabilityPlugin,
    flext_create_alert,
    flext_create_metric,
    register_exporter,
    register_plugin,
    traced,
)
from tests.callbacks import meter
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.integration.foreign_code import KINDS, Fail, Table, exported, new_name, on_page, raising, run_case, start
from tests.integration.prometheus_page import scrape

case = Table()


@case
def observable_callback(fail: Fail) -> None:
    handle, bad, good = start(), new_name("bad"), new_name("good")
    gauges = meter()
    gauges.create_observable_gauge(bad, [fail])
    gauges.create_observable_gauge(good, [lambda _: [Observation(1)]])
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
    meter().create_observable_gauge(name, [observe])
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
        handle.flush(1)
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", case)
def test_it_costs_only_itself(name: str, kind: type[BaseException]) -> None:
    run_case(case[name], raising(kind))
