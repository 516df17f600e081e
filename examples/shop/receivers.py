"""What listens on this machine → where the services send telemetry, and where it is read back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from examples.shop.processes import Processes, answers, clean_environment, wait_until_ready
from examples.shop.stack import Stack
from examples.shop.viewer import Viewer
from flext_observability.render.model import MetricView, TraceView
from monitoring.native.parts import COLLECTOR, JAEGER, LOKI, PROMETHEUS
from monitoring.native.places import places_from

GRAFANA = "http://127.0.0.1:3000"
_PROTOBUF = {"Content-Type": "application/x-protobuf"}


class BackEnd(Protocol):
    """Where telemetry is read back."""

    async def trace(self, trace_id: str) -> TraceView:
        """Return what is known of a trace, perhaps nothing yet."""
        ...

    async def metrics(self) -> list[MetricView]:
        """Return the points of this run, perhaps none yet."""
        ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where telemetry goes.

    Attributes:
        endpoint: Base address for OTLP over HTTP.
        back_end: Where it is read back.
        description: For the person at the terminal.
        links: Label → address, of pages that answer now and after the demo.
        keeps_traces: Whether the back end can show a trace; otherwise only the ids are known.
        keeps_metrics: The same for metrics.
    """

    endpoint: str
    back_end: BackEnd
    description: str
    links: dict[str, str] = field(default_factory=dict[str, str])
    keeps_traces: bool = True
    keeps_metrics: bool = True


async def find_receiver(processes: Processes, http: httpx.AsyncClient, run: str, *, only_viewer: bool) -> Receiver:
    """Return the collector that runs on this machine, or else an embedded viewer, started now.

    Args:
        processes: Where the viewer is started.
        http: Client for any address.
        run: Beginning of the instance ids of all services of this run.
        only_viewer: Do not look for a collector.
    """
    endpoint = f"http://{places_from().address(COLLECTOR, 'otlp_http')}"
    if only_viewer or not await _takes_otlp(http, endpoint):
        return await _start_viewer(processes, http)
    if await answers(http, endpoint + "/api/summary"):
        return Receiver(endpoint, Viewer(http, endpoint, run), f"the viewer on {endpoint}", {"Viewer": endpoint})
    return await _stack(http, endpoint, run)


async def _takes_otlp(http: httpx.AsyncClient, endpoint: str) -> bool:
    try:
        return (await http.post(endpoint + "/v1/traces", headers=_PROTOBUF, timeout=2.0)).status_code == 200
    except httpx.HTTPError:
        return False


async def _start_viewer(processes: Processes, http: httpx.AsyncClient) -> Receiver:
    ready = processes.folder / "viewer.address"
    argv = ("flext_observability.viewer", "--port", "0", "--ready-file", str(ready))
    processes.start("viewer", *argv, environment=clean_environment())
    endpoint = await _address(processes, ready)
    await wait_until_ready(processes, http, endpoint + "/api/summary")
    return Receiver(endpoint, Viewer(http, endpoint), "an embedded viewer, which ends with the demo")


async def _stack(http: httpx.AsyncClient, endpoint: str, run: str) -> Receiver:
    places = places_from()
    addresses = [f"http://{places.address(part, 'http')}" for part in (JAEGER, LOKI, PROMETHEUS)]
    probes = [address + page for address, page in zip(addresses, ("/api/services", "/ready", "/-/ready"), strict=True)]
    alive = await asyncio.gather(*(answers(http, probe) for probe in (*probes, GRAFANA + "/api/health")))
    jaeger, loki, prometheus = (address * found for address, found in zip(addresses, alive, strict=False))
    links = {"Jaeger": jaeger, "Prometheus": prometheus, "Loki": loki, "Grafana": GRAFANA * alive[-1]}
    return Receiver(
        endpoint,
        Stack(http, jaeger, loki, prometheus, run),
        f"the collector on {endpoint}",
        {name: address for name, address in links.items() if address},
        keeps_traces=bool(jaeger),
        keeps_metrics=bool(prometheus),
    )


async def _address(processes: Processes, ready: Path) -> str:
    """Return the address that the viewer writes when it listens."""
    raise RuntimeError(ready)
