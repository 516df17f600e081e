"""Records of signal handlers, destructors and callbacks of the garbage collector arrive, also inside other calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.collector import Collector, collector
from tests.programs import UNMEASURED, run

PROGRAM = """
import gc, itertools, logging, signal, time
from flext_observability import init_observability, shutdown_observability

init_observability(console=False, service_name="logs", logs_max_queue_size=500_000, engine="ENGINE").unwrap()
logging.getLogger().addHandler(logging.NullHandler())  # a stream of the standard library is not re-entrant
log, numbers = logging.getLogger("app"), {kind: itertools.count() for kind in ("main", "signal", "gc", "end")}
seen = {kind: [] for kind in numbers}

def write(kind):
    number = next(numbers[kind])
    log.warning("%s %d", kind, number)
    if number % 50 == 0:
        logging.getLogger(f"{kind}.{number}").warning("%s %d", kind, -number - 1)
    seen[kind].append(number)

class Dying:
    def __init__(self):
        self.cycle = self

    def __del__(self):
        write("end")

is_writing = True

def collected(phase, info):  # stays: a callback is not recognized in another thread once it is removed
    if phase == "stop" and is_writing:
        write("gc")

signal.signal(signal.SIGALRM, lambda *_: write("signal"))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
gc.callbacks.append(collected)
gc.set_threshold(200)
while len(seen["main"]) < 6000 or len(seen["signal"]) < 50:
    Dying()
    write("main")
signal.setitimer(signal.ITIMER_REAL, 0)
is_writing = False
while len(seen["end"]) < len(seen["main"]):  # a collection of another thread may be calling destructors
    gc.collect()
    time.sleep(0.01)
report = shutdown_observability(timeout_seconds=30).unwrap()
assert report.complete, report
for kind, count in numbers.items():
    print(kind, next(count))
"""


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_every_record_arrives_once(received: Collector, engine: str) -> None:
    source = PROGRAM.replace("ENGINE", engine)
    done = run(source, OTEL_EXPORTER_OTLP_ENDPOINT=received.url, OTEL_METRICS_EXPORTER="none", **UNMEASURED)
    assert done.code == 0, done.err
    counts = {kind: int(count) for kind, count in map(str.split, done.lines)}
    expected = [
        f"{kind} {number}"
        for kind, count in counts.items()
        for each in range(count)
        for number in ((each, -each - 1) if each % 50 == 0 else (each,))
    ]
    assert min(counts.values()) > 0
    assert sorted(record.body.string_value for record in received.log_records()) == sorted(expected)
