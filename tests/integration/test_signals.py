"""Signals that end a program: what was queued and open arrives, and the program ends as without this library."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.backends.collector import Collector, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import raw_server, silent
from tests.programs import UNMEASURED, Finished, environment, run
from tests.waiting import eventually

IMPORTS = """
import asyncio, os, signal, sys, threading, time
from opentelemetry import metrics, trace
from flext_observability import init_observability, shutdown_observability, traced
"""
START = """
def start(**settings):
    init_observability(service_name="s", console=False, traces_schedule_delay_seconds=60, **settings).unwrap()

def record():
    metrics.get_meter("t").create_counter("count").add(1)
    for number in range(20):
        with traced(f"done {number}"):
            pass
    trace.get_tracer("t").start_span("open")

def send(number):
    os.kill(os.getpid(), number)
"""
HANDLERS = {
    "default": ("", -signal.SIGTERM),
    "exit": ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", 3),
    "raise": ("signal.signal(signal.SIGTERM, signal.default_int_handler)", -signal.SIGINT),
    "shut down": (
        "signal.signal(signal.SIGTERM, lambda *_: (shutdown_observability(), sys.exit(4)))",
        4,
    ),
    "flag": ("stopped = threading.Event()\nsignal.signal(signal.SIGTERM, lambda *_: stopped.set())", 0),
}
ENDS = {"flag": "send(signal.SIGTERM)\nstopped.wait(10)"}
END = "send(signal.SIGTERM)\ntime.sleep(10)"


def source_of(*parts: str) -> str:
    return "\n".join((IMPORTS, START, *parts))


def ending(received: Collector, *parts: str, **settings: str) -> Finished:
    return run(source_of(*parts), OTEL_EXPORTER_OTLP_ENDPOINT=received.url, **UNMEASURED, **settings)


def names(received: Collector) -> list[str]:
    return sorted(span.name for span in received.spans())


def outcomes(received: Collector) -> dict[str, dict[str, str]]:
    """Return the attributes of the open spans by name."""
    return {
        span.name: {each.key: each.value.string_value for each in span.attributes}
        for span in received.spans()
        if span.name.startswith("open")
    }


ALL = sorted(["open", *(f"done {number}" for number in range(20))])


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("is_before", [True, False], ids=["before the start", "after the start"])
def test_everything_arrives_and_the_handler_of_the_program_decides(handler: str, *, is_before: bool) -> None:
    source, code = HANDLERS[handler]
    steps = (source, "start()", "record()") if is_before else ("start()", "record()", source)
    with collector() as received:
        done = ending(received, *steps, ENDS.get(handler, END))
    assert done.code == code, done.err
    assert names(received) == ALL
    assert received.metrics()[-1].sum.data_points[0].as_int == 1
    cause = "SIGINT" if handler == "raise" else "SIGTERM"
    assert outcomes(received) == {"open": {"flext.outcome": "aborted", "error.type": cause}}
    assert "flext_observability" not in done.err


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_the_program_ends_by_the_signal(number: str) -> None:
    default = f"signal.signal(signal.{number}, signal.SIG_DFL)"
    with collector() as received:
        done = ending(received, default, "start()", "record()", f"send(signal.{number})", "time.sleep(10)")
    assert (done.code, done.err) == (-getattr(signal, number), "")
    assert names(received) == ALL


def test_ignored_signals_stay_ignored() -> None:
    with collector() as received:
        done = ending(
            received, "signal.signal(signal.SIGHUP, signal.SIG_IGN)", "start()", "send(signal.SIGHUP)", "record()"
        )
    assert done.code == 0
    assert outcomes(received) == {"open": {"flext.outcome": "abandoned"}}


def test_the_setting_leaves_signals_to_the_program() -> None:
    with collector() as received:
        done = ending(received, "start()", "record()", END, FLEXT_OBSERVABILITY_HANDLE_SIGNALS="false")
    assert done.code == -signal.SIGTERM
    assert "open" not in names(received)


def test_a_shutdown_leaves_signals_to_the_program() -> None:
    with collector() as received:
        done = ending(
            received,
            "functions = signal.signal, signal.getsignal",
            "start()",
            "shutdown_observability()",
            "print((signal.signal, signal.getsignal) == functions, signal.getsignal(signal.SIGTERM).name)",
        )
    assert done.lines == ["True SIG_DFL"]


def test_a_start_in_another_thread_is_covered() -> None:
    with collector() as received:
        done = ending(
            received,
            "thread = threading.Thread(target=start)",
            "thread.start()",
            "while thread.is_alive(): time.sleep(0.001)",
            "record()",
            END,
        )
    assert done.code == -signal.SIGTERM
    assert names(received) == ALL


LOOPS = {
    "add_signal_handler": """
