"""Memory during an outage: records of 0.5 MB stay within the limit of bytes, and each one is counted."""

from __future__ import annotations

import json
import sys

import pytest

from tests.programs import UNMEASURED, run

PROGRAM = """
import json, logging, pathlib, re
from opentelemetry import trace
from flext_observability import init_observability

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024

handle = init_observability(
    service_name="large", console=False, spool=False, exporters="otlp", otlp_endpoint="http://127.0.0.1:9",
    self_metrics=False, shutdown_timeout_seconds=0.2,
).unwrap()
logging.getLogger("t").warning("first")
with trace.get_tracer("t").start_as_current_span("first"):
    pass
before = peak()
for number in range(2048):
    ADD
grown = peak() - before
(row,) = handle.status()["SIGNAL"].deliveries
shown = {"grown": grown, "dropped": dict(row.dropped), "spooled": row.spooled, "finished": row.finished,
    "sum": row.queued + row.in_flight + row.exported + row.spooled + sum(row.dropped.values())}
print(json.dumps(shown))
"""
"""Prints the growth of the memory in MiB, and the counts."""
LOG = 'logging.getLogger("t").warning(f"{number:09}" + "x" * 500_000)'
SPAN = 'trace.get_tracer("t").start_span("s", attributes={"a": f"{number:09}" + "x" * 500_000}).end()'


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("signal", "add"), [("logs", LOG), ("traces", SPAN)])
def test_large_items_of_an_outage_have_bounded_memory(signal: str, add: str) -> None:
    program = PROGRAM.replace("ADD", add).replace("SIGNAL", signal)
    shown = json.loads(run(program, **UNMEASURED).lines[-1])
    assert shown["dropped"]["queue_bytes"] > 1000
    assert shown["finished"] == shown["sum"] == 2049
    assert shown["grown"] < 200, shown
