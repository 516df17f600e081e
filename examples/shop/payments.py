"""Payments of the shop: POST /charges charges a card, or declines it with a reason."""

from __future__ import annotations

import asyncio
import logging
import random

from opentelemetry import baggage, trace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.shop.serving import serve
from flext_observability import FlextMetricsService, flext_monitor_function, init_observability

logger = logging.getLogger("shop.payments")
metrics = FlextMetricsService()
payments = metrics.counter("shop.payments", "{payment}", "Payments by outcome and customer tier")
amounts = metrics.histogram("shop.payment.amount", "{EUR}", "Requested amounts", bounds=(5, 10, 25, 50, 100, 250, 500))


class CardDeclinedError(Exception):
    """The bank declined the card."""


async def charge(request: Request) -> Response:
    order = await request.json()
    tier = str(baggage.get_baggage("shop.tier"))
    trace.get_current_span().set_attribute("shop.tier", tier)
    amounts.record(order["amount"], {"shop.tier": tier})
    try:
        await authorize(order["card"], order["amount"])
    except CardDeclinedError as declined:
        payments.add(1, {"shop.outcome": "declined", "shop.tier": tier})
        return JSONResponse({"reason": str(declined)}, 402)
    payments.add(1, {"shop.outcome": "charged", "shop.tier": tier})
    logger.info("Charged %.2f for %s", order["amount"], order["order_id"])
    return JSONResponse({"charged": order["amount"]}, 201)


@flext_monitor_function("authorize card")
async def authorize(card: str, amount: float) -> None:
    """Authorize a payment with a simulated bank."""
    await asyncio.sleep(random.uniform(0.005, 0.03))
    if card == "empty":
        raise CardDeclinedError(f"insufficient funds for {amount:.2f}")
    if card == "expired":
        raise CardDeclinedError("the card has expired")


def main() -> None:
    init_observability(service_name="payments", instrument=["starlette", "httpx"]).unwrap()
    serve("payments", Route("/charges", charge, methods=["POST"]))


if __name__ == "__main__":
    main()
