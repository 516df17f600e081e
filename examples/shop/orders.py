"""Orders of the shop: POST /orders reserves the goods and charges the card. Calls inventory and payments."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

from opentelemetry.trace import Span
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.shop.serving import peer, serve
from flext_observability import FlextMetricsService, init_observability, traced

logger = logging.getLogger("shop.orders")
metrics = FlextMetricsService()
orders = metrics.counter("shop.orders", "{order}", "Orders by product and outcome")
revenue = metrics.counter("shop.revenue", "{EUR}", "Revenue by product")


async def place_order(request: Request) -> Response:
    basket = await request.json()
    order_id = f"order-{uuid4().hex[:8]}"
    goods = {"product": basket["product"], "quantity": basket["quantity"], "warehouse": basket["warehouse"]}
    with traced("place order", {"shop.order.id": order_id, "shop.product": basket["product"]}) as span:
        reservation = (await peer("inventory").post("/reservations", json=goods)).raise_for_status().json()
        charge = {"order_id": order_id, "amount": reservation["price"], "card": basket["card"]}
        payment = await peer("payments").post("/charges", json=charge)
        if payment.is_success:
            return _sold(span, order_id, basket["product"], reservation["price"])
        await peer("inventory").post("/releases", json=goods)
        return _cancelled(span, order_id, basket["product"], payment.json())


def _sold(span: Span, order_id: str, product: str, amount: float) -> Response:
    span.add_event("order placed", {"shop.amount": amount})
    orders.add(1, {"shop.product": product, "shop.outcome": "sold"})
    revenue.add(amount, {"shop.product": product})
    logger.info("Order %s placed: %s for %.2f", order_id, product, amount)
    return JSONResponse({"order_id": order_id, "amount": amount}, 201)


def _cancelled(span: Span, order_id: str, product: str, payment: dict[str, Any]) -> Response:
    span.add_event("order cancelled", {"shop.reason": payment["reason"]})
    orders.add(1, {"shop.product": product, "shop.outcome": "declined"})
    logger.warning("Order %s cancelled: %s", order_id, payment["reason"])
    return JSONResponse({"order_id": order_id, "reason": payment["reason"]}, 402)


def main() -> None:
    init_observability(service_name="orders", instrument=["starlette", "httpx"]).unwrap()
    serve("orders", Route("/orders", place_order, methods=["POST"]))


if __name__ == "__main__":
    main()
