"""Exporters of other packages: an installed one, and faulty ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from flext_observability.domain.report import Signal
from flext_observability.exporters.third_party import WrappedExporter, WrappedFactory
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.settings.config import with_defaults
from tests import programs
from tests.backends.telemetry import make_metrics, make_spans

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "tests" / "packages" / "flext_example_exporter"
PROGRAM = """
    import sys
    from flext_observability.domain.report import SIGNALS
    from flext_observability.extensions.registry import available_exporters, exporter_registry
    from flext_observability.settings.config import with_defaults
    from tests.backends.telemetry import make_logs, make_metrics, make_spans

    data = make_metrics(lambda meter: meter.create_counter("sold").add(1))
    items = {"traces": make_spans(2), "metrics": [data], "logs": make_logs(1)}
    factory = exporter_registry().find("example_lines").unwrap()
    assert "example_lines" in available_exporters()
    print(sorted(factory.signals()))
    for signal in SIGNALS:
        exporter = factory.create(signal, with_defaults({}))
        print(signal, exporter.export(items[signal], 1.0).accepted)
        exporter.close()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package from its source into a temporary folder, without a network."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-compile", "--target", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *options, str(PACKAGE)], check=True
    )
    return folder


def test_installed_package_is_found_by_name_and_exports_all_signals(installed: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    done = programs.run(PROGRAM, PYTHONPATH=f"{installed}:{ROOT}", EXAMPLE_EXPORTER_FILE=str(lines))
    assert done.lines == ["['logs', 'metrics', 'traces']", "traces 2", "metrics 1", "logs 1"], done.err
    assert lines.read_text().splitlines() == [
        "span span-0",
        "span span-1",
        "spans end",
        "metric sold",
        "metrics end",
        "log log-0",
        "logs end",
    ]


def test_initialised_program_uses_it(installed: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    done = programs.run(
        """
        from flext_observability import flext_create_log_entry, init_observability, shutdown_observability, traced
        init_observability(service_name="shop", exporters="example_lines").unwrap()
        with traced("checkout"):
            flext_create_log_entry("info", "paid").unwrap()
        print(shutdown_observability(timeout_seconds=5).unwrap().ledger.dropped)
        """,
        PYTHONPATH=f"{installed}:{ROOT}",
        EXAMPLE_EXPORTER_FILE=str(lines),
    )
    assert done.lines == ["{}"], done.err
    assert {"span checkout", "log paid", "spans end", "logs end"} <= set(lines.read_text().splitlines())


def test_metric_reader_and_broken_exporter_are_unavailable(installed: Path) -> None:
    done = programs.run(
        """
        from flext_observability.extensions.ports import ExporterUnavailable
        from flext_observability.extensions.registry import exporter_registry
        from flext_observability.settings.config import with_defaults
        for name, signal in (("example_reader", "metrics"), ("example_broken", "traces")):
            try:
                exporter_registry().find(name).unwrap().create(signal, with_defaults({}))
            except ExporterUnavailable as error:
                print(error.message, "|", error.fix)
        """,
        PYTHONPATH=f"{installed}:{ROOT}",
    )
    reader, broken = done.lines
    assert "metric reader" in reader
    assert "exporter prometheus" in reader
    assert "RuntimeError: EXAMPLE_KEY is not set" in broken
    assert "documentation" in broken


class Foreign:
    """Exporter of another package, with given functions."""

    def __init__(
        self, export: Callable[..., object] = lambda *_, **__: None, shutdown: Callable[[], object] = int
    ) -> None:
        self.export = export
        self.shutdown = shutdown


def wrapped(exporter: Foreign, signal: Signal = "traces") -> WrappedExporter:
    return WrappedExporter(signal, "foreign", exporter)


def test_success_and_none_count_as_accepted() -> None:
    assert wrapped(Foreign(lambda _: SpanExportResult.SUCCESS)).export(make_spans(2), 1) == ExportOutcome(accepted=2)
    assert wrapped(Foreign(lambda _: None)).export(make_spans(2), 1) == ExportOutcome(accepted=2)


def test_failure_is_final() -> None:
    found = wrapped(Foreign(lambda _: SpanExportResult.FAILURE)).export(make_spans(2), 1)
    assert (found.accepted, found.retry, found.reason) == (0, False, "error")
    assert found.message == "the exporter foreign reported a failure"
    assert found.fix


def test_exception_is_reported() -> None:
    def explode(_: object) -> None:
        raise RuntimeError("no key")

    found = wrapped(Foreign(explode)).export(make_spans(2), 1)
    assert (found.reason, found.message) == ("error", "the exporter foreign raised RuntimeError: no key")


def test_metrics_are_passed_one_by_one_with_the_timeout() -> None:
    data = make_metrics(lambda meter: [meter.create_counter("sold").add(1, {"table": table}) for table in range(3)])
    results = [MetricExportResult.SUCCESS, MetricExportResult.FAILURE]
    seen: list[object] = []

    def export(metrics: object, timeout_millis: float) -> MetricExportResult:
        seen.append((metrics, timeout_millis))
        return results.pop(0)

    found = wrapped(Foreign(export), "metrics").export([data, data], 2)
    assert (found.accepted, found.reason) == (3, "error")
    assert seen == [(data, 2000), (data, 2000)]


def test_close_shuts_the_exporter_down() -> None:
    called: list[bool] = []
    wrapped(Foreign(shutdown=lambda: called.append(True))).close()
    assert called == [True]


def test_signals_of_the_factory() -> None:
    point: Any = EntryPoint("x", "module:Name", "group")
    assert tuple(WrappedFactory("x", {"logs": point}).signals()) == ("logs",)


def test_entry_point_of_a_missing_module() -> None:
    point: Any = EntryPoint("x", "no_such_module:Name", "group")
    with pytest.raises(ExporterUnavailable, match="no_such_module"):
        WrappedFactory("x", {"logs": point}).create("logs", with_defaults({}))
