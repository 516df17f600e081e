"""Exporters of a configuration; those that cannot be created are notices."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExporterFactory, PullExporter
from flext_observability.extensions.registry import register_exporter
from flext_observability.providers.exporters import create_exporters
from flext_observability.providers.notices import Notices
from flext_observability.settings.resolve import ResolvedSettings
from tests.fakes import OneExporterFactory, ScriptedExporter, unavailable
from tests.waiting import eventually

Resolved = Callable[..., ResolvedSettings]


class Page:
    """Pull exporter with an empty page."""

    def attach(self, collect: Callable[[], Any]) -> None:
        self.collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        return b"", accept


@pytest.fixture
def register() -> Callable[[str, ExporterFactory], None]:
    """Register an exporter factory."""

    def add(name: str, factory: ExporterFactory) -> None:
        assert register_exporter(name, factory).success

    return add


def test_each_signal_gets_its_exporters_in_order(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    register("a", OneExporterFactory(lambda signal: ScriptedExporter()))
    register("b", OneExporterFactory(lambda signal: ScriptedExporter(), {"logs"}))
    exporters = create_exporters(resolved(exporters=["a", "b"], console=False), notices)
    assert [exporters.names(signal) for signal in ("traces", "metrics", "logs")] == [("a",), ("a",), ("a", "b")]
    assert notices.all() == ()


def test_pages_are_pull_exporters(resolved: Resolved, notices: Notices, register: Callable[..., None]) -> None:
    register("page", OneExporterFactory(lambda signal: Page(), {"metrics"}))
    exporters = create_exporters(resolved(exporters="page", console=False), notices)
    assert isinstance(exporters.pull["page"], PullExporter)
    assert exporters.push["metrics"] == []
    assert (exporters.names("metrics"), exporters.names("traces")) == (("page",), ())


def test_unavailable_exporter_degrades_its_signal(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    register("unavailable", OneExporterFactory(unavailable("no such file", "Create it"), {"traces"}))
    register("working", OneExporterFactory(lambda signal: ScriptedExporter()))
    exporters = create_exporters(resolved(exporters=["unavailable", "working"], console=False), notices)
    assert exporters.names("traces") == ("working",)
    (notice,) = notices.all()
    assert (notice.signal, notice.message, notice.fix, notice.degrades) == (
        "traces",
        "unavailable: no such file",
        "Create it",
        True,
    )


def test_raising_factory_degrades_its_signal(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    def broken(signal: object) -> ScriptedExporter:
        raise KeyError("oops")

    register("broken", OneExporterFactory(broken, {"logs"}))
    create_exporters(resolved(exporters="broken", console=False), notices)
    (notice,) = notices.all()
    assert notice.message == "broken cannot be used: KeyError: 'oops'"


def test_unknown_exporter_is_a_notice(resolved: Resolved, notices: Notices) -> None:
    exporters = create_exporters(
        resolved(exporters={"traces": ["nowhere"], "metrics": [], "logs": []}, console=False), notices
    )
    assert exporters.names("traces") == ()
    (notice,) = notices.all()
    assert (notice.message.startswith("Unknown exporter 'nowhere'"), notice.fix.startswith("Install its package")) == (
        True,
        True,
    )


def test_disabled_signal_has_no_exporters(resolved: Resolved, notices: Notices, register: Callable[..., None]) -> None:
    register("a", OneExporterFactory(lambda signal: ScriptedExporter()))
    config = resolved(exporters="a", console=False, traces_enabled=False)
    assert create_exporters(config, notices).names("traces") == ()
    disabled = resolved(exporters="a", console=False, disabled=True)
    assert create_exporters(disabled, notices).names("logs") == ()


def test_exporter_that_does_not_support_the_signal_is_a_notice(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    register("points", OneExporterFactory(lambda signal: ScriptedExporter(), {"metrics"}))
    names = {"traces": ["points"], "metrics": ["points"], "logs": []}
    exporters = create_exporters(resolved(exporters=names, console=False), notices)
    assert exporters.names("metrics") == ("points",)
    (notice,) = notices.all()
    assert (notice.signal, notice.message) == ("traces", "The exporter 'points' does not support traces")
    assert notice.fix == "Name it for metrics, and another one for traces"


def test_factory_with_raising_signals_degrades_all(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    class RaisingSignals(OneExporterFactory):
        def signals(self) -> set[Signal]:
            raise KeyError("which")

    register("raising", RaisingSignals(lambda signal: ScriptedExporter()))
    create_exporters(resolved(exporters="raising", console=False), notices)
    assert [notice.message for notice in notices.all()] == ["raising cannot be used: KeyError: 'which'"] * 3


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let factories have 50 ms; set the event to end those that hang."""
    monkeypatch.setattr("flext_observability.providers.exporters.FACTORY_SECONDS", 0.05)
    release = threading.Event()
    yield release
    release.set()


