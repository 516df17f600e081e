"""`python -m monitoring.scale.sizing`: load → sizes of all tiers with their formulas, or patches for kustomize."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from monitoring.scale.sizing.formulas import Tier, agents, ingests, routers, samplers, stores
from monitoring.scale.sizing.load import Load
from monitoring.scale.sizing.patches import patches

_PROGRAM = "python -m monitoring.scale.sizing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the sizes, and return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    chosen = vars(_parser().parse_args(words))
    kustomize = chosen.pop("kustomize")
    try:
        load = Load(**chosen)
    except ValidationError as problem:
        for error in problem.errors():
            option = "--" + str(error["loc"][0]).replace("_", "-")
            print(f"{option} {error['input']}: {error['msg']}. See `{_PROGRAM} --help`.", file=sys.stderr)
        return 2
    try:
        if kustomize:
            print(patches(load, " ".join((_PROGRAM, *words))), end="")
        else:
            _show(load)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def _show(load: Load) -> None:
    tiers = (agents(load), routers(load), samplers(load), ingests(load))
    for tier in tiers:
        print(_summary(tier))
        for line in tier.arithmetic:
            print(f"    {line}")
    found = stores(load)
    kafka = f"Kafka: {found.partitions} partitions, {found.kafka_gib:.1f} GiB"
    print(f"{kafka}; back ends: {found.traces_gib:.0f} GiB of traces")
    for line in found.arithmetic:
        print(f"    {line}")
    print("Items per second and memory of a core are figures published by others. Measure yours.")


def _summary(tier: Tier) -> str:
    disk = f", {tier.disk_gib} GiB of disk" if tier.disk_gib else ""
    range_ = "" if tier.name == "otel-agent" else f" to {tier.most_replicas}"
    return f"{tier.name}: {tier.replicas}{range_} × {tier.millicores}m, {tier.memory_mib} MiB{disk}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Compute the sizes of agents, routers, samplers, Kafka."
    )
    for name, field in Load.model_fields.items():
        default = "" if field.is_required() else f" (default {field.default:g})"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar="N",
            type=int if field.annotation is int else float,
            required=field.is_required(),
            default=None if field.is_required() else field.default,
            help=f"{field.description}{default}",
        )
    parser.add_argument("--kustomize", action="store_true", help="print patches for kustomize instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
