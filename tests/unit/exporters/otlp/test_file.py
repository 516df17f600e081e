"""Lines of OTLP/JSON in a file."""

from __future__ import annotations

import json
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


def test_truncated_line_does_not_damage_the_next(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.jsonl"
    done = programs.run(
        f"""
        import resource
        from pathlib import Path
        from flext_observability.exporters.otlp.file import OtlpFileExporter
        from tests.backends.telemetry import make_spans
        exporter = OtlpFileExporter("traces", Path({str(path)!r}))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        print(exporter.export(make_spans(1), 1).reason)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(exporter.export(make_spans(1), 1).accepted)
        """
    )
    assert done.lines == ["unavailable", "1"], done.err
    torn, whole = path.read_text().splitlines()
    assert len(torn) == 100
    assert json.loads(whole)["resourceSpans"]


@pytest.mark.parametrize("path", ["", "/dev/null/x"])
def test_invalid_path(path: str) -> None:
    with pytest.raises(ExporterUnavailable) as caught:
        factory.create("traces", with_defaults({"otlp_file_path": path}))
    assert "otlp_file_path" in caught.value.fix
