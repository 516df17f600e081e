"""Gateway of the shop: POST /checkout → the outcome of an order and its trace id. Calls orders."""

from __future__ import annotations

import logging
import time

from opentelemetry import baggage, context, trace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.shop.serving import peer, serve
from flext_observability import FlextMetricsService, flext_get_correlation_id, init_observability

logger = logging.getLogger("shop.gateway")
metrics = FlextMetricsService()
checkouts = metrics.counter("shop.checkouts", "{checkout}", "Checkouts by outcome")
durations = metrics.histogram("shop.checkout.duration", "s", "Time from request to answer", objective_seconds=0.25)


async def checkout(request: Request) -> Response:
    began = time.perf_counter()
    basket = await request.json()
    # The baggage is sent with each call below, and reaches all services.
    token = context.attach(baggage.set_baggage("shop.tier", basket["tier"]))
    try:
        reply = await peer("orders").post("/orders", json=basket)
    finally:
        context.detach(token)
    outcome = "sold" if reply.is_success else "declined"
    checkouts.add(1, {"shop.outcome": outcome})
    durations.record(time.perf_counter() - began, {"shop.outcome": outcome})
    logger.info("Checkout %s", outcome, extra={"shop.product": basket["product"]})
    ids = {"correlation_id": flext_get_correlation_id(), "trace_id": _trace_id()}
    return JSONResponse(reply.json() | ids, reply.status_code)


def _trace_id() -> str:
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)


def main() -> None:
    init_observability(service_name="gateway", instrument=["starlette", "httpx"]).unwrap()
    serve("gateway", Route("/checkout", checkout, methods=["POST"]))


if __name__ == "__main__":
    main()
