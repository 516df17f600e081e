"""Run the shop once: start its services, sell goods, read the telemetry back, and show it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from examples.shop.failure import DemoError
from examples.shop.findings import check, read_back, sent_counts, write_report
from examples.shop.operations import COUNTS_FILE
from examples.shop.processes import Child, Processes, answers, clean_environment, listening_socket, wait_until
from examples.shop.receivers import Receiver, find_receiver
from examples.shop.screen import Screen, draw_picture
from examples.shop.traffic import Sold, buy, customers

SERVICES = ("inventory", "payments", "orders", "gateway")
_LIMIT_SECONDS = 50.0  # without the time to end all processes


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command line.

    Attributes:
        seconds: Duration of the sale.
        requests: Number of checkouts.
        seed: Seed of the random purchases.
        report: JSON file for the sales.
        picture: SVG file for the picture of two checkouts.
        receiver: Receiver of the telemetry, as for ``find_receiver``.
    """

    seconds: float
    requests: int
    seed: int
    report: Path | None
    picture: Path | None
    receiver: str


@dataclass(frozen=True, slots=True)
class Shop:
    """The running services.

    Attributes:
        children: Process of each service.
        gateway: Base URL of the gateway.
        counts: File of each service for the number of exported items.
    """

    children: list[Child]
    gateway: str
    counts: dict[str, Path]


async def run(options: Options) -> None:
    """Run the demo.

    Raises:
        DemoError: A service failed, or telemetry is missing.
    """
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            with Processes() as processes:
                await _run(options, processes, Screen())
    except TimeoutError:
        raise DemoError(f"no end within {_LIMIT_SECONDS:.0f} s: the machine may be overloaded") from None


async def _run(options: Options, processes: Processes, screen: Screen) -> None:
    began = time.monotonic()
    run_id = f"shop-{uuid4().hex[:8]}"
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as http:
        receiver = await find_receiver(processes, http, run_id, options.receiver)
        screen.print_line(f"Telemetry goes to {receiver.description}.")
        shop = await _open_shop(processes, http, receiver, run_id)
        screen.print_line(
            f"{', '.join(child.name for child in shop.children)} are up after {time.monotonic() - began:.1f} s."
        )
        sold = await _sell(processes, shop, options, screen)
        await processes.end(shop.children)
        sent = sent_counts(shop.counts)
        findings = await read_back(receiver, sold)
        screen.show(receiver, sold, findings)
    if options.report:
        write_report(options.report, run_id, receiver, sold, sent)
    if options.picture:
        draw_picture(options.picture, receiver, sold, findings)
    check(findings)
    screen.print_line(f"All done in {time.monotonic() - began:.1f} s.")


async def _open_shop(processes: Processes, http: httpx.AsyncClient, receiver: Receiver, run_id: str) -> Shop:
    """Start the services, each on its own port, and wait until all answer."""
    sockets = {name: listening_socket() for name in SERVICES}
    addresses = {name: f"http://127.0.0.1:{one.getsockname()[1]}" for name, one in sockets.items()}
    environment = clean_environment() | {f"SHOP_{name.upper()}_URL": address for name, address in addresses.items()}
    counts = {name: processes.folder / f"{name}.json" for name in SERVICES}
    children: list[Child] = []
    for name, one in sockets.items():
        with one:
            argv = (f"examples.shop.{name}", "--fd", str(one.fileno()))
            telemetry = _telemetry(receiver, run_id, name) | {COUNTS_FILE: str(counts[name])}
            children.append(processes.start(name, *argv, environment=environment | telemetry, sockets=[one]))
    for name, address in addresses.items():
        await wait_until(processes, partial(answers, http, address + "/health"), name)
    return Shop(children, addresses["gateway"], counts)


def _telemetry(receiver: Receiver, run_id: str, name: str) -> dict[str, str]:
    """Return the telemetry settings of a service. Its code needs none of them."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_RESOURCE_ATTRIBUTES": f"service.namespace=shop,service.instance.id={run_id}-{name}",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",  # milliseconds; a minute would be longer than the demo
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
        "OTEL_PYTHON_STARLETTE_EXCLUDED_URLS": "/health",
        "FLEXT_LOG_LEVEL": "info",
        "FLEXT_ENVIRONMENT": "demo",
    }


async def _sell(processes: Processes, shop: Shop, options: Options, screen: Screen) -> Sold:
    everyone = customers(options.requests, options.seed)
    async with httpx.AsyncClient(base_url=shop.gateway, trust_env=False, timeout=10.0) as http:
        with screen.progress(len(everyone)) as report:
            try:
                return await buy(http, everyone, options.seconds, report)
            finally:
                processes.check()  # an exited service is the better reason
