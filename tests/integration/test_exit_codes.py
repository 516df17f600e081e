"""The end of a program is its own: exit code and output are the same with this library and without it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.backends.collector import collector
from tests.backends.ports import refusing_port
from tests.programs import UNMEASURED, Finished, run

pytestmark = pytest.mark.any_sdk

COMMON = "import atexit, os, signal, sys, threading, time\n"
WITHOUT_US = "from contextlib import nullcontext\ntraced = nullcontext\n"
WITH_US = "from flext_observability import init_observability, traced\ninit_observability(service_name='ending')\n"
SIGNALLED = """
with traced("work"):
    os.kill(os.getpid(), signal.{})
    time.sleep(10)
"""
ENDS = {
    "end of main": "with traced('work'):\n    pass",
    "sys.exit": "with traced('work'):\n    sys.exit(3)",
    "exception": "with traced('work'):\n    raise ValueError('over')",
    "Ctrl-C": SIGNALLED.format("SIGINT"),
    "SIGTERM": SIGNALLED.format("SIGTERM"),
    "SIGTERM with a handler": "signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))" + SIGNALLED.format("SIGTERM"),
    "os._exit": "with traced('work'):\n    pass\nos._exit(5)",
    "interrupt in a thread": """
def interrupted():
    with traced("work"):
        raise KeyboardInterrupt

thread = threading.Thread(target=interrupted)
thread.start()
thread.join()
""",
    "exception at exit": """
@atexit.register
def broken():
    with traced("work"):
        raise ValueError("late")
""",
}
CODES = {
    "end of main": 0,
    "sys.exit": 3,
    "exception": 1,
    "Ctrl-C": -signal.SIGINT,
    "SIGTERM": -signal.SIGTERM,
    "SIGTERM with a handler": 4,
    "os._exit": 5,
    "interrupt in a thread": 0,
    "exception at exit": 0,
}
EXPORTERS = ("refused", "refused over gRPC", "reachable", "otlp_file", "console", "prometheus", "disabled")
CASES = [
    *((end, "refused") for end in ENDS),
    *(("Ctrl-C", exporter) for exporter in EXPORTERS[1:]),
    *(("exception", exporter) for exporter in ("reachable", "console")),
]
ALL_ENDS = {(end, "without us") for end in ENDS}


def settings_of(exporter: str, url: str, port: int, folder: Path) -> Mapping[str, str]:
    otlp = {"FLEXT_OBSERVABILITY_CONSOLE": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    own = {"FLEXT_OBSERVABILITY_EXPORTERS": exporter}
    return {
        "refused": otlp,
        "refused over gRPC": {**otlp, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        "reachable": {**otlp, "OTEL_EXPORTER_OTLP_ENDPOINT": url},
        "otlp_file": {**own, "FLEXT_OBSERVABILITY_OTLP_FILE_PATH": str(folder / "telemetry.jsonl")},
        "console": own,
        "prometheus": {**own, "FLEXT_OBSERVABILITY_PROMETHEUS_PORT": "0"},
        "disabled": {"OTEL_SDK_DISABLED": "true"},
    }[exporter]


Runs = Mapping[tuple[str, str], Future[Finished]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Run every case at the same time, a few at once, and each end without this library."""
    folder = tmp_path_factory.mktemp("ends")
    with collector() as received, refusing_port() as port, ThreadPoolExecutor(4) as pool:
        started = {case: pool.submit(run, COMMON + WITHOUT_US + ENDS[case[0]], **UNMEASURED) for case in ALL_ENDS}
        for end, exporter in CASES:
            settings = settings_of(exporter, received.url, port, folder)
            started[end, exporter] = pool.submit(run, COMMON + WITH_US + ENDS[end], **settings, **UNMEASURED)
        yield started


def program_lines(done: Finished) -> list[str]:
    """Return the lines of the standard error stream that the program, or Python, wrote."""
    return [
        line.partition(" at 0x")[0]
        for line in done.err.splitlines()
        if not line.startswith(("Telemetry was lost", "OTLP", "traces ")) and " is down" not in line
    ]


@pytest.mark.parametrize(("end", "exporter"), CASES)
def test_exit_code_and_output_are_those_of_the_program(runs: Runs, end: str, exporter: str) -> None:
    plain, done = runs[end, "without us"].result(), runs[end, exporter].result()
    assert (done.code, plain.code) == (CODES[end], CODES[end])
    written, expected = program_lines(done), program_lines(plain)
    if exporter == "console":  # it draws its traces on the same stream
        written = written[: len(expected)]
    assert [line for line in written if "line" not in line] == [line for line in expected if "line" not in line]
    assert "flext_observability" not in done.err
