"""A parent hands its context to a child process → one trace, one correlation id and one baggage in both."""

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
    """Start a job in another process, and compare what both saw."""
    with correlation_scope("order-1234"), traced("place order") as span:
        carrier = inject_context({})
        command = [sys.executable, __file__, "child"]
        run = subprocess.run(command, input=json.dumps(dict(carrier)), capture_output=True, text=True, check=True)
        told = json.loads(run.stdout)
        trace_id = f"{span.get_span_context().trace_id:032x}"
    print("another process:", told["process"] != os.getpid())
    print("same trace:", told["trace_id"] == trace_id)
    print("correlation id:", told["correlation_id"])


def child() -> None:
    """Do the job as part of the caller's trace, and tell what was seen."""
    context = extract_context(json.load(sys.stdin))
    with traced("pack order", parent=context) as span:
        seen = {"trace_id": f"{span.get_span_context().trace_id:032x}", "correlation_id": flext_get_correlation_id()}
    print(json.dumps(seen | {"process": os.getpid()}))


if __name__ == "__main__":
    observability = init_observability(service_name="orders", exporters="memory").unwrap()
    child() if "child" in sys.argv else parent()
    observability.shutdown()
