"""Two routers and two samplers as processes on loopback, with known totals at both ends. Needs the native collector."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import pytest

from tests.stack.clients import eventually
from tests.stack.scale.collectors import Tier
from tests.stack.scale.load import SPANS, Load, Trace
from tests.stack.scale.topology import PERCENTAGE, Topology, topology

pytestmark = [pytest.mark.stack, pytest.mark.timeout(100)]

TRACES = 3000
QUEUED_TRACES = 200
OUTAGE_WAIT_SECONDS = 7
PER_SECOND = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sent traces, and what arrived behind each sampler."""

    traces: list[Trace]
    kinds: Counter[str]
    received: list[dict[bytes, Counter[bytes]]]
    counted: Counter[str]
    new_traces: list[float]

    def spans_of(self, trace: Trace) -> set[bytes]:
        """Return the span ids of a trace that arrived behind any sampler."""
        return {span for found in self.received for span in found.get(trace.trace_id, ())}

    def repeated(self) -> int:
        """Return the number of spans that arrived once more."""
        return sum(count - 1 for found in self.received for spans in found.values() for count in spans.values())


def outcome(tiers: Topology, load: Load) -> Outcome:
    """Wait until all traces are decided."""
    tiers.wait_until_decided(len(load.traces) * SPANS)
    new = [sampler.metric("processor_tail_sampling_new_trace_id_received") for sampler in tiers.samplers]
    return Outcome(load.traces, load.kinds(), tiers.received(), tiers.counted(), new)


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """Return running tiers."""
    with topology(tmp_path_factory.mktemp("steady"), decision_wait_seconds=2) as running:
        yield running


@pytest.fixture(scope="module")
def steady(tiers: Topology) -> Outcome:
    """Return the outcome without a failure."""
    load = Load((tiers.routers[0].address, tiers.routers[1].address), "steady")
    load.send(TRACES)
    return outcome(tiers, load)


def test_every_span_of_a_trace_reaches_the_same_sampler(steady: Outcome) -> None:
    first, second = steady.received
    assert set(first) & set(second) == set()
    assert all(len(spans) == SPANS for found in steady.received for spans in found.values())
    # Includes traces that are not kept: a trace in both samplers would count twice.
    assert sum(steady.new_traces) == TRACES
    assert min(steady.new_traces) > TRACES / 4


def test_all_errors_and_all_slow_traces_are_kept(steady: Outcome) -> None:
    kept = Counter(trace.kind for trace in steady.traces if len(steady.spans_of(trace)) == SPANS)
    assert kept["error"] == steady.kinds["error"] == TRACES / 20
    assert kept["slow"] == steady.kinds["slow"] == TRACES / 20


def test_other_traces_are_kept_at_the_ratio(steady: Outcome) -> None:
    total, share = steady.kinds["ordinary"], PERCENTAGE / 100
    kept = sum(trace.kind == "ordinary" and bool(steady.spans_of(trace)) for trace in steady.traces)
    print(f"kept {kept} of {total} ordinary traces, expected {total * share:.0f}")
    # Four standard deviations of a binomial distribution.
    assert abs(kept - total * share) <= 4 * sqrt(total * share * (1 - share))


def test_no_span_arrives_twice_without_a_failure(steady: Outcome) -> None:
    assert steady.repeated() == 0


def test_span_metrics_count_each_span_once(steady: Outcome) -> None:
    assert steady.counted == {"router-0": TRACES * SPANS / 2, "router-1": TRACES * SPANS / 2}


def test_a_killed_router_keeps_its_queue(tiers: Topology, steady: Outcome) -> None:
    for sampler in tiers.samplers:
        sampler.stop()
    load = Load((tiers.routers[0].address, tiers.routers[1].address), "killed router")
    load.send(QUEUED_TRACES)
    expected = QUEUED_TRACES * SPANS / 2
    eventually(lambda: [router.metric("exporter_queue_size") for router in tiers.routers] == [expected, expected])
    tiers.routers[0].kill()
    for tier in (tiers.routers[0], *tiers.samplers):
        tier.start()
    for tier in (tiers.routers[0], *tiers.samplers):
        tier.wait_until_ready()
    important = [trace for trace in load.traces if trace.kind != "ordinary"]
    eventually(lambda: all(kept_spans(tiers, trace) == SPANS for trace in important), within_seconds=20.0)
    print(f"killed router with {expected:.0f} queued spans: all {len(important)} errors and slow traces kept")


