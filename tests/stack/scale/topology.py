"""Two routers and two samplers on loopback, with the shipped files, in front of receivers that keep each span."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.backends.grpc_collector import GrpcCollector, grpc_collector
from tests.backends.ports import free_port
from tests.stack.clients import eventually
from tests.stack.scale.collectors import SAMPLER_HOST, Tier, require_own_hosts, running
from tests.stack.scale.load import counted_spans, spans_by_trace

SAMPLER_ADDRESSES: Final = ("127.0.0.21", "127.0.0.22")
PERCENTAGE: Final = 25


@dataclass(slots=True)
class Topology:
    """Running tiers.

    Attributes:
        routers: Two routers, which resolve the name of the samplers in `hosts_file`.
        samplers: Two samplers with the same port on two addresses.
        kept: Receiver of each sampler.
        metrics: Receiver of span metrics.
    """

    routers: tuple[Tier, ...]
    samplers: tuple[Tier, ...]
    kept: tuple[GrpcCollector, ...]
    metrics: GrpcCollector
    hosts_file: Path

    def list_samplers(self, *numbers: int) -> None:
        """Let the name of the samplers resolve to these, as the service of a cluster does after a readiness probe."""
        write_hosts(self.hosts_file, [SAMPLER_ADDRESSES[number] for number in numbers])

    def received(self) -> list[dict[bytes, Counter[bytes]]]:
        """Return the kept spans of each sampler."""
        return [spans_by_trace(sink.requests) for sink in self.kept]

    def counted(self) -> Counter[str]:
        """Return the spans in the span metrics by router."""
        return counted_spans(self.metrics.requests)

    def wait_until_decided(self, spans: int) -> None:
        """Wait until the routers have counted `spans`, their queues are empty, and all traces are decided."""
        eventually(lambda: sum(self.counted().values()) >= spans, within_seconds=40.0)
        eventually(lambda: not any(router.metric("exporter_queue_size") for router in self.routers), within_seconds=40)
        eventually(lambda: not any(map(pending_traces, self.samplers)), within_seconds=20.0)
        eventually(lambda: not any(sampler.metric("exporter_queue_size") for sampler in self.samplers))
        time.sleep(1.0)  # the last batches of the samplers, which form in 0.2 s


def pending_traces(sampler: Tier) -> float:
    """Return the number of traces in the memory of a sampler."""
    return sampler.metric("processor_tail_sampling_sampling_traces_on_memory")


def write_hosts(path: Path, samplers: Sequence[str], routers: Sequence[str] = ()) -> None:
    """Write a hosts file in place, because a mounted file must stay the same one."""
    lines = ["127.0.0.1 localhost", *(f"{address} {SAMPLER_HOST}" for address in samplers)]
    lines += [f"{address} otel-router" for address in routers]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def sampler_tier(number: int, port: int, folder: Path, environment: Mapping[str, str], *, kafka: bool = False) -> Tier:
    """Return a sampler that is not started."""
    files = ("sampler",) if kafka else ("sampler", "sampler-without-kafka")
    name = f"sampler-{number}"
    tuning = {"SAMPLER_PERCENTAGE": str(PERCENTAGE), "COLLECTOR_FLUSH_INTERVAL": "1s"}
    return Tier(name, files, folder / name, tuning | dict(environment), SAMPLER_ADDRESSES[number], port)


@contextmanager
def topology(folder: Path, *, decision_wait_seconds: int) -> Generator[Topology]:
    """Run two routers, two samplers and their receivers."""
    hosts = folder / "hosts"
    write_hosts(hosts, list(SAMPLER_ADDRESSES))
    require_own_hosts(hosts)
    port = free_port()
    with ExitStack() as stack:
        metrics, *kept = (stack.enter_context(grpc_collector()) for _ in range(3))
        collector = {"COLLECTOR_ADDRESS": f"127.0.0.1:{metrics.port}"}
        waiting = collector | {"SAMPLER_DECISION_WAIT": f"{decision_wait_seconds}s"}
        samplers = tuple(
            sampler_tier(number, port, folder, waiting | {"JAEGER_OTLP_GRPC_ENDPOINT": f"127.0.0.1:{sink.port}"})
            for number, sink in enumerate(kept)
        )
        environment = collector | {"SAMPLER_PORT": str(port), "COLLECTOR_FLUSH_INTERVAL": "1s"}
        files = ("router", "router-without-kafka")
        routers = tuple(
            Tier(f"router-{number}", files, folder / f"router-{number}", environment, hosts_file=hosts)
            for number in range(2)
        )
        with running(*routers, *samplers):
            yield Topology(routers, samplers, tuple(kept), metrics, hosts)
