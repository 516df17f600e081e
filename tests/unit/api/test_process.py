"""Starts and shutdowns that overlap: each caller has its own deadline, and no foreign call blocks another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace

from flext_observability import (
    FlextResult,
    Observability,
    ShutdownReport,
    get_observability,
    init_observability,
    register_exporter,
    shutdown_observability,
)
from flext_observability.api.process import active_process
from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExportOutcome
from tests.fakes import OneExporterFactory, ScriptedExporter
from tests.waiting import eventually


class Hanging(ScriptedExporter):
    """Exporter whose export or close returns when it is released."""

    def __init__(self, *, export: bool = False, close: bool = False) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.release = threading.Event()
        self._export, self._close = export, close

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        if self._export:
            self._hang()
        return super().export(batch, timeout_seconds)

    def close(self) -> None:
        if self._close:
            self._hang()
        super().close()

    def _hang(self) -> None:
        self.entered.set()
        self.release.wait(20)


@contextmanager
def started(exporter: Hanging, **settings: Any) -> Iterator[Observability]:
    """Start with this exporter of traces and one span, and release it afterwards."""
    register_exporter("hanging", OneExporterFactory(lambda _: exporter, {"traces"}))
    handle = init_observability(exporters="hanging", console=False, **settings).unwrap()
    trace.get_tracer("t").start_span("x").end()
    try:
        yield handle
    finally:
        exporter.release.set()


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def timed(work: Callable[[], FlextResult[ShutdownReport]]) -> tuple[ShutdownReport, float]:
    began = time.monotonic()
    return work().unwrap(), time.monotonic() - began


def test_an_exporter_that_hangs_in_close_is_named_and_costs_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    with started(Hanging(close=True)) as handle:
        report, seconds = timed(lambda: handle.shutdown(0.5))
        assert 0.4 <= seconds <= 2
        assert (report.complete, report.exported, report.dropped) == (False, 1, {})
        assert report.unfinished == ("closing the exporter hanging of traces",)
        assert caplog.messages[-1] == "The shutdown did not end in time: closing the exporter hanging of traces"


def test_counts_and_status_are_readable_while_an_exporter_hangs_in_close() -> None:
    exporter = Hanging(close=True)
    with started(exporter) as handle:
        thread = in_thread(lambda: handle.shutdown(5))
        assert exporter.entered.wait(5)
        began = time.monotonic()
        assert handle.status()["traces"].deliveries[0].exported == 1
        assert handle.flush(0.5).success
        assert time.monotonic() - began <= 2
        exporter.release.set()
        thread.join(5)


def test_an_exporter_that_hangs_in_export_costs_the_deadline() -> None:
    with started(Hanging(export=True)) as handle:
        report, seconds = timed(lambda: handle.shutdown(0.4))
        assert 0.3 <= seconds <= 2
        assert (report.complete, report.dropped, report.queued) == (False, {"shutdown_deadline": 1}, 0)


def test_a_short_shutdown_behind_a_long_one_returns_at_its_own_deadline() -> None:
    exporter = Hanging(export=True)
    with started(exporter) as handle:
        first: list[ShutdownReport] = []
        thread = in_thread(lambda: first.append(handle.shutdown(10).unwrap()))
        assert exporter.entered.wait(5)
        report, seconds = timed(lambda: handle.shutdown(0.2))
        assert 0.15 <= seconds <= 2
        assert (report.complete, report.queued) == (False, 1)
        assert report.unfinished == ("the shutdown, which another thread began",)
        exporter.release.set()
        thread.join(10)
        assert (first[0].complete, first[0].exported) == (True, 1)
        assert handle.shutdown(0).unwrap() is first[0]


def test_a_flush_beside_a_shutdown_holds_its_deadline() -> None:
    exporter = Hanging(export=True)
    with started(exporter) as handle:
        thread = in_thread(lambda: handle.shutdown(10))
        assert exporter.entered.wait(5)
        began = time.monotonic()
        assert not handle.flush(0.2).unwrap().complete
        assert time.monotonic() - began <= 2
        exporter.release.set()
        thread.join(10)


def test_a_start_beside_a_shutdown_does_not_wait_for_it() -> None:
    exporter = Hanging(export=True)
    with started(exporter) as handle:
        thread = in_thread(lambda: handle.shutdown(10))
        assert exporter.entered.wait(5)
        began = time.monotonic()
        again = init_observability(exporters="memory", console=False).unwrap()
        assert time.monotonic() - began <= 5
        exporter.release.set()
        thread.join(10)
        trace.get_tracer("t").start_span("y").end()
        assert again.flush().unwrap().exported == 1
        assert get_observability().unwrap().config == again.config


@pytest.fixture
def hung_factory(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Register an exporter whose factory hangs, and return the event that it sets."""
    monkeypatch.setattr("flext_observability.providers.exporters.FACTORY_SECONDS", 1.0)
    entered, release = threading.Event(), threading.Event()

    def hang(_: Signal) -> ScriptedExporter:
        entered.set()
        release.wait(20)
        return ScriptedExporter()

    register_exporter("hung_factory", OneExporterFactory(hang, {"traces"}))
    yield entered
    release.set()


