"""A program whose telemetry costs more than its budget leaves out detail, and records it again when the load ends."""

from __future__ import annotations

import json
import re

import pytest

from tests.programs import UNMEASURED, run

START = """
import json, logging, os, time
from opentelemetry import trace
from flext_observability import init_observability, memory_store
from flext_observability.providers import overhead_budget

overhead_budget.WINDOW_SECONDS = 0.02
logging.basicConfig()
tracer = trace.get_tracer("t")

def work():
    with tracer.start_as_current_span("root", attributes={f"key{number}": number for number in range(10)}) as span:
        span.add_event("event")
        with tracer.start_as_current_span("child"):
            pass

def budget():
    return handle.status().overhead.budget

def until(reached, seconds, action):
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        action()

def load(level):
    for _ in range(100):
        until(lambda: budget().level >= level, 0.3, lambda: [work() for _ in range(200)])

def show(**more):
    now = budget()
    print(json.dumps({"level": now.level, "shed": now.shed, "counts": dict(now.counts), **more}), flush=True)
"""

PROGRAM = (
    START
    + """
handle = init_observability(console=False, exporters="memory", overhead_budget_percent=0.01).unwrap()
load(8)
show(notices=[notice.message for notice in handle.status()["traces"].notices])
until(lambda: budget().level == 0, 30, lambda: time.sleep(0.2))
show()
handle.flush()
memory_store().clear()
work()
handle.flush()
spans = {span.name: span for span in memory_store().spans}
root, child = spans["root"], spans["child"]
print(len(root.events), len(root.attributes), child.parent.span_id == root.context.span_id)
"""
)


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["lean", "sdk"])
def test_detail_is_left_out_in_order_and_recorded_again(engine: str) -> None:
    done = run(PROGRAM, 100, FLEXT_OBSERVABILITY_ENGINE=engine, **UNMEASURED)
    assert done.code == 0, done.err
    loaded, rested = map(json.loads, done.lines[:2])
    assert (loaded["level"], rested["level"]) == (8, 0)
    assert loaded["shed"] == ["span events", "span attributes beyond 8", "63 of 64 traces"]
    assert loaded["counts"]["spans"] > 0
    assert any("(level 8)" in notice for notice in loaded["notices"])
    if engine == "lean":
        assert loaded["counts"]["events"] > 0
        assert loaded["counts"]["attributes"] > 0
    changes = [int(level) for level in re.findall(r"are left out \(level (\d)\)", done.err)]
    assert changes == [1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1]
    assert done.err.count("everything is recorded again") == 1
    assert done.lines[2] == "1 10 True"


FORK = (
    START
    + """
handle = init_observability(console=False, exporters="memory", overhead_budget_percent=0.01).unwrap()
load(2)
child = os.fork()
if not child:
    try:
        show()
        load(1)
        show()
    finally:
        os._exit(0)
os.waitpid(child, 0)
"""
)


@pytest.mark.alone
def test_a_forked_child_has_a_budget_of_its_own() -> None:
    done = run(FORK, 60, **UNMEASURED)
    assert done.code == 0, done.err
    born, loaded = map(json.loads, done.lines)
    assert (born["level"], born["counts"]) == (0, {})
    assert loaded["level"] >= 1
