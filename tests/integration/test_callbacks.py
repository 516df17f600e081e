"""Callbacks of observable instruments that raise, hang or are generators: pages and pushes have all other metrics."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics.export import MetricsData

from flext_observability import Observability, init_observability, register_exporter
from tests.callbacks import meter, observing
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.integration.prometheus_page import QUIET, scrape
from tests.programs import run
from tests.waiting import eventually

KINDS = (asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, RecursionError, OSError)


class Foreign(BaseException):
    """An exception that is not an Exception."""

    def __str__(self) -> str:
        raise SystemExit(9)


class Running:
    """A running configuration: its page and its pushes. Other tests leave their instruments in OpenTelemetry's global.

    Attributes:
        prefix: Beginning of the names of this test's instruments.
    """

    numbers = count()

    def __init__(self) -> None:
        self.prefix = f"test{next(self.numbers)}_"
        self.exporter = ScriptedExporter()
        register_exporter("recording", OneExporterFactory(lambda _: self.exporter, {"metrics"}))
        exporters: Any = {"metrics": ["prometheus", "recording"], "traces": [], "logs": []}
        self.handle: Observability = init_observability(
            exporters=exporters, metric_export_interval_seconds=0.2, **QUIET
        ).unwrap()

    def page(self) -> dict[str, float]:
        """Return the value of each metric on the page, which has status 200."""
        page = scrape(self.handle.ops_address)
        assert page.status == 200
        return {self._own(name): value for (name, _), value in page.samples().items() if self._own(name)}

    def pushed(self) -> set[str]:
        """Return the names of metrics in the next push."""
        before = len(self.exporter.batches)
        assert self.exporter.wait_for_batches(before + 2)
        batch: list[MetricsData] = self.exporter.batches[before + 1]
        names = (
            self._own(metric.name)
            for data in batch
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        return set(filter(None, names))

    def gauge(self, name: str, *callbacks: Any) -> None:
        """Create an observable gauge."""
        meter().create_observable_gauge(f"{self.prefix}{name}", callbacks)

    def _own(self, name: str) -> str:
        return name.removeprefix(self.prefix) if name.startswith(self.prefix) else ""


@pytest.fixture
def running() -> Running:
    return Running()


@pytest.mark.parametrize("kind", [*KINDS, Foreign])
def test_a_callback_that_raises_costs_itself(
    running: Running, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: CallbackOptions) -> list[Observation]:
        raise kind

    running.gauge("bad", fail)
    running.gauge("half", fail, observing())
    running.gauge("good", observing())
    for _ in range(2):
        assert running.page() == {"half": 1, "good": 1}
        assert running.pushed() == {"half", "good"}
    status = running.handle.status()["metrics"]
    assert status.state == "active"
    failed = f"instrument {running.prefix}bad failed"
    assert [failed in notice.message for notice in status.notices].count(True) == 1
    assert caplog.text.count(failed) == 1


def busy(released: threading.Event) -> None:
    while not released.is_set():
        pass


@pytest.mark.parametrize("wait", [threading.Event.wait, busy])
def test_a_callback_that_does_not_return_is_left_out_and_named(
    running: Running, wait: Callable[[threading.Event], object], released: threading.Event
) -> None:
    def hang(_: CallbackOptions) -> list[Observation]:
        wait(released)
        return [Observation(2)]

    running.gauge("hung", hang)
    running.gauge("good", observing())
    started = time.monotonic()
    assert running.page() == {"good": 1}
    assert time.monotonic() - started < 3
    assert running.pushed() == {"good"}
    status = running.handle.status()["metrics"]
    assert status.state == "degraded"
    assert f"{running.prefix}hung did not return within 1 s" in status.reason
    released.set()
    eventually(lambda: running.page() == {"good": 1, "hung": 2})
    assert running.handle.status()["metrics"].state == "active"


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_callback_may_flush_scrape_and_create_instruments(running: Running) -> None:
    def reenter(_: CallbackOptions) -> list[Observation]:
        meter().create_counter(f"{running.prefix}created").add(1)
        running.gauge("inner", observing())
        page = scrape(running.handle.ops_address)
        flushed = running.handle.flush(0.2)
        return [Observation(page.status if flushed.success else 0)]

    running.gauge("outer", reenter)
    running.gauge("good", observing())
    eventually(lambda: {"good", "inner", "created_total", "outer"} <= running.page().keys())


def test_the_page_of_the_sdk_leaves_a_hung_callback_out(released: threading.Event) -> None:
    handle = init_observability(exporters={"metrics": ["prometheus_sdk"]}, **QUIET).unwrap()
    gauges = meter()
    gauges.create_observable_gauge("sdk_hung", [observing(lambda: released.wait(30))])
    gauges.create_observable_gauge("sdk_good", [observing()])
    for _ in range(2):
        samples = scrape(handle.ops_address).samples()
        assert [name for name, _ in samples if name.startswith("sdk_")] == ["sdk_good"]


def numbers() -> Generator[list[Observation], CallbackOptions, None]:
    """Yield the next number at each collection, as a generator in the second form of the API."""
    number = 0
    yield []
    while True:
        number += 1
        yield [Observation(number)]


def test_a_generator_continues_after_a_second_start_and_a_restart() -> None:
    found: list[float] = []

    def start(service: str) -> Observability:
        settings: dict[str, Any] = {**QUIET, "service_name": service}
        return init_observability(**settings, exporters={"metrics": ["prometheus"]}).unwrap()

    start("first")
    meter().create_observable_gauge("numbers", [numbers()])
    found.append(scrape(start("second").ops_address).samples()["numbers", ()])
    start("third").shutdown()
    found.append(scrape(start("fourth").ops_address).samples()["numbers", ()])
    assert found == sorted(set(found))


FORKING = """
import os
from opentelemetry import metrics
from opentelemetry.metrics import Observation
from flext_observability import init_observability
from flext_observability.api.start import active_pages
from flext_observability.ops_server.answers import Answers
from flext_observability.ops_server.pages import Request

