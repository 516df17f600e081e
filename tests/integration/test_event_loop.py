"""Programs with an event loop: telemetry is sent by a blocking call where nothing can be awaited."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.backends.collector import collector
from tests.programs import environment, run

START = """
import asyncio, signal
from flext_observability import flush_observability, init_observability, traced

handle = init_observability(service_name="app", exporters="otlp", console=False).unwrap()
"""
SERVER = (
    START
    + """
async def main():
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop():
        report = handle.shutdown(5, blocking=True).unwrap()
        print(report.complete, report.exported, flush=True)
        stopped.set()

    loop.add_signal_handler(signal.SIGTERM, stop)
    with traced("request"):
        await asyncio.sleep(0)
    print("ready", flush=True)
    await stopped.wait()

asyncio.run(main())
"""
)
SYNC_HELPER = (
    START
    + """
def report():
    return flush_observability(5, blocking=True).unwrap().complete

async def main():
    with traced("step"):
        await asyncio.sleep(0)
    print(report())

asyncio.run(main())
"""
)
NOT_AWAITED = (
    START
    + """
async def main():
    handle.flush()
    for _ in range(3):
        handle.shutdown()

asyncio.run(main())
"""
)


def test_a_signal_handler_of_a_loop_sends_everything() -> None:
    with collector() as received:
        settings = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": received.url})
        command = [sys.executable, "-c", SERVER]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as child:
            try:
                assert child.stdout is not None
                assert child.stdout.readline() == "ready\n"
                child.send_signal(signal.SIGTERM)
                out, _ = child.communicate(timeout=20)
            finally:
                child.kill()
        assert child.returncode == 0
        complete, exported = out.split()
        assert complete == "True"
        assert int(exported) >= 1
        assert [span.name for span in received.spans()] == ["request"]


def test_a_sync_function_inside_a_loop_flushes() -> None:
    with collector() as received:
        done = run(SYNC_HELPER, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
        assert (done.code, done.out, done.err) == (0, "True\n", "")


@pytest.mark.parametrize("operation", ["flush", "shutdown"])
def test_an_operation_without_await_is_named_once_per_line(operation: str) -> None:
    with collector() as received:
        done = run(NOT_AWAITED, OTEL_EXPORTER_OTLP_ENDPOINT=received.url)
    assert done.code == 0
    lines = [line for line in done.err.splitlines() if f"RuntimeWarning: {operation}() did nothing" in line]
    assert len(lines) == 1
    assert lines[0].endswith("Await it, or pass blocking=True where nothing can be awaited.")