async def main():
    start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async def job():
        with traced("open job"):
            await asyncio.sleep(60)
    task = asyncio.create_task(job())
    await asyncio.sleep(0)
    record()
    send(signal.SIGTERM)
    await stopped.wait()
asyncio.run(main())
""",
    "default": """
async def main():
    start()
    record()
    send(signal.SIGTERM)
    await asyncio.sleep(60)
asyncio.run(main())
""",
    "ctrl-c": """
async def main():
    start()
    record()
    send(signal.SIGINT)
    await asyncio.sleep(60)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_everything_arrives_from_an_event_loop(kind: str) -> None:
    with collector() as received:
        done = ending(received, LOOPS[kind])
    codes = {"add_signal_handler": 0, "default": -signal.SIGTERM, "ctrl-c": -signal.SIGINT}
    assert done.code == codes[kind]
    found = outcomes(received)
    cause = "SIGINT" if kind == "ctrl-c" else "SIGTERM"
    assert found["open"] == {"flext.outcome": "aborted", "error.type": cause}
    assert len(received.spans()) == (22 if kind == "add_signal_handler" else 21)


BUSY = """
def busy():
    with traced("open in a thread"):
        while True:
            span.set_attribute("n", 1)
            span.add_event("e")

span = trace.get_tracer("t").start_span("open shared")
"""


@pytest.mark.lean_engine  # a span of the SDK logs a warning when it is used after its end
def test_threads_that_continue_with_their_spans_are_silent() -> None:
    thread = "threading.Thread(target=busy, daemon=True).start()"
    with collector() as received:
        done = ending(received, "start()", BUSY, thread, "record()", END)
    assert (done.code, done.err) == (-signal.SIGTERM, "")
    assert {"open shared", "open"} <= set(names(received))


def test_a_handler_that_never_returns_does_not_stop_the_export() -> None:
    handler = "signal.signal(signal.SIGTERM, lambda *_: [time.sleep(60) for _ in range(9)])"
    source = source_of(handler, "start()", "record()", END)
    with collector() as received:
        settings = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, **UNMEASURED})
        with subprocess.Popen([sys.executable, "-c", source], env=settings) as child:
            received.wait_for(lambda each: len(each.spans()) == 20, 20)
            child.kill()
    assert "open" not in names(received)


TWO = """
def second():
    time.sleep(0.2)
    send(signal.{})
threading.Thread(target=second, daemon=True).start()
"""


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_second_signal_ends_the_program_at_once(number: str) -> None:
    with raw_server(silent) as server:
        source = source_of("start()", "record()", TWO.format(number), END)
        done = run(
            source,
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
            FLEXT_OBSERVABILITY_SHUTDOWN_TIMEOUT_SECONDS="30",
            **UNMEASURED,
        )
    assert done.code == -signal.SIGTERM
    assert done.seconds < 20


@pytest.mark.alone
def test_a_signal_with_a_silent_back_end_keeps_the_deadline() -> None:
    with raw_server(silent) as server:
        source = source_of("start()", "record()", "print(time.monotonic(), flush=True)", END)
        done = run(source, OTEL_EXPORTER_OTLP_ENDPOINT=server.url, **UNMEASURED)
    assert done.code == -signal.SIGTERM
    assert 1.9 <= done.ended - float(done.lines[0]) <= 3.0
    assert "Telemetry was lost" in done.err