def numbers():
    number = 0
    options = yield
    while True:
        number += 1
        options = yield [Observation(number)]

init_observability(console=False, exporters={"metrics": ["prometheus"]}).unwrap()
meter = metrics.get_meter("t")
meter.create_observable_gauge("numbers", [numbers()])
meter.create_counter("c").add(1)

def page():
    reply = Answers(active_pages()).answer(Request("GET", "/metrics"))
    lines = reply.body.decode().splitlines()
    print(reply.status, [line.split()[-1] for line in lines if line.startswith("numbers")], flush=True)

page()
for _ in range(2):
    if not (child := os.fork()):
        meter.create_counter("c").add(1)
        page()
        os._exit(0)
    os.waitpid(child, 0)
page()
"""


def test_a_generator_continues_in_a_forked_child() -> None:
    done = run(FORKING, FLEXT_OBSERVABILITY_METRICS_DIRECTORY="none")
    assert done.lines == ["200 ['1.0']", "200 ['2.0']", "200 ['2.0']", "200 ['2.0']"], done.err


LEAVING = """
import threading
from opentelemetry import metrics
from opentelemetry.metrics import Observation
from flext_observability import init_observability, register_exporter
from tests.fakes import OneExporterFactory, ScriptedExporter

class Printing(ScriptedExporter):
    def export(self, batch, timeout_seconds):
        data = batch[-1]
        print(sorted(m.name for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics), flush=True)
        return super().export(batch, timeout_seconds)

register_exporter("printing", OneExporterFactory(lambda _: Printing(), {"metrics"}))
init_observability(console=False, exporters={"metrics": ["printing"]}).unwrap()
meter = metrics.get_meter("t")
meter.create_observable_gauge("hung", [lambda _: threading.Event().wait()])
meter.create_observable_gauge("good", [lambda _: [Observation(1)]])
meter.create_counter("c").add(1)
"""


def test_a_program_whose_callback_hangs_at_its_end_pushes_the_rest() -> None:
    done = run(LEAVING)
    assert done.code == 0, done.err
    assert len(done.lines) == 1
    assert "'c'" in done.lines[0]
    assert done.seconds < 10


ADOPTED = """
import json, threading, time
from opentelemetry import metrics
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider())
from flext_observability import init_observability
from flext_observability.api.start import active_pages
from flext_observability.ops_server.answers import Answers
from flext_observability.ops_server.pages import Request
init_observability(console=False, exporters={"metrics": ["prometheus"]}).unwrap()
metrics.get_meter("t").create_observable_gauge("hung", [lambda _: threading.Event().wait()])
for limit in (8, 1):
    started = time.monotonic()
    reply = Answers(active_pages()).answer(Request("GET", "/metrics"))
    print(reply.status, time.monotonic() - started < limit, json.loads(reply.body)["error"], flush=True)
"""


@pytest.mark.newest_sdk(reason="the oldest SDK cannot add a reader to a provider")
def test_a_provider_of_another_library_that_hangs_is_a_page_with_the_reason() -> None:
    done = run(ADOPTED)
    assert done.code == 0, done.err
    expected = "503 True Metrics are not available: a collection has not ended for 5 s: a callback or a reader hangs"
    assert [line.partition(". ")[0] for line in done.lines] == [expected, expected]


def test_a_reader_that_the_sdk_rejects_is_left_out() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    other = MeterProvider([reader], shutdown_on_exit=False)

    class Page:
        def attach(self, collect: Callable[[], MetricsData]) -> None:
            self.collect = collect

        def render(self, accept: str) -> tuple[bytes, str]:
            return b"page", accept

        def metric_reader(self) -> InMemoryMetricReader:
            return reader

        def close(self) -> None:
            other.shutdown()

    register_exporter("rejected", OneExporterFactory(lambda _: Page(), {"metrics"}))
    handle = init_observability(exporters={"metrics": ["prometheus", "rejected"]}, **QUIET).unwrap()
    meter().create_counter("c").add(1)
    assert scrape(handle.ops_address).samples()["c_total", ()] == 1
    assert "Metric readers of exporters are not used" in handle.status()["metrics"].reason
