"""All tiers with Kafka and real back ends: totals at both ends, and Kafka and ingest down under load.

Needs the native stack, and Kafka from `python -m monitoring.scale.kafka install`, which needs Java and Maven.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from math import sqrt

import pytest

from monitoring.native.places import places_from
from monitoring.scale.kafka.install import libraries, missing_tool
from tests.stack.clients import StoredSpan, eventually
from tests.stack.scale.load import SPANS, Load
from tests.stack.scale.pipeline import Pipeline, pipeline
from tests.stack.scale.topology import PERCENTAGE, pending_traces

pytestmark = [pytest.mark.stack, pytest.mark.timeout(110)]

TRACES = 1000
LOGS = 500
PER_SECOND = 200
OUTAGE_SECONDS = 4.0


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Return running tiers. Without Java or Kafka, skip the test."""
    if reason := missing_tool(maven=False):
        pytest.skip(reason)
    if not libraries(places_from()).is_dir():
        pytest.skip(missing_tool() or "Kafka is not installed: run `python -m monitoring.scale.kafka install`")
    with pipeline(tmp_path_factory.mktemp("pipeline")) as running:
        yield running


def send(tiers: Pipeline, service: str, traces: int, *, per_second: float = 0.0) -> Load:
    """Send traces and log records to the agent."""
    load = Load((tiers.agent.address, tiers.agent.address), service)
    load.send(traces, per_second=per_second)
    load.send_logs(LOGS)
    return load


def wait_until_stored(tiers: Pipeline, load: Load) -> dict[str, list[StoredSpan]]:
    """Wait until all traces are decided and Jaeger has all errors and slow traces. Return its traces."""
    important = {trace.trace_id.hex() for trace in load.traces if trace.kind != "ordinary"}
    eventually(lambda: counted_spans(tiers, load.service) >= len(load.traces) * SPANS, within_seconds=40.0)
    eventually(lambda: not any(map(pending_traces, tiers.samplers)), within_seconds=20.0)
    eventually(lambda: important <= set(stored(tiers, load)), within_seconds=40.0)
    eventually(lambda: not any(sampler.metric("exporter_queue_size") for sampler in tiers.samplers))
    time.sleep(1.0)  # messages that ingest is sending
    return stored(tiers, load)


def stored(tiers: Pipeline, load: Load) -> dict[str, list[StoredSpan]]:
    """Return the stored traces of a load by trace id, with 32 digits."""
    return {key.zfill(32): spans for key, spans in tiers.jaeger.traces(load.service, limit=5000).items()}


def counted_spans(tiers: Pipeline, service: str) -> float:
    """Return the number of spans in the span metrics of Prometheus."""
    expression = f'sum(traces_span_metrics_calls_total{{service_name="{service}"}})'
    return tiers.prometheus.value(expression) or 0.0


def log_records(tiers: Pipeline, service: str) -> int:
    """Return the number of different stored log records."""
    return len({line.text for line in tiers.victorialogs.query(f'{{service.name="{service}"}}')})


def test_traces_metrics_and_logs_reach_the_back_ends_through_kafka(tiers: Pipeline) -> None:
    load = send(tiers, "steady", TRACES)
    found = wait_until_stored(tiers, load)
    ordinary, share = load.kinds()["ordinary"], PERCENTAGE / 100
    kept = len(found) - load.kinds()["error"] - load.kinds()["slow"]
    print(f"sent {dict(load.kinds())}; in Jaeger {len(found)} traces, {kept} of them ordinary")
    assert {len(spans) for spans in found.values()} == {SPANS}
    assert abs(kept - ordinary * share) <= 4 * sqrt(ordinary * share * (1 - share))
    assert counted_spans(tiers, "steady") == TRACES * SPANS
    assert eventually(lambda: log_records(tiers, "steady") == LOGS)


def test_an_agent_sends_to_both_routers(tiers: Pipeline) -> None:
    load = Load((tiers.agent.address, tiers.agent.address), "both")

    def both_have_spans() -> bool:
        load.send(20)
        return all(router.metric("receiver_accepted_spans") for router in tiers.routers)

    assert eventually(both_have_spans)


def test_nothing_is_lost_while_kafka_ingest_and_jaeger_are_down_under_load(tiers: Pipeline) -> None:
    load = Load((tiers.agent.address, tiers.agent.address), "outage")
    sender = threading.Thread(target=load.send, args=(8 * PER_SECOND,), kwargs={"per_second": PER_SECOND})
    sender.start()
    time.sleep(1.5)
    tiers.ingest.kill()
    tiers.broker.stop()
    tiers.stop_jaeger()
    time.sleep(OUTAGE_SECONDS)
    load.send_logs(LOGS)
    queued = eventually(lambda: sum(sampler.metric("exporter_queue_size") for sampler in tiers.samplers))
    seconds = tiers.broker.start()
    tiers.ingest.start()
    tiers.ingest.wait_until_ready()
    sender.join()
    eventually(lambda: tiers.ingest.metric("receiver_accepted_log_records") >= LOGS)
    tiers.start_jaeger()
    found = wait_until_stored(tiers, load)
    counted = counted_spans(tiers, "outage")
    print(
        f"sent {dict(load.kinds())}; Kafka down for {OUTAGE_SECONDS:.0f} s and {seconds:.1f} s of start, queued spans"
    )
    distinct = {key: len({span.span_id for span in spans}) for key, spans in found.items()}
    repeated = sum(len(spans) - distinct[key] for key, spans in found.items())
    print(f"  of kept traces {queued:.0f}; in Jaeger {len(found)} traces; span metrics {counted:.0f}")
    print(f"  spans stored twice {repeated}")
    assert set(distinct.values()) == {SPANS}
    assert counted == len(load.traces) * SPANS
    assert eventually(lambda: log_records(tiers, "outage") == LOGS)
    assert [tier.metric("exporter_send_failed_spans") for tier in (*tiers.routers, *tiers.samplers)] == [0] * 4
