"""Program under fault: records spans, log records and a counter, and prints its ledger at the end.

The number of recorded items is in a file, which survives a kill. Arguments are environment variables: ``COUNTED`` (the
file), ``SECONDS``, ``RATE`` (a second) and ``FIRST`` (number of the first item).
"""

from __future__ import annotations

import json
import logging
import os
import time

from opentelemetry import metrics, trace

from flext_observability import init_observability


def main() -> None:
    """Record for a time, and end within the deadline."""
    first, rate, seconds = (float(os.environ[name]) for name in ("FIRST", "RATE", "SECONDS"))
    handle = init_observability(
        service_name="faults",
        exporters="otlp_http",
        console=False,
        log_level="info",
        traces_schedule_delay_seconds=0.2,
        logs_schedule_delay_seconds=0.2,
        metric_export_interval_seconds=0.5,
        spool=True,
    ).unwrap()
    counted = os.open(os.environ["COUNTED"], os.O_RDWR | os.O_CREAT, 0o600)
    tracer, logger = trace.get_tracer("t"), logging.getLogger("app")
    counter = metrics.get_meter("t").create_counter("count")
    began, number = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        name = str(int(first) + number)
        with tracer.start_as_current_span(name):
            logger.info("%s", name)
            counter.add(1)
        number += 1
        os.pwrite(counted, b"%10d" % number, 0)
        time.sleep(max(began + number / rate - time.monotonic(), 0))
    ended = time.monotonic()
    report = handle.shutdown().unwrap()
    rows = [
        {
            "signal": row.signal,
            "finished": row.finished,
            "queued": row.queued + row.in_flight,
            "exported": row.exported,
            "spooled": row.spooled,
            "dropped": dict(row.dropped),
            "found": row.inherited.found,
            "found_spooled": row.inherited.spooled,
            "found_exported": row.inherited.exported,
            "found_dropped": dict(row.inherited.dropped),
        }
        for row in report.ledger.exporters
    ]
    print(json.dumps({"number": number, "leaving": time.monotonic() - ended, "rows": rows}))


if __name__ == "__main__":
    main()
