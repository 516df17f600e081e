from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.console import factory
from flext_observability.extensions.ports import SignalExporter
from flext_observability.settings.config import FlextObservabilityConfig
from tests.programs import run
from tests.unit.views.shop import Screen, no_terminal_settings


class Stderr:
    """Text written to stderr so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stderr:
    no_terminal_settings(monkeypatch)
    return Stderr(capsys)


class Program:
    """Records one job with the SDK."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self._reader = InMemoryMetricReader()
        resource = Resource({"service.name": "shop"})
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        meters = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        self._tracer, self._logger = tracers.get_tracer("t"), loggers.get_logger("l")
        self._counter = meters.get_meter("m").create_counter("jobs")

    def work(self) -> None:
        with self._tracer.start_as_current_span("job"), self._tracer.start_as_current_span("step"):
            self._logger.emit(severity_text="INFO", body="in the step")
        self._logger.emit(severity_text="INFO", body="outside")
        self._counter.add(1, {"a": 1})
        self._counter.add(1, {"a": 2})

    def batch(self, signal: Signal) -> Sequence[Any]:
        if signal == "traces":
            return self._spans.get_finished_spans()
        return self._logs.get_finished_logs() if signal == "logs" else [self._reader.get_metrics_data()]


def exporters(config: FlextObservabilityConfig | None = None) -> dict[Signal, SignalExporter[object]]:
    settings = config or FlextObservabilityConfig(grafana_url="")
    return {signal: factory.create(signal, settings) for signal in factory.signals()}


def test_it_exports_all_signals() -> None:
    assert set(factory.signals()) == set(SIGNALS)


def test_the_three_signals_share_one_view(screen: Stderr) -> None:
    program, made = Program(), exporters()
    program.work()
    for signal in ("logs", "traces", "metrics"):
        assert made[signal].export(program.batch(signal), 1.0).accepted == 2
    assert "outside" in screen.getvalue()
    for exporter in made.values():
        exporter.close()
    text = screen.getvalue()
    assert text.index("outside") < text.index("job") < text.index("step") < text.index("in the step")
    assert text.index("in the step") < text.index("Metrics")
    assert "└── shop job" in text


def test_metrics_are_shown_once_at_the_end(screen: Stderr) -> None:
    program, made = Program(), exporters()
    for _ in range(3):
        program.work()
        assert made["metrics"].export(program.batch("metrics"), 1.0).accepted == 2
    assert screen.getvalue() == ""
    for exporter in made.values():
        exporter.close()
    assert screen.getvalue().count("Metrics") == 1
    assert screen.getvalue().split()[-2:] == ["a=2", "3"]


def test_no_items_no_output(screen: Stderr) -> None:
    for exporter in exporters().values():
        exporter.close()
    made = exporters()
    made["traces"].export([], 1.0)
    for exporter in made.values():
        exporter.close()
    assert screen.getvalue() == ""


@pytest.mark.parametrize("stream", [None, "closed", "not a stream"])
def test_unwritable_stderr_is_an_outcome(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    program, made = Program(), exporters()
    program.work()
    outcome = made["logs"].export(program.batch("logs"), 1.0)
    assert (outcome.accepted, outcome.retry, outcome.reason) == (0, False, "error")
    assert outcome.message.startswith("stderr cannot be written (")
    assert "console" in outcome.fix
    assert made["metrics"].export(program.batch("metrics"), 1.0).reason == "error"
    for exporter in made.values():
        exporter.close()


def test_a_broken_pipe_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stderr", stream)
    program, made = Program(), exporters()
    program.work()
    assert "Broken pipe" in made["logs"].export(program.batch("logs"), 1.0).message
    for exporter in made.values():
        exporter.close()
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_trace_id_links_to_a_configured_grafana(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Screen(terminal=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    program, made = Program(), exporters(FlextObservabilityConfig(grafana_url="http://localhost:3000"))
    program.work()
    made["traces"].export(program.batch("traces"), 1.0)
    for exporter in made.values():
        exporter.close()
    assert ";http://localhost:3000/explore?" in terminal.getvalue()


def test_exporters_of_one_configuration_share_a_console(screen: Stderr) -> None:
    first, second = FlextObservabilityConfig(grafana_url=""), FlextObservabilityConfig(grafana_url="http://g")
    one = [factory.create("traces", first), factory.create("metrics", first)]
    other = factory.create("metrics", second)
    program = Program()
    program.work()
    one[1].export(program.batch("metrics"), 1.0)
    other.close()
    one[0].close()
    assert screen.getvalue() == ""
    one[1].close()
    assert "jobs" in screen.getvalue()


def test_forked_child_shows_only_its_own_spans(screen: Stderr, tmp_path: Path) -> None:
    before, after, made = Program(), Program(), exporters()
    before.work()
    made["traces"].export(before.batch("traces"), 1.0)
    child = os.fork()
    if child == 0:
        after.work()
        made["logs"].export(after.batch("logs")[1:], 1.0)
        for exporter in made.values():
            exporter.close()
        (tmp_path / "child").write_text(screen.getvalue())
        os._exit(0)
    os.waitpid(child, 0)
    for exporter in made.values():
        exporter.close()
    assert "outside" in (tmp_path / "child").read_text()
    assert "job" not in (tmp_path / "child").read_text()
    assert "job" in screen.getvalue()


def test_forked_child_shows_pending_spans_at_exit() -> None:
    done = run("""
        import os, sys
        from flext_observability import flush_observability, init_observability, traced

        init_observability(service_name="shop", exporters="console")
        with traced("in the parent"):
            pass
        flush_observability()
        if os.fork() == 0:
            with traced("in the child"):
                pass
            sys.exit(0)
        os.wait()
    """)
    # Newer versions of Python add a warning about the fork.
    assert (done.err.count("shop in the parent"), done.err.count("shop in the child")) == (1, 1), done.err


def test_child_without_exports_does_not_show_the_spans_of_the_parent(screen: Stderr, tmp_path: Path) -> None:
    program, made = Program(), exporters()
    program.work()
    made["traces"].export(program.batch("traces"), 1.0)
    child = os.fork()
    if child == 0:
        for exporter in made.values():
            exporter.close()
        (tmp_path / "child").write_text(screen.getvalue())
        os._exit(0)
    os.waitpid(child, 0)
    for exporter in made.values():
        exporter.close()
    assert (tmp_path / "child").read_text() == ""


def test_creating_exporters_does_not_import_rich() -> None:
    code = (
        "import sys; from flext_observability.exporters.console import factory\n"
        "from flext_observability.settings.config import FlextObservabilityConfig as C\n"
        "config = C(grafana_url='')\n"
        "[factory.create(signal, config) for signal in factory.signals()]\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'rich'])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_an_item_of_another_type_is_rejected_alone(screen: Stderr) -> None:
    program, shown = Program(), exporters()
    program.work()
    signals: tuple[Signal, ...] = ("traces", "logs")
    outcomes = {signal: shown[signal].export([object(), *program.batch(signal)], 1) for signal in signals}
    for exporter in shown.values():
        exporter.close()
    assert [(outcome.accepted, outcome.rejected) for outcome in outcomes.values()] == [(2, 1), (2, 1)]
    assert outcomes["traces"].reason == "encoding"
    assert "some items cannot be shown (AttributeError" in outcomes["traces"].message
    assert "step" in screen.getvalue()