def test_a_factory_that_hangs_degrades_its_signals_and_is_called_once(
    resolved: Resolved, notices: Notices, register: Callable[..., None], hanging: threading.Event
) -> None:
    called: list[Signal] = []

    def hang(signal: Signal) -> ScriptedExporter:
        called.append(signal)
        hanging.wait(10)
        return ScriptedExporter()

    register("hanging", OneExporterFactory(hang))
    register("working", OneExporterFactory(lambda signal: ScriptedExporter()))
    exporters = create_exporters(resolved(exporters=["hanging", "working"], console=False), notices)
    assert [exporters.names(signal) for signal in ("traces", "metrics", "logs")] == [("working",)] * 3
    assert called == ["traces"]
    assert {(notice.message, notice.degrades) for notice in notices.all()} == {
        ("hanging cannot be used: its factory does not return", True)
    }
    assert [notice.signal for notice in notices.all()] == ["traces", "metrics", "logs"]


def test_a_factory_that_hangs_degrades_only_the_signals_that_it_supports(
    resolved: Resolved, notices: Notices, register: Callable[..., None], hanging: threading.Event
) -> None:
    def hang(signal: Signal) -> ScriptedExporter:
        hanging.wait(10)
        return ScriptedExporter()

    register("hanging", OneExporterFactory(hang, {"traces"}))
    create_exporters(resolved(exporters="hanging", console=False), notices)
    assert [notice.signal for notice in notices.all()] == ["traces"]


def test_a_factory_that_hangs_in_signals_degrades_all_signals(
    resolved: Resolved, notices: Notices, register: Callable[..., None], hanging: threading.Event
) -> None:
    class HangingSignals(OneExporterFactory):
        def signals(self) -> set[Signal]:
            hanging.wait(10)
            return {"traces"}

    register("hanging", HangingSignals(lambda signal: ScriptedExporter()))
    create_exporters(resolved(exporters="hanging", console=False), notices)
    assert [notice.signal for notice in notices.all()] == ["traces", "metrics", "logs"]


@pytest.mark.parametrize("late", [ScriptedExporter(), Page(), None])
def test_an_exporter_that_is_created_late_is_closed(
    resolved: Resolved, notices: Notices, register: Callable[..., None], hanging: threading.Event, late: Any
) -> None:
    returned = threading.Event()

    def slow(signal: Signal) -> Any:
        hanging.wait(10)
        returned.set()
        return late

    register("late", OneExporterFactory(slow, {"traces"}))
    create_exporters(resolved(exporters="late", console=False), notices)
    hanging.set()
    assert returned.wait(5)
    assert eventually(lambda: getattr(late, "closed", True))


class FailingPage(Page):
    """Pull exporter whose methods raise, with a metric reader of its own."""

    def __init__(self, reader: object) -> None:
        self._reader = reader

    def attach(self, collect: Callable[[], Any]) -> None:
        raise SystemExit(3)

    def metric_reader(self) -> object:
        if isinstance(self._reader, BaseException):
            raise self._reader
        return self._reader

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("reader", "problem"),
    [(KeyboardInterrupt(), "KeyboardInterrupt"), (5, "TypeError: its reader is of type int instead of MetricReader")],
)
def test_a_page_without_its_reader_is_removed(
    resolved: Resolved, notices: Notices, register: Callable[..., None], reader: object, problem: str
) -> None:
    register("failing", OneExporterFactory(lambda signal: FailingPage(reader), {"metrics"}))
    register("page", OneExporterFactory(lambda signal: Page(), {"metrics"}))
    exporters = create_exporters(resolved(exporters=["failing", "page"], console=False), notices)
    with ThreadPoolExecutor() as threads:  # in the main thread, KeyboardInterrupt is Ctrl-C
        assert threads.submit(exporters.metric_readers, notices).result() == []
    assert list(exporters.pull) == ["page"]
    (notice,) = notices.all()
    assert notice.message.startswith(f"failing cannot be used: {problem}")


def test_a_page_that_rejects_its_source_is_removed(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    reader = InMemoryMetricReader()
    register("failing", OneExporterFactory(lambda signal: FailingPage(reader), {"metrics"}))
    register("page", OneExporterFactory(lambda signal: Page(), {"metrics"}))
    exporters = create_exporters(resolved(exporters=["failing", "page"], console=False), notices)
    assert exporters.metric_readers(notices) == [reader]
    exporters.attach(lambda: MetricsData([]), notices)
    assert list(exporters.pull) == ["page"]
    assert [notice.message for notice in notices.all()] == ["failing cannot be used: SystemExit: 3"]


def test_an_exporter_whose_reader_cannot_be_created_is_a_notice(
    resolved: Resolved, notices: Notices, register: Callable[..., None]
) -> None:
    class WithReader(Page):
        def metric_reader(self) -> Any:
            raise OSError("no reader")

        def close(self) -> None:
            raise OSError("no reader to close")

    register("reader", OneExporterFactory(lambda signal: WithReader(), {"metrics"}))
    create_exporters(resolved(exporters="reader", console=False), notices)
    assert [notice.message for notice in notices.all()] == ["reader cannot be used: OSError: no reader"]
