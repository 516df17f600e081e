"""Lines of OTLP/JSON in a file."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from flext_observability.domain.report import SIGNALS
from flext_observability.exporters.otlp.file import OtlpFileExporter, factory
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.settings.config import with_defaults
from flext_observability.wire.otlp.decode import decode
from tests import programs
from tests.backends.telemetry import make_logs, make_metrics, make_spans


def test_all_signals_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "telemetry.jsonl"
    config = with_defaults({"otlp_file_path": str(path)})
    data = make_metrics(lambda meter: meter.create_counter("sold").add(1))
    assert tuple(factory.signals()) == SIGNALS
    assert factory.create("traces", config).export(make_spans(2), 1) == ExportOutcome(accepted=2)
    assert factory.create("logs", config).export(make_logs(1), 1) == ExportOutcome(accepted=1)
    assert factory.create("metrics", config).export([data], 1) == ExportOutcome(accepted=1)
    traces, logs, metrics = path.read_bytes().splitlines()
    assert len(decode("traces", traces, "application/json", "", 1 << 20).resource_spans[0].scope_spans[0].spans) == 2
    assert decode("logs", logs, "application/json", "", 1 << 20).resource_logs
    assert decode("metrics", metrics, "application/json", "", 1 << 20).resource_metrics


def test_moved_file_is_created_again(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    exporter = OtlpFileExporter("traces", path)
    exporter.export(make_spans(1), 1)
    path.rename(tmp_path / "old.jsonl")
    exporter.export(make_spans(1), 1)
    exporter.close()
    assert len(path.read_text().splitlines()) == 1


def test_full_disk_is_retryable() -> None:
    found = OtlpFileExporter("traces", Path("/dev/full")).export(make_spans(1), 1)
    assert (found.accepted, found.retry, found.reason) == (0, True, "unavailable")
    assert "No space left" in found.message
    assert "otlp_file_path" in found.fix


def test_span_that_cannot_be_encoded_is_rejected_alone(tmp_path: Path) -> None:
    spans = make_spans(3)
    spans[1]._name = "\ud800"  # the SDK has no public way to make such a finished span
    found = OtlpFileExporter("traces", tmp_path / "x").export(spans, 1)
    assert (found.accepted, found.rejected, found.reason) == (2, 1, "encoding")


@pytest.mark.parametrize("path", ["", "/dev/null/x"])
def test_invalid_path(path: str) -> None:
    with pytest.raises(ExporterUnavailable) as caught:
        factory.create("traces", with_defaults({"otlp_file_path": path}))
    assert "otlp_file_path" in caught.value.fix


def made(path: Path | str) -> OtlpFileExporter:
    exporter = factory.create("traces", with_defaults({"otlp_file_path": str(path)}))
    assert isinstance(exporter, OtlpFileExporter)
    return exporter


@pytest.mark.parametrize("kind", ["pipe", "pipe with a reader", "directory", "terminal"])
def test_a_path_that_is_no_regular_file_is_unavailable_at_once(tmp_path: Path, kind: str) -> None:
    path, reader = tmp_path / "special", -1
    if kind == "directory":
        path.mkdir()
    elif kind == "terminal":
        path, reader = Path(os.ttyname(os.openpty()[1])), -1
    else:
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK) if "reader" in kind else -1
    with pytest.raises(ExporterUnavailable) as caught:
        made(path)
    assert caught.value.message.startswith(f"{path} cannot be written (")
    assert "otlp_file_path" in caught.value.fix
    if reader >= 0:
        os.close(reader)


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stderr", "/dev/stdout"])
def test_standard_streams_are_written(path: str) -> None:
    assert made(path).export(make_spans(1), 1) == ExportOutcome(accepted=1)


def test_a_stream_that_is_a_pipe_gets_whole_lines() -> None:
    done = programs.run(
        """
        from flext_observability import init_observability, traced
        init_observability(exporters="otlp_file", otlp_file_path="/dev/stdout", metrics_enabled=False, console=False)
        with traced("work"):
            pass
        """
    )
    (line,) = done.lines
    assert json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "work"


def test_a_pipe_that_replaces_the_file_is_retried(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    exporter = made(path)
    path.unlink()
    os.mkfifo(path)
    found = exporter.export(make_spans(1), 1)
    assert (found.retry, found.reason) == (True, "unavailable")
    assert found.message == f"{path} cannot be written (it is not a regular file)"
    path.unlink()
    assert exporter.export(make_spans(1), 1).accepted == 1


def test_a_reader_that_is_too_slow_is_a_timeout() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    found = OtlpFileExporter("traces", Path(f"/dev/fd/{writer}")).export(make_spans(1), 0.05)
    assert (found.retry, found.reason) == (True, "timeout")
    assert "its reader is too slow" in found.message
    os.close(reader)
    os.close(writer)


def test_a_file_system_that_does_not_respond_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = threading.Event()
    monkeypatch.setattr("flext_observability.exporters.otlp.file.OPEN_SECONDS", 0.01)
    monkeypatch.setattr("flext_observability.exporters.otlp.file._probe", lambda _: release.wait(10))
    with pytest.raises(ExporterUnavailable, match="its file system does not respond"):
        made(tmp_path / "file")
    release.set()
