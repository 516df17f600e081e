"""Without free file descriptors: telemetry waits, status and handle answer, and a working configuration stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.collector import Collector
from tests.programs import run

PROGRAM = """
import os, resource, time
from opentelemetry import trace
from flext_observability import flush_observability, get_observability, init_observability, shutdown_observability
from flext_observability.pipeline import export_worker

held = []

def exhaust():
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        pass

def release():
    while held:
        os.close(held.pop())

def work(name):
    trace.get_tracer("t").start_span(name).end()

def start(**arguments):
    return init_observability(**{"exporters": {"traces": EXPORTER}, "console": False, **arguments})

def row():
    return get_observability().unwrap().status()["traces"]
"""


def program(exporter: str, source: str, received: Collector, folder: Path) -> list[str]:
    done = run(
        f"EXPORTER = {exporter!r}\n{PROGRAM}{source}",
        OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
        FLEXT_OBSERVABILITY_OTLP_FILE_PATH=str(folder / "telemetry.jsonl"),
    )
    assert done.code == 0, done.err
    return done.lines


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("exporter", ["otlp_http", "otlp_file"])
def test_the_first_batch_waits(exporter: str, moment: str, received: Collector, tmp_path: Path) -> None:
    """Before and after the modules of the exporter are loaded."""
    lines = program(
        exporter,
        f"export_worker.LOAD_DELAY_SECONDS = {60.0 if moment == 'before' else 0.0}"
        """
handle = start(service_name="first").unwrap()
time.sleep(0 if export_worker.LOAD_DELAY_SECONDS else 1)
exhaust()
work("one")
print(handle.flush(0.5).unwrap().complete)
print(repr(handle).partition(":")[0])
print(row().state, row().fix[:15], row().deliveries[0].queued, dict(row().deliveries[0].dropped))
release()
print(handle.flush(10).unwrap().complete, row().state, row().deliveries[0].exported)
""",
        received,
        tmp_path,
    )
    assert lines == [
        "False",
        "<Observability first",
        "degraded Raise the limit 1 {}",
        "True active 1",
    ]


def test_a_second_start_leaves_the_first_configuration(received: Collector, tmp_path: Path) -> None:
    lines = program(
        "otlp_http",
        """
start(service_name="first").unwrap()
work("one")
exhaust()
second = start(service_name="second")
print(second.code, second.fix)
print(get_observability().unwrap().config.service_name)
work("two")
release()
print(shutdown_observability(10).unwrap().complete)
""",
        received,
        tmp_path,
    )
    assert lines == ["shortage Raise the limit of open files (ulimit -n), or close files", "first", "True"]
    assert [span.name for span in received.spans()] == ["one", "two"]


def test_a_first_start_names_the_shortage(received: Collector, tmp_path: Path) -> None:
    lines = program(
        "otlp_http",
        """
from flext_observability.api import process
exhaust()
first = start(service_name="first")
release()
print(first.success, first.code, first.fix)
print(start(service_name="second").success)
""",
        received,
        tmp_path,
    )
    assert lines == ["False shortage Raise the limit of open files (ulimit -n), or close files", "True"]


def test_a_file_exporter_is_created_and_waits(received: Collector, tmp_path: Path) -> None:
    lines = program(
        "otlp_file",
        """
start(service_name="first").unwrap()
shutdown_observability()
exhaust()
start(service_name="second").unwrap()
work("one")
print(flush_observability(0.5).unwrap().complete, row().state)
release()
print(flush_observability(10).unwrap().complete, row().state)
""",
        received,
        tmp_path,
    )
    assert lines == ["False degraded", "True active"]


def test_an_exporter_that_cannot_be_imported_names_the_fix(received: Collector, tmp_path: Path) -> None:
    lines = program(
        "otlp_file",
        """
start(service_name="first", exporters="memory").unwrap()
shutdown_observability()
exhaust()
print(start(service_name="second").success, row().state, row().fix)
release()
""",
        received,
        tmp_path,
    )
    assert lines == ["True degraded Raise the limit of open files (ulimit -n), or close files"]
