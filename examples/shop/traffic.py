"""A seed → customers; customers → checkouts at the gateway, and what was sold."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from examples.shop.failure import DemoError
from examples.shop.products import PRODUCTS

_AT_ONCE = 16
_EVERY = 8  # of so many customers in a row, one card is declined and one query slow


@dataclass(frozen=True, slots=True)
class Customer:
    """What one customer buys, and with which luck.

    Attributes:
        product: Key of ``PRODUCTS``.
        quantity: Pieces.
        tier: Put into the baggage by the gateway.
        card: ``good``, ``empty`` or ``expired``.
        warehouse: ``home``, or ``overseas`` with its slow database.
    """

    product: str
    quantity: int
    tier: str
    card: str
    warehouse: str


@dataclass(slots=True)
class Sold:
    """What the customers saw; compared later with what the telemetry says.

    Attributes:
        sold: Orders by product.
        declined: Orders by product that the bank refused.
        revenue: In EUR.
        slow: How many orders met a slow query.
        good_trace: Trace id of the last order sold at normal speed.
        failed_trace: Trace id of the last order declined.
        correlation_ids: By trace id.
    """

    sold: Counter[str] = field(default_factory=Counter[str])
    declined: Counter[str] = field(default_factory=Counter[str])
    revenue: float = 0.0
    slow: int = 0
    good_trace: str = ""
    failed_trace: str = ""
    correlation_ids: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def requests(self) -> int:
        """Checkouts that were answered."""
        return self.sold.total() + self.declined.total()


def customers(count: int, seed: int) -> list[Customer]:
    """Return customers, the same for the same seed; at least one is sold something at normal speed and one is declined."""
    chance = random.Random(seed)
    return [_customer(number, chance) for number in range(count)]


def _customer(number: int, chance: random.Random) -> Customer:
    turn = number % _EVERY
    return Customer(
        product=chance.choice(list(PRODUCTS)),
        quantity=chance.randint(1, 3),
        tier=chance.choice(["basic", "gold"]),
        card=chance.choice(["empty", "expired"]) if turn == 1 else "good",
        warehouse="overseas" if turn == 4 else "home",
    )


async def buy(
    http: httpx.AsyncClient, everyone: Sequence[Customer], seconds: float, report: Callable[[Sold], None]
) -> Sold:
    """Let the customers check out, evenly over some seconds.

    Args:
        http: Client of the gateway.
        everyone: In order of arrival.
        seconds: From the first arrival to the last.
        report: Called after each checkout.

    Raises:
        DemoError: The gateway did not answer, or with something else than sold or declined.
    """
    so_far = Sold()
    room = asyncio.Semaphore(_AT_ONCE)
    began = time.monotonic()

    async def serve(customer: Customer) -> None:
        try:
            await _check_out(http, customer, so_far)
            report(so_far)
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as group:
            for number, customer in enumerate(everyone):
                await asyncio.sleep(began + seconds * number / len(everyone) - time.monotonic())
                await room.acquire()
                group.create_task(serve(customer))
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        if isinstance(first, httpx.HTTPError):
            raise DemoError(f"the gateway does not answer: {first!r}") from first
        raise first from None
    return so_far


async def _check_out(http: httpx.AsyncClient, customer: Customer, so_far: Sold) -> None:
    correlation_id = f"checkout-{uuid4().hex[:12]}"
    basket = {name: getattr(customer, name) for name in Customer.__slots__}
    reply = await http.post("/checkout", json=basket, headers={"X-Correlation-ID": correlation_id})
    if reply.status_code not in {201, 402}:
        raise DemoError(f"the gateway answered {reply.status_code}: {reply.text[:500]}")
    answer = reply.json()
    if answer["correlation_id"] != correlation_id:
        raise DemoError(f"the correlation id {correlation_id} became {answer['correlation_id']} at the gateway")
    so_far.correlation_ids[answer["trace_id"]] = correlation_id
    so_far.slow += customer.warehouse == "overseas"
    if reply.status_code == 402:
        so_far.declined[customer.product] += 1
        so_far.failed_trace = answer["trace_id"]
        return
    so_far.sold[customer.product] += 1
    so_far.revenue += answer["amount"]
    if customer.warehouse == "home":
        so_far.good_trace = answer["trace_id"]
