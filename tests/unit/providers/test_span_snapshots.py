"""The job that keeps open spans: as long as a pipeline with a spool runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry import trace

from flext_observability import Observability, init_observability
from flext_observability.runtime.scheduler import scheduler
from tests.waiting import eventually

JOB = "open spans"


def start(folder: Path, **changes: Any) -> Observability:
    settings: dict[str, Any] = {
        "exporters": "otlp_file",
        "otlp_file_path": str(folder / "telemetry.jsonl"),
        "console": False,
        "spool": True,
        "spool_directory": str(folder / "spool"),
        "spool_open_spans_after_seconds": 0.02,
    }
    return init_observability(**{**settings, **changes}).unwrap()


def kept(folder: Path) -> list[Path]:
    return list((folder / "spool").rglob("open-spans"))


def test_open_spans_are_kept_until_the_shutdown(tmp_path: Path) -> None:
    handle = start(tmp_path)
    trace.get_tracer("t").start_span("work")
    eventually(lambda: kept(tmp_path))
    handle.shutdown()
    assert kept(tmp_path) == []
    assert JOB not in scheduler().names()
    assert "abandoned" in (tmp_path / "telemetry.jsonl").read_text()


def test_a_second_start_follows_its_settings(tmp_path: Path) -> None:
    start(tmp_path)
    trace.get_tracer("t").start_span("work")
    eventually(lambda: kept(tmp_path))
    start(tmp_path, flush_timeout_seconds=1)
    assert JOB in scheduler().names()
    eventually(lambda: kept(tmp_path))
    last = start(tmp_path, spool=False)
    eventually(lambda: JOB not in scheduler().names())
    assert kept(tmp_path) == []
    last.shutdown()


def test_the_setting_turns_them_off(tmp_path: Path) -> None:
    handle = start(tmp_path, spool_open_spans_after_seconds=0)
    assert JOB not in scheduler().names()
    handle.shutdown()
