"""Load → replicas, memory, CPU, disk, partitions and queue sizes of each tier, each with its arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final

from monitoring.scale.sizing.load import Load

SPANS_PER_CORE: Final = 15_000
POINTS_PER_CORE: Final = 20_000
RECORDS_PER_CORE: Final = 10_000
"""Items per second of one collector core, and memory of a core, as published by others. Not measured here."""
MIB_PER_CORE: Final = 2048
USE: Final = 0.6
"""Planned use of a core. The rest is for peaks, and the autoscaler adds pods above it."""

MEMORY_FACTOR: Final = 4.5
"""Resident bytes of a sampler for a byte of OTLP: 3.6 to 4.7 with `python -m monitoring.scale.measure`."""
BASE_MIB: Final = 100
"""Memory of a collector without data, from the same measurement."""
LIMITER: Final = 0.8
"""Share of the memory limit at which the memory limiter refuses data."""
CACHE_SECONDS: Final = 300
CACHE_BYTES: Final = 128
DISK_FACTOR: Final = 2
"""Space for a queue's file, which shrinks only when the queue is empty."""
MOST_PODS: Final = 1000
MIB: Final = 1024**2
GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Tier:
    """Size of one tier.

    Attributes:
        replicas: Pods, with one more than the load needs. Agents: one for each host.
        most_replicas: Upper limit of the autoscaler.
        millicores: CPU of a pod.
        memory_mib: Memory of a pod.
        disk_gib: Volume of a pod.
        variables: Environment of the collector.
        arithmetic: How each value follows from the load.
    """

    name: str
    replicas: int
    most_replicas: int
    millicores: int
    memory_mib: int
    disk_gib: int = 0
    variables: dict[str, str] = field(default_factory=dict[str, str])
    arithmetic: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stores:
    """Size of Kafka and of the back ends."""

    partitions: int
    kafka_gib: float
    traces_gib: float
    points_gib: float
    records_gib: float
    arithmetic: tuple[str, ...]


def agents(load: Load) -> Tier:
    """Return the size of the agents, one on each host."""
    cores = _cores(load) / load.hosts
    items = (load.spans_per_second + load.points_per_second + load.records_per_second) / load.hosts
    queue = ceil(items * load.outage_minutes * 60)
    disk = _gib(queue * _mean_bytes(load) * DISK_FACTOR)
    millicores, memory = _pod(cores)
    return Tier(
        name="otel-agent",
        replicas=load.hosts,
        most_replicas=load.hosts,
        millicores=millicores,
        memory_mib=memory,
        disk_gib=disk,
        variables=_limits(memory) | {"AGENT_QUEUE_ITEMS": str(queue)},
        arithmetic=(
            _cpu_line(load, f" ÷ {load.hosts} hosts", millicores),
            _memory_line(millicores, memory),
            f"queue: {items:.0f} items/s × {load.outage_minutes * 60:.0f} s = {queue} items",
            f"disk: {queue} × {_mean_bytes(load):.0f} B × {DISK_FACTOR} → {disk} GiB",
        ),
    )


def routers(load: Load) -> Tier:
    """Return the size of the routers."""
    cores = _cores(load)
    replicas = ceil(cores / load.pod_cores) + 1
    millicores, memory = _pod(cores / (replicas - 1))
    seconds = load.outage_minutes * 60
    spans = ceil(load.spans_per_second * seconds / replicas)
    others = ceil((load.points_per_second + load.records_per_second) * seconds / replicas)
    bytes_queued = spans * load.span_bytes + others * max(load.point_bytes, load.record_bytes)
    disk = _gib(bytes_queued * DISK_FACTOR)
    return Tier(
        name="otel-router",
        replicas=replicas,
        most_replicas=replicas * 2,
        millicores=millicores,
        memory_mib=memory,
        disk_gib=disk,
        variables=_limits(memory) | {"ROUTER_QUEUE_SPANS": str(spans), "KAFKA_QUEUE_ITEMS": str(max(others, 100_000))},
        arithmetic=(
            f"replicas: {cores:.2f} cores ÷ {load.pod_cores:g} a pod, rounded up, + 1 spare = {replicas}",
            _cpu_line(load, f" ÷ {replicas - 1} pods", millicores),
            _memory_line(millicores, memory),
            f"queue: {load.spans_per_second:.0f} spans/s × {seconds:.0f} s ÷ {replicas} pods = {spans} spans",
            f"disk: {bytes_queued / GIB:.1f} GiB queued × {DISK_FACTOR} → {disk} GiB",
        ),
    )