def test_a_shutdown_does_not_wait_for_a_factory_that_hangs(hung_factory: threading.Event) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    results: list[FlextResult[Observability]] = []
    thread = in_thread(lambda: results.append(init_observability(exporters=["hung_factory", "memory"], console=False)))
    assert hung_factory.wait(5)
    began = time.monotonic()
    assert handle.shutdown(5).unwrap().complete
    assert time.monotonic() - began <= 0.9
    thread.join(10)
    again = results[0].unwrap()
    trace.get_tracer("t").start_span("y").end()
    assert again.flush().unwrap().exported == 1
    assert again.status()["traces"].reason == "hung_factory cannot be used: its factory does not return"


def test_a_shutdown_before_the_first_start_has_ended_finds_nothing_started(hung_factory: threading.Event) -> None:
    thread = in_thread(lambda: init_observability(exporters="hung_factory", console=False))
    assert hung_factory.wait(5)
    assert shutdown_observability(5).code == "not_started"
    thread.join(10)
    assert get_observability().success


def test_a_second_start_waits_for_the_first(hung_factory: threading.Event) -> None:
    thread = in_thread(lambda: init_observability(exporters="hung_factory", console=False))
    assert hung_factory.wait(5)
    handle = init_observability(exporters="memory", service_name="second", console=False).unwrap()
    thread.join(10)
    assert get_observability().unwrap().config.service_name == "second"
    trace.get_tracer("t").start_span("y").end()
    assert handle.flush().unwrap().exported == 1