HELD = """
import logging
lock = threading.Lock()

class Waiting(logging.Handler):
    def emit(self, record):
        with lock:
            pass

logging.getLogger("flext_observability").addHandler(Waiting())
"""


def test_a_log_handler_that_waits_for_the_interrupted_code_costs_half_a_second() -> None:
    with refusing_port() as port:
        source = source_of(HELD, "start()", "record()", "with lock:", f"    {END.splitlines()[0]}")
        done = run(
            source + "\n    time.sleep(20)", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", **UNMEASURED
        )
    assert done.code == -signal.SIGTERM
    assert done.seconds < 15


def test_a_signal_while_the_main_thread_runs_c_code_is_handled_after_it() -> None:
    code = "threading.Timer(0.1, send, [signal.SIGTERM]).start()\nimport hashlib"
    with collector() as received:
        done = ending(
            received,
            "start()",
            "record()",
            code,
            "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 600_000)",
            "time.sleep(10)",
        )
    assert done.code == -signal.SIGTERM
    assert names(received) == ALL


def test_a_signal_without_threads_is_handled() -> None:
    refuse = """
def refuse(self):
    raise RuntimeError("can't start new thread")
start()
threading.Thread.start = refuse
"""
    with collector() as received:
        done = ending(received, refuse, "record()", END)
    assert done.code == -signal.SIGTERM
    assert names(received) == ALL


def test_a_child_that_is_terminated_sends_its_own_items() -> None:
    program = """
start()
record()
def child(connection):
    with traced("child"):
        pass
    trace.get_tracer("t").start_span("open in child")
    connection.send("ready")
    time.sleep(30)
import multiprocessing
here, there = multiprocessing.Pipe()
process = multiprocessing.get_context("fork").Process(target=child, args=[there])
process.start()
here.recv()
process.terminate()
process.join()
print(process.exitcode, flush=True)
"""
    with collector() as received:
        done = ending(received, program)
    assert done.lines == [str(-signal.SIGTERM)]
    assert names(received) == sorted([*ALL, "child", "open in child"])
    assert outcomes(received)["open"] == {"flext.outcome": "abandoned"}


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01])
def test_a_signal_during_forks_ends_the_program(delay: float) -> None:
    program = f"""
start()
record()
threading.Timer({delay}, send, [signal.SIGTERM]).start()
while True:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
"""
    with collector() as received:
        done = ending(received, program)
    assert done.code == -signal.SIGTERM
    assert names(received) == ALL


def test_open_spans_at_the_exit_are_named_and_counted() -> None:
    program = """
from flext_observability import get_observability
start()
handle = get_observability().unwrap()
record()
trace.get_tracer("t").start_span("open")
print(handle.status()["traces"].counts.open)
report = handle.shutdown().unwrap()
row = report.ledger.signals[0]
print(row.started, row.open, row.sampled_out, row.finished, dict(row.cut_short))
"""
    with collector() as received:
        done = ending(received, program)
    assert done.lines == ["2", "22 0 0 22 {'abandoned': 2}"]
    assert done.err.startswith("Open spans are exported as abandoned: 2 open. End each span before the program ends")
    assert names(received) == sorted([*ALL, "open"])


def test_a_signal_at_the_exit_adds_no_time() -> None:
    program = """
start()
record()
timer = threading.Timer(0.3, send, [signal.SIGTERM])
timer.daemon = True
timer.start()
"""
    with raw_server(silent) as server:
        done = run(IMPORTS + START + program, OTEL_EXPORTER_OTLP_ENDPOINT=server.url, **UNMEASURED)
    assert done.code == -signal.SIGTERM
    assert done.seconds < 15


def test_a_program_under_nohup_continues_when_its_terminal_closes() -> None:
    source = source_of("start()", "record()", "print('ready', flush=True)", "time.sleep(60)")
    with collector() as received:
        settings = environment({"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, **UNMEASURED})
        command = ["nohup", sys.executable, "-c", source]
        with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            child.send_signal(signal.SIGHUP)
            child.terminate()
            assert child.wait(20) == -signal.SIGTERM
    assert eventually(lambda: names(received) == ALL)
