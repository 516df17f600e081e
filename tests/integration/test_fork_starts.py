"""A fork while another thread starts telemetry: the child can start telemetry too."""

from __future__ import annotations

from tests.programs import UNMEASURED, run

START = """
import gc, os, signal, sys, threading, time
from flext_observability import flext_create_metric, init_observability, register_exporter, shutdown_observability

signal.signal(signal.SIGALRM, signal.SIG_DFL)

def fork(in_child):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends a blocked child
        in_child()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)

def start(**arguments):
    return init_observability(console=False, **{"exporters": "memory", **arguments}).unwrap()

def in_child():
    start()
    flext_create_metric("made", 1).unwrap()
    print(shutdown_observability(5).unwrap().complete, flush=True)
"""


def test_a_child_starts_while_a_parent_thread_creates_a_meter_provider() -> None:
    done = run(
        START
        + """
from opentelemetry.sdk.metrics import MeterProvider

start()
shutdown_observability()
gc.collect()  # the SDK's own fork handler goes away with the provider
with MeterProvider._all_metric_readers_lock:
    thread = threading.Thread(target=fork, args=(in_child,))
    thread.start()
    thread.join()
"""
    )
    assert done.lines == ["True", "0"], done.err


def test_a_fork_waits_for_a_running_start() -> None:
    done = run(
        START
        + """
class Slow:
    def signals(self):
        return ("traces",)

    def create(self, signal, config):
        begun.set()
        time.sleep(0.2)
        print("made" if os.getpid() == parent else "made by the child", flush=True)
        return Nowhere()

class Nowhere:
    def export(self, batch, timeout_seconds): ...
    def close(self): ...

begun, parent = threading.Event(), os.getpid()
register_exporter("slow", Slow()).unwrap()
start()
thread = threading.Thread(target=start, kwargs={"exporters": {"traces": "slow"}})
thread.start()
begun.wait(5)
fork(lambda: print("forked", flush=True))
thread.join()
"""
    )
    assert done.lines == ["made", "made by the child", "forked", "0"], done.err


def test_children_forked_during_repeated_starts_and_stops_work() -> None:
    done = run(
        START
        + """
sys.setswitchinterval(1e-5)
stopped = threading.Event()

def restart_repeatedly():
    while not stopped.is_set():
        start(exporters={"traces": "memory", "metrics": ["memory", "prometheus"], "logs": "memory"}, prometheus_port=0)
        shutdown_observability(0.5)

start()
flext_create_metric("made", 1).unwrap()  # so that no thread runs an import at a fork
thread = threading.Thread(target=restart_repeatedly)
thread.start()
for _ in range(20):
    fork(in_child)
stopped.set()
thread.join()
""",
        **UNMEASURED,
    )
    assert done.lines == ["True", "0"] * 20, done.err