def kept_spans(tiers: Topology, trace: Trace) -> int:
    """Return the number of different spans of a trace that arrived behind the samplers."""
    return len({span for found in tiers.received() for span in found.get(trace.trace_id, ())})


def test_a_killed_sampler_loses_only_its_memory(tmp_path: Path) -> None:
    with topology(tmp_path, decision_wait_seconds=OUTAGE_WAIT_SECONDS) as tiers:
        load = Load((tiers.routers[0].address, tiers.routers[1].address), "outage")
        sender = threading.Thread(target=load.send, args=(14 * PER_SECOND,), kwargs={"per_second": PER_SECOND})
        sender.start()
        time.sleep(3)
        killed, waiting = kill_sampler(tiers)
        changes = return_sampler(tiers, sender)
        result = outcome(tiers, load)
        failed = [router.metric("exporter_send_failed_spans") for router in tiers.routers]
    memory = (killed - OUTAGE_WAIT_SECONDS - 2.0, killed)
    kept, lost = incomplete(result, {"memory": memory, "change": changes})
    print(f"sent {dict(result.kinds)}, queued in routers {waiting:.0f} spans, of errors and slow traces: kept {kept},")
    print(f"  incomplete {dict(lost)}; spans sent twice {result.repeated()}; span metrics {dict(result.counted)}")
    assert failed == [0, 0]
    assert sum(result.counted.values()) == len(load.traces) * SPANS
    assert set(lost) <= {"memory", "change"}
    assert kept + lost.total() == result.kinds["error"] + result.kinds["slow"]
    assert 0 < lost["memory"] <= 0.1 * PER_SECOND * (OUTAGE_WAIT_SECONDS + 2)


def kill_sampler(tiers: Topology) -> tuple[float, float]:
    """Kill a sampler, remove it from the name, and wait until the other one has the queued spans.

    Returns:
        Time of the kill, and the largest number of spans in the queues of the routers.
    """
    killed = time.monotonic()
    tiers.samplers[1].kill()
    time.sleep(1)
    tiers.list_samplers(0)
    largest = 0.0

    def is_routed_again() -> bool:
        nonlocal largest
        size = sum(router.metric("exporter_queue_size") for router in tiers.routers)
        largest = max(largest, size)
        return largest > PER_SECOND * SPANS and size < PER_SECOND and backends(tiers.routers) == [1, 1]

    eventually(is_routed_again, within_seconds=20.0)
    return killed, largest


def return_sampler(tiers: Topology, sender: threading.Thread) -> tuple[float, float]:
    """Start the sampler again, and wait for the end of the load. Return when the routers changed their lists."""
    tiers.samplers[1].start()
    tiers.samplers[1].wait_until_ready()
    tiers.list_samplers(0, 1)
    eventually(lambda: 2 in backends(tiers.routers))
    first = time.monotonic()
    eventually(lambda: backends(tiers.routers) == [2, 2])
    last = time.monotonic()
    sender.join()
    return first - 2.0, last + 2.0


def backends(routers: tuple[Tier, ...]) -> list[float]:
    """Return the number of samplers in the list of each router."""
    return [router.metric("loadbalancer_num_backends") for router in routers]


def incomplete(result: Outcome, windows: Mapping[str, tuple[float, float]]) -> tuple[int, Counter[str]]:
    """Return the number of complete errors and slow traces, and the incomplete ones by the window of their sending."""
    important = [trace for trace in result.traces if trace.kind != "ordinary"]
    missing = [trace for trace in important if len(result.spans_of(trace)) < SPANS]
    names = (
        next((name for name, (begin, end) in windows.items() if begin <= trace.sent <= end), f"at {trace.sent}")
        for trace in missing
    )
    return len(important) - len(missing), Counter(names)
