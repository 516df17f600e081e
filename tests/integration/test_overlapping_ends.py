"""Ends that overlap: Ctrl-C during the exit, shutdowns of other threads, code of others that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile

import pytest

from tests.backends.raw import raw_server, silent
from tests.programs import environment, run

pytestmark = pytest.mark.any_sdk

START = """
import os, signal, sys, threading, time
from flext_observability import init_observability, register_exporter, shutdown_observability, traced
"""
ONE_SPAN = "init_observability(service_name='ending', console=False)\nwith traced('work'):\n    pass\n"
LOST = "Telemetry was lost: otlp_http 1 of 1 traces (shutdown_deadline)"
EXPORTER = """
from flext_observability import ExportOutcome

class Exporter:
    def __init__(self, **hangs):
        self.hangs = hangs

    def signals(self):
        return ["traces"]

    def create(self, signal, config):
        time.sleep(self.hangs.get("create", 0))
        return self

    def export(self, batch, timeout_seconds):
        time.sleep(self.hangs.get("export", 0))
        return ExportOutcome(accepted=len(batch))

    def close(self):
        time.sleep(self.hangs.get("close", 0))
"""


@contextmanager
def ending(source: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program, and yield it after it has printed a line."""
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", START + source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(settings),
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ending\n"
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("interrupts", [1, 2])
@pytest.mark.parametrize(("end", "code"), [("", 0), ("raise KeyboardInterrupt", -signal.SIGINT)])
def test_ctrl_c_during_the_exit_ends_the_wait_with_one_line(interrupts: int, end: str, code: int) -> None:
    with raw_server(silent) as server:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url, "FLEXT_OBSERVABILITY_SHUTDOWN_TIMEOUT_SECONDS": "20"}
        with ending(ONE_SPAN + "print('ending')\n" + end, **settings) as child:
            time.sleep(0.3)
            for _ in range(interrupts):
                child.send_signal(signal.SIGINT)
            began = time.monotonic()
            errors = child.communicate(timeout=15)[1].splitlines()
    assert time.monotonic() - began < 10
    assert child.returncode in {code, -signal.SIGINT if interrupts > 1 else code}, "or later, while Python ends"
    assert errors[-1] == LOST or (interrupts > 1 and LOST in errors), errors
    # The second one may interrupt a callback of Python's own after ours, which Python reports.
    ours = takewhile(lambda line: interrupts == 1 or not line.startswith("Exception ignored in"), errors)
    assert [line for line in ours if line != LOST and "KeyboardInterrupt" not in line and "<module>" not in line] == [
        "Traceback (most recent call last):"
    ] * bool(end)


@pytest.mark.parametrize("end", ["pass", "raise KeyboardInterrupt"])
def test_ctrl_c_at_the_end_of_a_with_block_ends_the_wait_with_one_line(end: str) -> None:
    program = f"""
with init_observability(service_name='ending', console=False).unwrap():
    with traced('work'):
        pass
    print('ending')
    {end}
"""
    with raw_server(silent) as server:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url, "FLEXT_OBSERVABILITY_SHUTDOWN_TIMEOUT_SECONDS": "20"}
        with ending(program, **settings) as child:
            time.sleep(0.3)
            child.send_signal(signal.SIGINT)
            began = time.monotonic()
            errors = child.communicate(timeout=15)[1].splitlines()
    assert time.monotonic() - began < 10
    assert child.returncode == -signal.SIGINT
    assert (errors[0], errors[1], errors[-1]) == (LOST, "Traceback (most recent call last):", "KeyboardInterrupt")
    assert len(errors) <= 10


def test_the_exit_waits_for_a_shutdown_of_another_thread() -> None:
    program = """
class Slow(Exporter):
    def export(self, batch, timeout_seconds):
        time.sleep(0.7)
        print("sent", [span.name for span in batch])
        return ExportOutcome(accepted=len(batch))

register_exporter("slow", Slow())
init_observability(exporters="slow", console=False)
with traced("work"):
    pass
threading.Thread(target=shutdown_observability, args=(10,), daemon=True).start()
time.sleep(0.1)
"""
    done = run(START + EXPORTER + program)
    assert (done.code, done.lines, done.err) == (0, ["sent ['work']"], "")


def test_what_another_thread_cannot_send_before_the_exit_is_logged() -> None:
    program = """
threading.Thread(target=shutdown_observability, args=(20,), daemon=True).start()
time.sleep(0.1)
"""
    with raw_server(silent) as server:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.url, "FLEXT_OBSERVABILITY_SHUTDOWN_TIMEOUT_SECONDS": "0.3"}
        done = run(START + ONE_SPAN + program, **settings)
    assert (done.code, done.err.splitlines()) == (0, [LOST])
    assert done.seconds < 15


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("close", "The shutdown did not end in time: closing the exporter hanging of traces"),
        ("export", LOST.replace("otlp_http", "hanging")),
    ],
)
def test_an_exporter_that_hangs_costs_the_exit_its_deadline(method: str, line: str) -> None:
    program = f"""
register_exporter("hanging", Exporter({method}=60))
init_observability(exporters="hanging", console=False, shutdown_timeout_seconds=0.5)
with traced("work"):
    pass
"""
    done = run(START + EXPORTER + program)
    assert (done.code, done.err.splitlines()) == (0, [line])
    assert done.seconds < 15


def test_a_start_that_hangs_in_another_thread_does_not_delay_the_exit() -> None:
    program = """
register_exporter("hanging", Exporter(create=60))
threading.Thread(target=init_observability, kwargs={"exporters": "hanging", "console": False}, daemon=True).start()
time.sleep(0.5)
"""
    done = run(START + EXPORTER + program)
    assert (done.code, done.err) == (0, "")
    assert done.seconds < 15


def test_a_factory_that_hangs_is_named_and_the_program_goes_on() -> None:
    program = """
register_exporter("hanging", Exporter(create=60))
init_observability(exporters="hanging", console=False)
print("goes on")
"""
    done = run(START + EXPORTER + program)
    assert (done.code, done.lines) == (0, ["goes on"])
    reason = "hanging cannot be used: its factory does not return. Report this to the author of the exporter."
    assert done.err.splitlines() == [f"traces degraded: {reason}"]
    assert done.seconds < 25


def test_a_shutdown_in_a_signal_handler_ends_that_of_the_same_thread() -> None:
    program = """
handle = init_observability(service_name="ending", console=False).unwrap()
with traced("work"):
    pass
signal.signal(signal.SIGTERM, lambda *_: print(handle.shutdown(0.2).unwrap().dropped))
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
print(handle.shutdown(30).unwrap().dropped)
"""
    with raw_server(silent) as server:
        done = run(START + program, OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    assert done.lines == ["{'shutdown_deadline': 1}"] * 2
    assert done.seconds < 20


def test_no_handler_of_a_signal_is_installed() -> None:
    program = """
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.getsignal(signal.SIGINT).__name__)
"""
    assert run(START + ONE_SPAN + program).lines == ["True default_int_handler"]
    assert os.name == "posix"
