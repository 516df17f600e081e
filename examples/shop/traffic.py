"""Create random customers, and let them check out at the gateway."""

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
_EVERY = 8  # one of 8 customers has a declined card, and one meets a slow query


@dataclass(frozen=True, slots=True)
class Customer:
    """Purchase of one customer.

    Attributes:
        product: Key of ``PRODUCTS``.
        quantity: Number of pieces.
        tier: Customer tier, which the gateway adds to the baggage.
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
    """Sales as seen by the customers, for a comparison with the telemetry.

    Attributes:
        sold: Successful orders by product.
        declined: Declined orders by product.
        revenue: Revenue in EUR.
        slow: Number of orders with a slow query.
        good_trace: Trace id of the last successful order without a slow query.
        failed_trace: Trace id of the last declined order.
        correlation_ids: Correlation ids by trace id.
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
        """Number of answered checkouts."""
        return self.sold.total() + self.declined.total()


def customers(count: int, seed: int) -> list[Customer]:
    """Return the customers of a seed, with at least one successful and one declined order."""
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
    """Let the customers check out, with arrivals evenly spread over the time.

    Args:
        http: HTTP client of the gateway.
        everyone: Customers in order of arrival.
        seconds: Time from the first to the last arrival.
        report: Function to call after each checkout.

    Raises:
        DemoError: The gateway did not answer, or with an unexpected status.
    """
    so_far = Sold()
    slots = asyncio.Semaphore(_AT_ONCE)
    started = time.monotonic()

    async def serve(customer: Customer) -> None:
        try:
            await _check_out(http, customer, so_far)
            report(so_far)
        finally:
            slots.release()

    try:
        async with asyncio.TaskGroup() as group:
            for number, customer in enumerate(everyone):
                await asyncio.sleep(started + seconds * number / len(everyone) - time.monotonic())
                await slots.acquire()
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
