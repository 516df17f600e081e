"""Sizes of the tiers → patches for kustomize, with the arithmetic as comments."""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.scale.sizing.formulas import Tier, agents, ingests, routers, samplers, stores
from monitoring.scale.sizing.load import Load

_KINDS = {"otel-agent": "DaemonSet", "otel-router": "StatefulSet", "otel-sampler": "StatefulSet"}


def patches(load: Load, command: str) -> str:
    """Return the patch file of an overlay.

    Args:
        load: Expected load.
        command: Command that prints this file, for its first lines.
    """
    tiers = (agents(load), routers(load), samplers(load), ingests(load))
    head = [f"# Printed by: {command}", "#", "# Kafka and back ends, which are not part of these manifests:"]
    head += [f"#   {line}" for line in stores(load).arithmetic]
    documents = [_workload(tier) for tier in tiers]
    documents += [_autoscaler(tier) for tier in tiers if tier.name != "otel-agent"]
    return "\n".join(head) + "\n" + "".join(f"---\n{document}" for document in documents)


def _workload(tier: Tier) -> str:
    lines = _comments(tier.arithmetic)
    lines += ["apiVersion: apps/v1", f"kind: {_KINDS.get(tier.name, 'Deployment')}", *_name(tier)]
    lines += ["spec:", "  template:", "    spec:", "      containers:", "        - name: collector"]
    lines += ["          env:"]
    for name, value in sorted(tier.variables.items()):
        lines += [f"            - name: {name}", f'              value: "{value}"']
    lines += ["          resources:"]
    # No limit of CPU: a throttled collector refuses data. Memory never exceeds its request.
    lines += [f"            requests: {{cpu: {tier.millicores}m, memory: {tier.memory_mib}Mi}}"]
    lines += [f"            limits: {{memory: {tier.memory_mib}Mi}}"]
    if tier.name == "otel-agent":
        lines += ["      volumes:", "        - name: queue", "          emptyDir:"]
        lines += [f"            sizeLimit: {tier.disk_gib}Gi"]
    elif tier.disk_gib:
        lines += ["  volumeClaimTemplates:", "    - metadata: {name: queue}", "      spec:"]
        lines += ["        accessModes: [ReadWriteOnce]", "        resources:"]
        lines += [f"          requests: {{storage: {tier.disk_gib}Gi}}"]
    return "\n".join(lines) + "\n"


def _autoscaler(tier: Tier) -> str:
    lines = ["apiVersion: autoscaling/v2", "kind: HorizontalPodAutoscaler", *_name(tier), "spec:"]
    lines += [f"  minReplicas: {tier.replicas}", f"  maxReplicas: {tier.most_replicas}"]
    return "\n".join(lines) + "\n"


def _name(tier: Tier) -> list[str]:
    return ["metadata:", f"  name: {tier.name}"]


def _comments(lines: Iterable[str]) -> list[str]:
    return [f"# {line}" for line in lines]
