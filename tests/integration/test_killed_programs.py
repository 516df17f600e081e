"""Spans that were open for long when a program was killed: the next start sends them, once, as aborted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.backends.collector import Collector, collector
from tests.programs import UNMEASURED, environment, run

START = """
import os, random, signal, sys, time
from opentelemetry import trace
from flext_observability import get_observability, init_observability
init_observability(
    service_name="shop", console=False, spool=True, metrics_enabled=False, traces_schedule_delay_seconds=0.05,
    spool_open_spans_after_seconds=0.05,
).unwrap()
tracer = trace.get_tracer("t")
"""
STEADY = """
long = tracer.start_span("long", attributes={"number": 7})
ended = tracer.start_span("ended")
folder = os.environ["FLEXT_OBSERVABILITY_SPOOL_DIRECTORY"]
def kept():
    return [each for root, _, names in os.walk(folder) for each in names if each == "open-spans"]
while not kept():
    time.sleep(0.01)
ended.end()
get_observability().unwrap().flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
RANDOM = """
random.seed(int(sys.argv[1]))
kept = [tracer.start_span("kept") for _ in range(5)]
open_spans, end = [], time.monotonic() + 0.5 + random.random()
print("ready", flush=True)
while True:
    open_spans.append((time.monotonic() + random.random() * 0.3, tracer.start_span("work")))
    time.sleep(0.002)
    for due, span in list(open_spans):
        if due < time.monotonic():
            open_spans.remove((due, span))
            span.end()
    if time.monotonic() > end:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def settings(received: Collector, folder: Path) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
        "FLEXT_OBSERVABILITY_SPOOL_DIRECTORY": str(folder),
        **UNMEASURED,
    }


@pytest.mark.any_sdk
@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_the_next_start_sends_spans_of_a_killed_program(engine: str, tmp_path: Path) -> None:
    with collector() as received:
        variables = {**settings(received, tmp_path), "FLEXT_OBSERVABILITY_ENGINE": engine}
        assert run(START + STEADY, **variables).code == -signal.SIGKILL
        assert [span.name for span in received.spans()] == ["ended"]
        again = run(START, **variables)
    assert (again.code, again.err) == (0, "")
    found = {span.name: span for span in received.spans()}
    assert sorted(found) == ["ended", "long"]
    assert len(received.spans()) == 2
    attributes = {each.key: each.value.string_value or each.value.int_value for each in found["long"].attributes}
    assert attributes == {"error.type": "killed", "number": 7, "flext.outcome": "aborted"}
    assert found["long"].end_time_unix_nano > found["long"].start_time_unix_nano


def test_no_span_arrives_twice_after_random_kills(tmp_path: Path) -> None:
    rounds = range(6)
    with collector() as received:
        variables = environment(settings(received, tmp_path))
        children = [
            subprocess.Popen([sys.executable, "-c", START + RANDOM, str(each)], env=variables) for each in rounds
        ]
        assert [child.wait(60) for child in children] == [-signal.SIGKILL] * len(rounds)
        assert run(START, **settings(received, tmp_path)).code == 0
    ids = Counter(span.span_id for span in received.spans())
    assert [count for count in ids.values() if count > 1] == []
    assert [span.name for span in received.spans()].count("kept") == 5 * len(rounds)
    aborted = [
        span for span in received.spans() if any(each.value.string_value == "aborted" for each in span.attributes)
    ]
    assert {span.name for span in aborted} == {"kept", "work"}
