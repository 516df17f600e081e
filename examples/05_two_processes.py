"""Pass the context to a child process: both processes share one trace and one correlation id."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from flext_observability import (
    correlation_scope,
    extract_context,
    flext_get_correlation_id,
    init_observability,
    inject_context,
    traced,
)


def parent() -> None:
    """Start a job in another process, and compare the ids of both."""
    with correlation_scope("order-1234"), traced("place order") as span:
        carrier = inject_context({})
        command = [sys.executable, __file__, "child"]
        run = subprocess.run(command, input=json.dumps(dict(carrier)), capture_output=True, text=True, check=True)
        reply = json.loads(run.stdout)
        trace_id = f"{span.get_span_context().trace_id:032x}"
    print("another process:", reply["process"] != os.getpid())
    print("same trace:", reply["trace_id"] == trace_id)
    print("correlation id:", reply["correlation_id"])


def child() -> None:
    """Run the job in the caller's trace, and print its ids."""
    context = extract_context(json.load(sys.stdin))
    with traced("pack order", parent=context) as span:
        ids = {"trace_id": f"{span.get_span_context().trace_id:032x}", "correlation_id": flext_get_correlation_id()}
    print(json.dumps(ids | {"process": os.getpid()}))


if __name__ == "__main__":
    observability = init_observability(service_name="orders", exporters="memory").unwrap()
    child() if "child" in sys.argv else parent()
    observability.shutdown()