def samplers(load: Load) -> Tier:
    """Return the size of the samplers: as many as memory and CPU of a pod need, and a spare one.

    Raises:
        ValueError: The traces do not fit into the memory of any number of pods.
    """
    pods = _sampler_pods(load)
    rate = load.traces_per_second / pods
    memory = _sampler_mib(load, pods)
    millicores, _ = _pod(load.spans_per_second / SPANS_PER_CORE / USE / pods)
    queue = ceil(round(load.kept_spans_per_second * load.outage_minutes * 60 / pods, 3))
    disk = _gib(queue * load.span_bytes * DISK_FACTOR)
    variables = {
        "SAMPLER_NUM_TRACES": str(ceil(rate * load.decision_wait * 2)),
        "SAMPLER_DECISION_CACHE": str(ceil(rate * CACHE_SECONDS)),
        "SAMPLER_DECISION_WAIT": f"{load.decision_wait:g}s",
        "SAMPLER_PERCENTAGE": f"{load.sampling:g}",
        "KAFKA_QUEUE_ITEMS": str(queue),
    }
    return Tier(
        name="otel-sampler",
        replicas=pods + 1,
        most_replicas=(pods + 1) * 2,
        millicores=millicores,
        memory_mib=memory,
        disk_gib=disk,
        variables=_limits(memory) | variables,
        arithmetic=(
            *_sampler_memory_lines(load, pods, memory),
            f"CPU: {load.spans_per_second:.0f} spans/s ÷ {SPANS_PER_CORE} ÷ {USE} ÷ {pods} pods = {millicores}m",
            f"queue: {load.kept_spans_per_second:.0f} kept/s × {load.outage_minutes * 60:.0f} s ÷ {pods} = {queue}",
            f"disk: {queue} × {load.span_bytes:g} B × {DISK_FACTOR} → {disk} GiB",
        ),
    )


def _sampler_memory_lines(load: Load, pods: int, memory: int) -> tuple[str, str, str]:
    rate = load.traces_per_second / pods
    traces = ceil(rate * load.decision_wait * 2)
    data = traces * load.trace_length * load.span_bytes * MEMORY_FACTOR / MIB
    caches = 2 * ceil(rate * CACHE_SECONDS) * CACHE_BYTES / MIB
    return (
        (
            f"traces: {load.spans_per_second:.0f} spans/s ÷ {load.trace_length:g} = {load.traces_per_second:.0f}/s, "
            f"{rate:.0f}/s a pod with {pods} pods (and 1 spare)"
        ),
        f"num_traces: {rate:.0f}/s × {load.decision_wait:g} s × 2 = {traces}",
        (
            f"memory: ({traces} × {load.trace_length:g} spans × {load.span_bytes:g} B × {MEMORY_FACTOR} = "
            f"{data:.0f} "
            f"+ caches {caches:.0f} + {BASE_MIB} MiB) ÷ {LIMITER}, at least 256 MiB = {memory} MiB"
        ),
    )


def _sampler_pods(load: Load) -> int:
    for pods in range(1, MOST_PODS + 1):
        if _fits(load, pods):
            return pods
    raise ValueError(
        f"A sampler of {load.pod_memory_gib:g} GiB and {load.pod_cores:g} cores: {MOST_PODS} pods are not enough. "
        "Pass a larger --pod-memory-gib or --pod-cores, or a smaller --decision-wait."
    )


def ingests(load: Load) -> Tier:
    """Return the size of the collectors that read Kafka."""
    cores = _cores(load, spans=load.kept_spans_per_second)
    replicas = ceil(cores / load.pod_cores) + 1
    millicores, memory = _pod(cores / (replicas - 1))
    most = replicas * 2
    return Tier(
        name="otel-ingest",
        replicas=replicas,
        most_replicas=most,
        millicores=millicores,
        memory_mib=memory,
        variables=_limits(memory),
        arithmetic=(
            f"replicas: {cores:.2f} cores ÷ {load.pod_cores:g} a pod, rounded up, + 1 spare = {replicas}",
            _cpu_line(load, f" ÷ {replicas - 1} pods", millicores, spans=load.kept_spans_per_second),
            _memory_line(millicores, memory),
        ),
    )


