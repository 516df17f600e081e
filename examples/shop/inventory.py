"""Inventory of the shop: POST /reservations and POST /releases change the stock in an SQLite database in memory."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from threading import Lock

from opentelemetry import baggage, trace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.shop.products import PRODUCTS
from examples.shop.serving import serve
from flext_observability import FlextMetricsService, init_observability, traced

SLOW_SECONDS = 0.1
UPDATE = "UPDATE goods SET stock = stock - ? WHERE product = ? RETURNING stock, price"

logger = logging.getLogger("shop.inventory")
metrics = FlextMetricsService()
queries = metrics.histogram("shop.query.duration", "s", "Duration of a database query", objective_seconds=SLOW_SECONDS)
stock = metrics.gauge("shop.stock", "{item}", "Goods in stock")
lock = Lock()
database = sqlite3.connect(":memory:", check_same_thread=False)


async def reserve(request: Request) -> Response:
    goods = await request.json()
    price = await change_stock(goods["product"], goods["quantity"], goods["warehouse"])
    return JSONResponse({"price": price * goods["quantity"]}, 201)


async def release(request: Request) -> Response:
    goods = await request.json()
    await change_stock(goods["product"], -goods["quantity"], goods["warehouse"])
    logger.info("Put %d × %s back", goods["quantity"], goods["product"])
    return JSONResponse({})


async def change_stock(product: str, quantity: int, warehouse: str) -> float:
    """Change the stock of a product. Return the price of one piece."""
    trace.get_current_span().set_attribute("shop.tier", str(baggage.get_baggage("shop.tier")))
    began = time.perf_counter()
    left, price = await asyncio.to_thread(update_stock, product, quantity, is_slow=warehouse == "overseas")
    seconds = time.perf_counter() - began
    queries.record(seconds, {"shop.warehouse": warehouse})
    stock.set(left, {"shop.product": product})
    if seconds > SLOW_SECONDS:
        logger.warning("Slow query: %.0f ms for the stock of %s", seconds * 1000, product)
    return price


def update_stock(product: str, quantity: int, *, is_slow: bool) -> tuple[int, float]:
    """Change the stock in the database. Return the remaining number and the price of one piece."""
    described = {"db.system.name": "sqlite", "db.operation.name": "UPDATE", "db.query.text": UPDATE}
    with traced("UPDATE goods", described, span_kind="client"):
        if is_slow:
            time.sleep(2 * SLOW_SECONDS)  # as if a backup had locked the rows
        with lock:
            left, price = database.execute(UPDATE, (quantity, product)).fetchone()
    return left, price


def answers_queries() -> bool:
    """Return whether the database answers a query."""
    with lock:
        return bool(database.execute("SELECT 1").fetchone())


def main() -> None:
    init_observability(service_name="inventory", instrument=["starlette", "httpx"]).unwrap()
    database.execute("CREATE TABLE goods (product TEXT PRIMARY KEY, stock INTEGER, price REAL)")
    database.executemany("INSERT INTO goods VALUES (?, 10000, ?)", PRODUCTS.items())
    paths = {"/reservations": reserve, "/releases": release}
    routes = (Route(path, answer, methods=["POST"]) for path, answer in paths.items())
    serve("inventory", *routes, checks={"database": answers_queries})


if __name__ == "__main__":
    main()
