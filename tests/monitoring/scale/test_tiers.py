"""The collectors past one machine match the ordinary one, Compose and each other. Needs no stack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.native.places import REPOSITORY
from monitoring.scale.processors import AGENT, updated

TIERS = REPOSITORY / "monitoring" / "scale" / "tiers"
NAMES = ("agent", "router", "sampler", "ingest")
QUEUES = {"agent": {"otlp_grpc/router"}, "router": {"load_balancing", "kafka"}, "sampler": {"kafka"}}


def read(name: str, folder: Path = TIERS) -> Any:
    return yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))


def ordinary() -> Any:
    return read("otel-collector", REPOSITORY)


def test_an_agent_filters_and_redacts_as_the_ordinary_collector() -> None:
    """`python -m monitoring.scale.processors` updates the agent."""
    assert updated() == AGENT.read_text(encoding="utf-8")


def test_a_router_measures_spans_as_the_ordinary_collector() -> None:
    own, other = read("router")["connectors"]["span_metrics"], ordinary()["connectors"]["span_metrics"]
    shared = set(other) - {"metrics_flush_interval"}
    assert {key: own[key] for key in shared} == {key: other[key] for key in shared}


def test_spans_are_measured_by_the_router_only_and_before_the_samplers() -> None:
    pipelines = {name: read(name)["service"]["pipelines"] for name in NAMES}
    measuring = [
        (name, pipeline)
        for name, tier in pipelines.items()
        for pipeline, parts in tier.items()
        if "span_metrics" in parts["exporters"]
    ]
    assert measuring == [("router", "traces")]


@pytest.mark.parametrize("name", NAMES)
def test_memory_limiter_is_first_in_each_pipeline_of_a_tier(name: str) -> None:
    for pipeline in read(name)["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"


@pytest.mark.parametrize(("name", "exporters"), QUEUES.items())
def test_queues_of_a_tier_are_on_disk_and_retry_without_limit(name: str, exporters: set[str]) -> None:
    found = read(name)["exporters"]
    assert set(found) == exporters
    for exporter in found.values():
        assert exporter["sending_queue"]["storage"] == "file_storage"
        assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"


def test_an_ingest_commits_an_offset_only_after_the_back_end() -> None:
    ingest = read("ingest")
    assert ingest["receivers"]["kafka"]["message_marking"]["after"] is True
    assert ingest["receivers"]["kafka"]["message_marking"]["on_error"] is False
    assert all(exporter["sending_queue"] == {"enabled": False} for exporter in ingest["exporters"].values())


def test_an_ingest_reads_the_topics_that_the_other_tiers_write() -> None:
    written = {
        (signal, settings["topic"])
        for name in ("router", "sampler")
        for signal, settings in read(name)["exporters"]["kafka"].items()
        if isinstance(settings, dict) and "topic" in settings
    }
    receiver = read("ingest")["receivers"]["kafka"]
    read_topics = {(signal, topic) for signal in ("traces", "metrics", "logs") for topic in receiver[signal]["topics"]}
    assert read_topics == written


@pytest.mark.parametrize("name", ["router", "sampler"])
def test_producers_wait_for_all_replicas_and_use_the_same_key(name: str) -> None:
    kafka = read(name)["exporters"]["kafka"]
    assert kafka["producer"]["required_acks"] == -1
    assert kafka["partition_metrics_by_resource_attributes"] is True
    assert kafka.get("partition_traces_by_id", name == "router") is True


@pytest.mark.parametrize("name", NAMES)
def test_each_address_and_folder_of_a_tier_is_a_variable(name: str) -> None:
    text = (TIERS / f"{name}.yaml").read_text(encoding="utf-8")
    fields = re.findall(r"^\s+(?:endpoint|directory|host|hostname|port|brokers): (.+)$", text, re.MULTILINE)
    assert fields
    assert all(value.startswith("${env:") for value in fields)


def test_compose_runs_the_tiers_without_kafka() -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.monitoring.yml").read_text(encoding="utf-8"))["services"]
    files = {
        name: [Path(word).name for word in service["command"] if word.endswith(".yaml")]
        for name, service in services.items()
        if service.get("profiles") == ["scale"]
    }
    assert files == {
        "otel-agent": ["agent.yaml"],
        "otel-router": ["router.yaml", "router-without-kafka.yaml"],
        "otel-sampler": ["sampler.yaml", "sampler-without-kafka.yaml"],
    }
    assert all((TIERS / name).is_file() for names in files.values() for name in names)