def stores(load: Load) -> Stores:
    """Return partitions and disk of Kafka, and disk of the back ends without their own compression and copies."""
    messages = load.kept_spans_per_second / load.trace_length
    pods = ingests(load).most_replicas
    partitions = max(6, pods, ceil(messages * load.write_ms / 1000 / USE))
    spans = load.kept_spans_per_second * load.span_bytes
    points, records = load.points_per_second * load.point_bytes, load.records_per_second * load.record_bytes
    written = spans + points + records
    kafka = written * load.kafka_compression * load.kafka_hours * 3600 * load.kafka_replicas / GIB
    days = load.retention_days * 86_400 / GIB
    return Stores(
        partitions=partitions,
        kafka_gib=kafka,
        traces_gib=spans * days,
        points_gib=points * days,
        records_gib=records * days,
        arithmetic=(
            (
                f"partitions: {messages:.0f} traces/s × {load.write_ms:g} ms ÷ {USE}, at least 6 and {pods} pods = "
                f"{partitions} (a partition has one write in progress)"
            ),
            (
                f"Kafka: {written / 1e6:.2f} MB/s × {load.kafka_compression:g} × {load.kafka_hours:g} h × "
                f"{load.kafka_replicas} copies = {kafka:.1f} GiB"
            ),
            f"traces: {spans / 1e6:.2f} MB/s × {load.retention_days:g} days = {spans * days:.0f} GiB in OTLP",
            f"metrics: {points / 1e6:.2f} MB/s × {load.retention_days:g} days = {points * days:.0f} GiB in OTLP",
            f"logs: {records / 1e6:.2f} MB/s × {load.retention_days:g} days = {records * days:.0f} GiB in OTLP",
        ),
    )


def _fits(load: Load, pods: int) -> bool:
    cores = load.spans_per_second / SPANS_PER_CORE / USE / pods
    return cores <= load.pod_cores and _sampler_mib(load, pods) <= load.pod_memory_gib * 1024


def _sampler_mib(load: Load, pods: int) -> int:
    rate = load.traces_per_second / pods
    data = ceil(rate * load.decision_wait * 2) * load.trace_length * load.span_bytes * MEMORY_FACTOR
    caches = 2 * ceil(rate * CACHE_SECONDS) * CACHE_BYTES
    return max(256, ceil(((data + caches) / MIB + BASE_MIB) / LIMITER))


def _cores(load: Load, *, spans: float | None = None) -> float:
    rate = load.spans_per_second if spans is None else spans
    others = load.points_per_second / POINTS_PER_CORE + load.records_per_second / RECORDS_PER_CORE
    return (rate / SPANS_PER_CORE + others) / USE


def _pod(cores: float) -> tuple[int, int]:
    """Return millicores and MiB of a pod."""
    millicores = max(100, ceil(cores * 1000))
    return millicores, max(256, ceil(millicores / 1000 * MIB_PER_CORE))


def _limits(memory_mib: int) -> dict[str, str]:
    return {
        "COLLECTOR_MEMORY_LIMIT_MIB": str(int(memory_mib * LIMITER)),
        "COLLECTOR_MEMORY_SPIKE_MIB": str(int(memory_mib * LIMITER / 4)),
        "GOMEMLIMIT": f"{int(memory_mib * LIMITER)}MiB",
    }


def _mean_bytes(load: Load) -> float:
    spans, points, records = load.spans_per_second, load.points_per_second, load.records_per_second
    total = spans * load.span_bytes + points * load.point_bytes + records * load.record_bytes
    return total / (spans + points + records)


def _gib(size: float) -> int:
    return max(1, ceil(size / GIB))


def _cpu_line(load: Load, divisor: str, millicores: int, *, spans: float | None = None) -> str:
    rate = load.spans_per_second if spans is None else spans
    return (
        f"CPU: ({rate:.0f} ÷ {SPANS_PER_CORE} + {load.points_per_second:.0f} ÷ {POINTS_PER_CORE} + "
        f"{load.records_per_second:.0f} ÷ {RECORDS_PER_CORE}) ÷ {USE}{divisor}, at least 100m = {millicores}m"
    )


def _memory_line(millicores: int, memory: int) -> str:
    return f"memory: {millicores}m × {MIB_PER_CORE} MiB a core, at least 256 MiB = {memory} MiB"
