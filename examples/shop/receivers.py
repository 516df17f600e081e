"""Find the receiver of the telemetry, and the back end to read it from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from examples.shop.failure import DemoError
from examples.shop.links import find_links
from examples.shop.processes import Processes, answers, clean_environment, wait_until
from examples.shop.stack import Stack
from examples.shop.viewer import Viewer
from flext_observability.views.model import MetricView, TraceView
from monitoring.native.parts import COLLECTOR, JAEGER, PROMETHEUS, VICTORIALOGS
from monitoring.native.places import places_from

GRAFANA = "http://127.0.0.1:3000"
VIEWER = "viewer"
_PROTOBUF = {"Content-Type": "application/x-protobuf"}


class BackEnd(Protocol):
    """Back end to read telemetry from."""

    async def trace(self, trace_id: str) -> TraceView:
        """Return the known spans and log records of a trace, possibly none yet."""
        ...

    async def metrics(self) -> list[MetricView]:
        """Return the metric points of this run, possibly none yet."""
        ...


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receiver of the telemetry.

    Attributes:
        endpoint: Base URL for OTLP over HTTP.
        back_end: Back end to read the telemetry from.
        description: Text for the user.
        links: Addresses by label of pages that answer during and after the demo, as templates for ``links.page``.
        keeps_traces: Whether the back end has traces. Otherwise only their ids are known.
        keeps_metrics: Whether the back end has metrics.
        keeps_logs: Whether the back end has log records.
    """

    endpoint: str
    back_end: BackEnd
    description: str
    links: dict[str, str] = field(default_factory=dict[str, str])
    keeps_traces: bool = True
    keeps_metrics: bool = True
    keeps_logs: bool = True


async def find_receiver(processes: Processes, http: httpx.AsyncClient, run: str, wanted: str) -> Receiver:
    """Return the collector on this machine, or start an embedded viewer.

    Args:
        processes: Starts the viewer.
        http: HTTP client.
        run: Prefix of the instance ids of all services of this run.
        wanted: Base URL of a receiver, ``viewer`` to start a viewer, or empty for the collector of ``make stack-up``.

    Raises:
        DemoError: The wanted receiver does not accept OTLP.
    """
    endpoint = wanted or f"http://{places_from().address(COLLECTOR, 'otlp_http')}"
    found = wanted != VIEWER and await _accepts_otlp(http, endpoint)
    if not found and wanted not in {"", VIEWER}:
        raise DemoError(f"{wanted} does not answer an empty OTLP request with 200: is a collector listening there?")
    if not found:
        return await _start_viewer(processes, http, run)
    if await answers(http, endpoint + "/api/summary"):
        return Receiver(endpoint, Viewer(http, endpoint, run), f"the viewer on {endpoint}", {"Viewer": endpoint})
    if wanted:  # the back ends behind it are unknown
        nothing = Stack(http, "", "", "", run)
        return Receiver(endpoint, nothing, endpoint, keeps_traces=False, keeps_metrics=False, keeps_logs=False)
    return await _stack(http, endpoint, run)


async def _accepts_otlp(http: httpx.AsyncClient, endpoint: str) -> bool:
    try:
        return (await http.post(endpoint + "/v1/traces", headers=_PROTOBUF, timeout=2.0)).status_code == 200
    except httpx.HTTPError:
        return False


async def _start_viewer(processes: Processes, http: httpx.AsyncClient, run: str) -> Receiver:
    ready = processes.folder / "viewer.address"
    argv = ("flext_observability.viewer", "--port", "0", "--quiet", "--ready-file", str(ready))
    processes.start("viewer", *argv, environment=clean_environment())
    await wait_until(processes, ready.exists, "the viewer")
    endpoint = ready.read_text(encoding="utf-8").strip()
    return Receiver(endpoint, Viewer(http, endpoint, run), "an embedded viewer, which ends with the demo")


async def _stack(http: httpx.AsyncClient, endpoint: str, run: str) -> Receiver:
    places = places_from()
    addresses = [f"http://{places.address(part, 'http')}" for part in (JAEGER, PROMETHEUS, VICTORIALOGS)]
    health = ("/api/services", "/-/ready", "/health")
    probes = [address + path for address, path in zip(addresses, health, strict=True)]
    alive = await asyncio.gather(*(answers(http, probe) for probe in (*probes, GRAFANA + "/api/health")))
    jaeger, prometheus, victorialogs = (address * found for address, found in zip(addresses, alive, strict=False))
    stack = Stack(http, jaeger, prometheus, victorialogs, run)
    return Receiver(
        endpoint,
        stack,
        f"the collector on {endpoint}",
        await find_links(http, stack, GRAFANA * alive[-1]),
        keeps_traces=bool(jaeger),
        keeps_metrics=bool(prometheus),
        keeps_logs=bool(victorialogs),
    )