def test_a_start_that_waits_too_long_for_another_is_a_failure(
    hung_factory: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flext_observability.api.process.START_WAIT_SECONDS", 0.05)
    thread = in_thread(lambda: init_observability(exporters="hung_factory", console=False))
    assert hung_factory.wait(5)
    result = init_observability(exporters="memory", console=False)
    assert (result.code, result.message) == ("busy", "Starting failed: another start has not ended for 0.05 s")
    assert len(caplog.records) == 1
    thread.join(10)


def test_a_failed_start_after_a_shutdown_leaves_nothing_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()

    def broken(*_: object) -> None:
        handle.shutdown()
        raise OSError("broken")

    monkeypatch.setattr("flext_observability.providers.bootstrap.start", broken)
    assert init_observability(exporters="memory", console=False).code == "internal"
    assert get_observability().is_failure
    assert not trace.get_tracer("t").start_span("late").is_recording()


def test_a_session_that_is_shut_down_while_it_is_connected_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def shut_down(*_: object) -> None:
        assert shutdown_observability().success

    monkeypatch.setattr("flext_observability.api.process.attach", shut_down)
    handle = init_observability(exporters="memory", console=False).unwrap()
    assert get_observability().is_failure
    assert not trace.get_tracer("t").start_span("late").is_recording()
    assert handle.shutdown().unwrap().complete


def test_a_step_after_the_activation_that_fails_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr("flext_observability.api.process.attach", broken)
    handle = init_observability(exporters="memory", console=False).unwrap()
    assert handle.status()["traces"].reason == "Connecting logging and libraries failed: OSError: broken"
    trace.get_tracer("t").start_span("y").end()
    assert handle.flush().unwrap().exported == 1


def test_a_shutdown_that_fails_gives_a_report(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()

    def broken(*_: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr("flext_observability.providers.bootstrap.Pipeline.close", broken)
    report = handle.shutdown().unwrap()
    message = "Shutting down failed: OSError: broken; the program continues without it"
    assert (report.complete, report.unfinished) == (False, (message,))
    assert message in caplog.messages


def test_an_interrupted_shutdown_is_continued_by_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = init_observability(exporters="memory", console=False).unwrap()
    trace.get_tracer("t").start_span("y").end()
    with monkeypatch.context() as patched:

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr("flext_observability.providers.bootstrap.Pipeline.close", interrupted)
        with pytest.raises(KeyboardInterrupt):
            handle.shutdown()
    report = handle.shutdown().unwrap()
    assert (report.complete, report.exported) == (True, 1)


def test_the_exit_waits_for_the_shutdown_of_another_thread() -> None:
    exporter = Hanging(export=True)
    with started(exporter, shutdown_timeout_seconds=5) as handle:
        thread = in_thread(lambda: handle.shutdown(10))
        assert exporter.entered.wait(5)
        threading.Timer(0.2, exporter.release.set).start()
        active_process().shut_down_at_exit()
        assert handle.shutdown(0).unwrap().complete
        thread.join(5)


def test_what_the_exit_cannot_wait_for_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Hanging(export=True)
    with started(exporter, shutdown_timeout_seconds=0.2) as handle:
        thread = in_thread(lambda: handle.shutdown(20))
        assert exporter.entered.wait(5)
        began = time.monotonic()
        active_process().shut_down_at_exit()
        assert time.monotonic() - began <= 2
        lines = [line for line in caplog.messages if "lost" in line]
        assert (len(lines), "shutdown_deadline" in lines[0]) == (1, True)
        assert handle.shutdown(0).unwrap().dropped == {"shutdown_deadline": 1}
        exporter.release.set()
        thread.join(5)
        assert [line for line in caplog.messages if "lost" in line] == lines


def test_an_interrupted_exit_counts_the_rest_as_lost_at_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Hanging(export=True)
    with started(exporter) as handle:
        thread = in_thread(lambda: handle.shutdown(20))
        assert exporter.entered.wait(5)
        for _ in range(2):
            active_process().abandon_at_exit()
        lines = [line for line in caplog.messages if "lost" in line]
        assert (len(lines), "shutdown_deadline" in lines[0]) == (1, True)
        assert handle.shutdown(0).unwrap().dropped == {"shutdown_deadline": 1}
        exporter.release.set()
        thread.join(5)


def test_an_exit_without_a_start_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    active_process().shut_down_at_exit()
    assert caplog.records == []


def test_uninstrumenting_a_library_that_hangs_is_named_and_costs_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    handle = init_observability(exporters="memory", console=False).unwrap()
    trace.get_tracer("t").start_span("y").end()
    monkeypatch.setattr("flext_observability.instrumentation.libraries.any_active", lambda: True)
    monkeypatch.setattr("flext_observability.instrumentation.libraries.uninstrument", lambda: release.wait(20))
    report, seconds = timed(lambda: handle.shutdown(0.3))
    release.set()
    assert seconds <= 2
    assert (report.exported, report.unfinished) == (1, ("switching off the instrumentation of libraries",))


def test_an_ops_server_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    handle = init_observability(exporters="prometheus", prometheus_port=0, console=False).unwrap()
    monkeypatch.setattr("flext_observability.ops_server.server.OpsServer.stop", lambda _: release.wait(20))
    report, seconds = timed(lambda: handle.shutdown(0.2))
    release.set()
    assert seconds <= 2
    assert report.unfinished == ("stopping the ops server",)


def test_a_child_is_not_responsible_for_a_shutdown_of_its_parent() -> None:
    exporter = Hanging(export=True)
    with started(exporter) as handle:
        thread = in_thread(lambda: handle.shutdown(10))
        assert exporter.entered.wait(5)
        process = active_process()
        kept, process._ending = process._ending, list(process._ending)
        process.reinit_after_fork()
        began = time.monotonic()
        process.shut_down_at_exit()
        assert time.monotonic() - began < 1
        process._ending = kept
        exporter.release.set()
        thread.join(5)
        assert eventually(lambda: handle.shutdown(0).unwrap().exported == 1)


def test_each_start_switches_the_instrumentation_of_libraries_on_and_a_shutdown_off() -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    for _ in range(2):
        assert init_observability(exporters="memory", console=False, instrument=["httpx"]).success
        assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    assert init_observability(exporters="memory", console=False).success
    assert not HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    last = init_observability(exporters="memory", console=False, instrument=["httpx"]).unwrap()
    assert last.shutdown().unwrap().unfinished == ()
    assert not HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
