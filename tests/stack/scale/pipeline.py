"""All tiers with Kafka on loopback: agent → 2 routers → 2 samplers → Kafka → ingest → storage."""

from __future__ import annotations

import io
import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from monitoring.native.parts import JAEGER, PROMETHEUS, VICTORIALOGS, Part
from monitoring.native.places import LOOPBACK, Places, places_from
from monitoring.native.stack import down, up
from monitoring.scale.kafka.broker import Broker
from monitoring.scale.kafka.install import libraries
from tests.backends.ports import free_port
from tests.stack.clients import Jaeger, Prometheus, VictoriaLogs
from tests.stack.scale.collectors import Tier, program, require_own_hosts, running
from tests.stack.scale.topology import SAMPLER_ADDRESSES, sampler_tier, write_hosts

BACK_ENDS: Final = (JAEGER, PROMETHEUS, VICTORIALOGS)
ROUTER_ADDRESSES: Final = ("127.0.0.31", "127.0.0.32")


@dataclass(slots=True)
class Pipeline:
    """Running processes, and clients of the back ends."""

    agent: Tier
    routers: tuple[Tier, ...]
    samplers: tuple[Tier, ...]
    broker: Broker
    ingest: Tier
    jaeger: Jaeger
    prometheus: Prometheus
    victorialogs: VictoriaLogs
    places: Places

    def stop_jaeger(self) -> None:
        """Stop Jaeger. Its data stays."""
        down((JAEGER,), self.places, Console(file=io.StringIO()))

    def start_jaeger(self) -> None:
        """Start Jaeger again, and wait until it is ready."""
        up((JAEGER,), self.places, Console(file=io.StringIO()))


def back_end_places(folder: Path) -> Places:
    """Return places of back ends with a state folder of their own and free ports."""
    for part in BACK_ENDS:
        program(part, next(iter(part.build.programs)) if part.build else "")
    offsets = range(11000, 46000, 1000)
    ports = [port for part in BACK_ENDS if part.run for port in part.run.ports.values()]
    offset = next(offset for offset in offsets if all(_is_free(port + offset) for port in ports))
    return replace(places_from(), state=folder / "back-ends", port_offset=offset)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


@contextmanager
def back_ends(places: Places) -> Iterator[None]:
    """Run Jaeger, Prometheus and VictoriaLogs."""
    console = Console(file=io.StringIO())
    try:
        up(BACK_ENDS, places, console)
        yield
    finally:
        down(BACK_ENDS, places, console)


@contextmanager
def client(places: Places, part: Part) -> Iterator[httpx.Client]:
    """Return a client of a back end."""
    with httpx.Client(base_url=f"http://{places.address(part, 'http')}", timeout=15.0, trust_env=False) as http:
        yield http


@contextmanager
def pipeline(folder: Path) -> Generator[Pipeline]:
    """Run all tiers."""
    hosts = folder / "hosts"
    write_hosts(hosts, list(SAMPLER_ADDRESSES), list(ROUTER_ADDRESSES))
    require_own_hosts(hosts)
    places = back_end_places(folder)
    broker = Broker(libraries(places), folder / "kafka", free_port(), free_port())
    with ExitStack() as stack:
        stack.callback(broker.stop)
        broker.start()
        stack.enter_context(back_ends(places))
        agent, routers, samplers, ingest = tiers(folder, hosts, broker, places)
        stack.enter_context(running(agent, *routers, *samplers, ingest))
        jaeger, prometheus, victorialogs = (stack.enter_context(client(places, part)) for part in BACK_ENDS)
        yield Pipeline(
            agent,
            routers,
            samplers,
            broker,
            ingest,
            Jaeger(jaeger),
            Prometheus(prometheus, folder),
            VictoriaLogs(victorialogs),
            places,
        )


def tiers(
    folder: Path, hosts: Path, broker: Broker, places: Places
) -> tuple[Tier, tuple[Tier, ...], tuple[Tier, ...], Tier]:
    """Return agent, routers, samplers and ingest, not started."""
    kafka = {
        "KAFKA_BROKERS": f"[{broker.address}]",
        "KAFKA_CREATE_TOPICS": "true",
        "COLLECTOR_FLUSH_INTERVAL": "1s",
        "SAMPLER_DECISION_WAIT": "2s",
    }
    router_port, sampler_port = free_port(), free_port()
    agent = Tier(
        "agent",
        ("agent",),
        folder / "agent",
        {"ROUTER_ENDPOINT": f"dns:///otel-router:{router_port}"},
        hosts_file=hosts,
    )
    environment = kafka | {"SAMPLER_PORT": str(sampler_port)}
    routers = tuple(
        Tier(f"router-{number}", ("router",), folder / f"router-{number}", environment, address, router_port, hosts)
        for number, address in enumerate(ROUTER_ADDRESSES)
    )
    samplers = tuple(sampler_tier(number, sampler_port, folder, kafka, kafka=True) for number in range(2))
    storage = {
        "JAEGER_OTLP_GRPC_ENDPOINT": places.address(JAEGER, "otlp_grpc"),
        "PROMETHEUS_OTLP_ENDPOINT": f"http://{places.address(PROMETHEUS, 'http')}/api/v1/otlp",
        "VICTORIALOGS_OTLP_ENDPOINT": f"http://{places.address(VICTORIALOGS, 'http')}/insert/opentelemetry",
    }
    return agent, routers, samplers, Tier("ingest", ("ingest",), folder / "ingest", kafka | storage)
