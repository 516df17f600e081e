"""The manifests build, have a valid schema, are confined, and agree with the tiers and the calculator."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.native.parts import COLLECTOR, KUSTOMIZE
from monitoring.native.places import REPOSITORY, places_from
from monitoring.scale.kafka.install import version
from monitoring.scale.manifests import FOLDER, build, check, faults, overlays
from monitoring.scale.sizing.__main__ import main as size

TIERS = ("otel-agent", "otel-router", "otel-sampler", "otel-ingest")
OVERLAYS = [overlay.name for overlay in overlays()]


@cache
def manifests(overlay: str) -> list[dict[str, Any]]:
    places = places_from()
    if not places.installed(KUSTOMIZE):
        pytest.skip("kustomize is not installed: run `make stack-install`")
    return build(FOLDER / "overlays" / overlay, places)


def of_kind(overlay: str, *kinds: str) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in manifests(overlay) if one["kind"] in kinds}


def workloads(overlay: str) -> dict[str, Any]:
    return of_kind(overlay, "DaemonSet", "StatefulSet", "Deployment")


def test_there_is_a_small_and_a_large_overlay() -> None:
    assert OVERLAYS == ["large", "small"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_pass_the_schemas_of_kubernetes(overlay: str) -> None:
    assert faults(manifests(overlay), overlay) == []
    assert check(places_from()) == []


def test_a_wrong_field_is_named_with_its_manifest() -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "one"},
        "spec": {"ports": [{"prot": 1, "port": 1}]},
    }
    (fault,) = faults([service], "overlay")
    assert fault.startswith("overlay: Service one: spec.ports.0: ")
    assert "prot" in fault


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_sizes_are_those_of_the_calculator(overlay: str) -> None:
    """The first line of the file is the command that prints it."""
    text = (FOLDER / "overlays" / overlay / "sizes.yaml").read_text(encoding="utf-8")
    command = re.match(r"# Printed by: python -m monitoring\.scale\.sizing (.*)\n", text)
    assert command is not None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert size(shlex.split(command[1])) == 0
    assert printed.getvalue() == text


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_confined(overlay: str) -> None:
    assert set(workloads(overlay)) == set(TIERS)
    for workload in workloads(overlay).values():
        pod = workload["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["image"] == f"{COLLECTOR.image}:{COLLECTOR.tag}"
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_tier_has_a_policy_an_account_and_a_budget(overlay: str) -> None:
    assert set(of_kind(overlay, "NetworkPolicy")) == {*TIERS, "default-deny", "dns"}
    assert set(of_kind(overlay, "ServiceAccount")) == set(TIERS)
    assert set(of_kind(overlay, "PodDisruptionBudget")) == set(TIERS) - {"otel-agent"}
    assert set(of_kind(overlay, "HorizontalPodAutoscaler")) == set(TIERS) - {"otel-agent"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_tier_that_queues_has_a_volume_for_each_pod(overlay: str) -> None:
    for name, workload in of_kind(overlay, "StatefulSet").items():
        (claim,) = workload["spec"]["volumeClaimTemplates"]
        assert int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) > 1
        assert workload["spec"]["serviceName"] == name
        assert "replicas" not in workload["spec"], "the autoscaler sets it"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_read_the_tier_files(overlay: str) -> None:
    configurations = of_kind(overlay, "ConfigMap")
    for name, workload in workloads(overlay).items():
        (volume,) = (one for one in workload["spec"]["template"]["spec"]["volumes"] if "configMap" in one)
        text = configurations[volume["configMap"]["name"]]["data"]["collector.yaml"]
        tier = REPOSITORY / "monitoring" / "scale" / "tiers" / f"{name.removeprefix('otel-')}.yaml"
        assert text == tier.read_text(encoding="utf-8")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_variable_of_a_pod_is_read_by_its_collector(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        text = (REPOSITORY / "monitoring" / "scale" / "tiers" / f"{name.removeprefix('otel-')}.yaml").read_text()
        read = set(re.findall(r"\$\{env:([A-Z_]+)", text))
        own = {one["name"] for one in workload["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert own - {"GOMEMLIMIT", "HOSTNAME"} <= read


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_default_names_of_hosts_are_services(overlay: str) -> None:
    assert set(of_kind(overlay, "Service")) == {"otel-agent", "otel-router", "otel-sampler"}


def with_component(folder: Path, component: str) -> list[dict[str, Any]]:
    manifests("small")
    shared = Path(*[".."] * len(folder.resolve().parts[1:]), *FOLDER.parts[1:])
    text = {
        "resources": [str(shared / "overlays" / "small")],
        "components": [str(shared / "components" / component)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    built = build(folder, places_from())
    assert faults(built, component) == []
    return built


def test_a_component_keeps_the_queue_on_the_host(tmp_path: Path) -> None:
    (agent,) = (one for one in with_component(tmp_path, "agent-queue-on-host") if one["kind"] == "DaemonSet")
    (volume,) = (one for one in agent["spec"]["template"]["spec"]["volumes"] if one["name"] == "queue")
    assert volume == {"name": "queue", "hostPath": {"path": "/var/lib/otel-agent", "type": "DirectoryOrCreate"}}


def test_a_component_has_the_kafka_of_the_tests(tmp_path: Path) -> None:
    built = with_component(tmp_path, "kafka-for-trials")
    (kafka,) = (one for one in built if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "kafka")
    (container,) = kafka["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"apache/kafka:{version()}"
    creating = [
        one["metadata"]["name"]
        for one in built
        if one["kind"] == "StatefulSet"
        and {"name": "KAFKA_CREATE_TOPICS", "value": "true"} in one["spec"]["template"]["spec"]["containers"][0]["env"]
    ]
    assert creating == ["otel-router", "otel-sampler"]
