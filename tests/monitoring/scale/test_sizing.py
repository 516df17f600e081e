"""The calculator: sizes follow from the load, and wrong options are named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from pydantic import ValidationError

from monitoring.scale.sizing.__main__ import main
from monitoring.scale.sizing.formulas import (
    BASE_MIB,
    LIMITER,
    MEMORY_FACTOR,
    Tier,
    agents,
    ingests,
    routers,
    samplers,
    stores,
)
from monitoring.scale.sizing.load import Load
from monitoring.scale.sizing.patches import patches


def load(spans_per_second: float = 60_000, **changes: float) -> Load:
    return Load.model_validate(
        {"spans_per_second": spans_per_second, "trace_length": 10, "retention_days": 7} | changes
    )


def test_a_sampler_holds_twice_the_traces_of_its_decision_time() -> None:
    tier = samplers(load())
    per_pod = 60_000 / 10 / (tier.replicas - 1)
    assert int(tier.variables["SAMPLER_NUM_TRACES"]) == pytest.approx(per_pod * 10 * 2, abs=1)


def test_memory_of_a_sampler_holds_num_traces_below_the_limiter() -> None:
    tier = samplers(load(trace_length=50))
    data_mib = int(tier.variables["SAMPLER_NUM_TRACES"]) * 50 * 500 * MEMORY_FACTOR / 1024**2
    assert tier.memory_mib * LIMITER >= data_mib + BASE_MIB
    assert int(tier.variables["COLLECTOR_MEMORY_LIMIT_MIB"]) == int(tier.memory_mib * LIMITER)


def test_samplers_are_added_when_memory_of_a_pod_is_not_enough() -> None:
    small, large = samplers(load(pod_memory_gib=64)), samplers(load(pod_memory_gib=0.5))
    assert large.replicas > small.replicas
    assert large.memory_mib <= 512


@pytest.mark.parametrize("tier", [routers, samplers, ingests])
def test_a_tier_has_a_spare_pod(tier: Callable[[Load], Tier]) -> None:
    found = tier(load(1))
    assert (found.replicas, found.most_replicas) == (2, 4)


def test_kept_share_counts_errors_and_slow_traces_once() -> None:
    assert load(sampling=10, important=5).kept_share == pytest.approx(0.145)
    assert load(sampling=100).kept_spans_per_second == pytest.approx(60_000)


def test_queues_hold_the_outage() -> None:
    tier = routers(load(outage_minutes=10))
    assert int(tier.variables["ROUTER_QUEUE_SPANS"]) * tier.replicas == pytest.approx(60_000 * 600, rel=0.001)
    assert tier.disk_gib * 1024**3 >= int(tier.variables["ROUTER_QUEUE_SPANS"]) * 500
    assert int(agents(load(hosts=4)).variables["AGENT_QUEUE_ITEMS"]) == 60_000 / 4 * 1800


def test_each_ingest_pod_can_have_a_partition() -> None:
    for spans in (100, 60_000, 2_000_000):
        assert stores(load(spans)).partitions >= ingests(load(spans)).most_replicas


def test_retention_multiplies_the_disk_of_back_ends() -> None:
    week, month = stores(load()), stores(load(retention_days=28))
    assert month.traces_gib == pytest.approx(week.traces_gib * 4)
    assert month.kafka_gib == week.kafka_gib


def test_patches_are_documents_for_each_workload() -> None:
    documents = list(yaml.safe_load_all(patches(load(), "command")))
    assert [(one["kind"], one["metadata"]["name"]) for one in documents] == [
        ("DaemonSet", "otel-agent"),
        ("StatefulSet", "otel-router"),
        ("StatefulSet", "otel-sampler"),
        ("Deployment", "otel-ingest"),
        ("HorizontalPodAutoscaler", "otel-router"),
        ("HorizontalPodAutoscaler", "otel-sampler"),
        ("HorizontalPodAutoscaler", "otel-ingest"),
    ]


def test_the_command_prints_sizes_with_their_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--spans-per-second", "5000", "--trace-length", "10", "--retention-days", "7"]) == 0
    printed = capsys.readouterr().out
    assert "num_traces: 500/s × 10 s × 2 = 10000" in printed
    assert "published by others" in printed


def test_a_wrong_value_is_named_with_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--spans-per-second", "-1", "--trace-length", "10", "--retention-days", "7"]) == 2
    assert capsys.readouterr().err.startswith("--spans-per-second -1.0: Input should be greater than 0. ")


def test_pods_without_enough_memory_are_an_error_with_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--spans-per-second", "5000", "--trace-length", "10", "--retention-days", "7"]
    assert main([*options, "--pod-memory-gib", "0.1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--pod-memory-gib" in printed.err


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValidationError):
        load(spans=1)
