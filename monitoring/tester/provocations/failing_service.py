"""`python -m monitoring.tester.provocations.failing_service`: requests, logs and a health check that fail.

The environment sets the service name, the endpoints and small queues. Runs until SIGTERM, or the end of standard input.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import Final

from flext_observability import (
    FlextMetricsCollector,
    FlextMetricsService,
    flext_monitor_function,
    init_observability,
    traced,
)

_BURST: Final = 200
"""Requests at once: more than fit into the queues."""
_PAUSE_SECONDS: Final = 0.5

logger = logging.getLogger("observability_test")


class OutOfStockError(Exception):
    """The failure of each request."""


@flext_monitor_function("reserve goods")
def reserve_goods(number: int) -> None:
    """Fail, which makes a span with an exception, an error log record and a count."""
    raise OutOfStockError(f"request {number}: no goods left")


def handle_request(number: int, status: int = 500) -> None:
    """Handle a request that fails: a server span with an error, and its log records."""
    described = {"http.request.method": "GET", "http.route": "/goods", "http.response.status_code": status}
    try:
        with (
            traced("GET /goods", described, span_kind="server"),
            traced("GET", {"http.request.method": "GET"}, span_kind="client"),
        ):
            reserve_goods(number)
    except OutOfStockError:
        logger.exception("request %d failed", number)
    logger.critical("request %d is lost", number)


def main() -> None:
    """Fail until the end."""
    observability = init_observability().unwrap()
    FlextMetricsCollector(system=False).start().unwrap()
    observability.health.register_check("stock", lambda: False, interval_seconds=1).unwrap()
    observability.health.register_check("mail", lambda: "degraded", critical=False, interval_seconds=1).unwrap()
    requests = FlextMetricsService().counter("observability_test.requests", "{request}", "Failed requests")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    print("ready", flush=True)
    number = 0
    while not ended.wait(_PAUSE_SECONDS):
        burst = _BURST if number == 0 else 2
        for _ in range(burst):
            number += 1
            handle_request(number)
        requests.add(burst)
    sys.exit(0)


if __name__ == "__main__":
    main()
