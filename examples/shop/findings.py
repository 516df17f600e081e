"""Compare the sales with the telemetry of the back end, and write a report."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.shop.failure import DemoError
from examples.shop.receivers import Receiver
from examples.shop.traffic import Sold
from flext_observability.views.model import MetricView, TraceView

EXPECTED_SERVICES = {"gateway", "orders", "payments", "inventory"}
_ARRIVAL_SECONDS = 15.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Findings:
    """Telemetry of the back end.

    Attributes:
        good: Trace of a successful checkout.
        failed: Trace of a declined checkout.
        metrics: Points of this run.
        missing: Description of each missing item.
    """

    good: TraceView
    failed: TraceView
    metrics: list[MetricView]
    missing: list[str]


async def read_back(receiver: Receiver, sold: Sold) -> Findings:
    """Read the telemetry until it is complete, or until the time limit."""
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while True:
        back_end = receiver.back_end
        good, failed = await back_end.trace(sold.good_trace), await back_end.trace(sold.failed_trace)
        metrics = await back_end.metrics()
        missing = [
            *(_missing_spans(good, failed) if receiver.keeps_traces else []),
            *(_missing_logs(failed) if receiver.keeps_logs else []),
            *(_missing_sales(metrics, sold) if receiver.keeps_metrics else []),
        ]
        if not missing or time.monotonic() > deadline:
            return Findings(good, failed, metrics, missing)
        await asyncio.sleep(_POLL_SECONDS)


def _missing_spans(good: TraceView, failed: TraceView) -> list[str]:
    problems: list[str] = []
    for name, trace in (("sold", good), ("declined", failed)):
        found = {span.service for span in trace.spans}
        absent = EXPECTED_SERVICES - found
        if absent:
            problems.append(f"the trace of the {name} checkout lacks spans of {', '.join(sorted(absent))}")
        known = {span.span_id for span in trace.spans}
        roots = sum(span.parent_id not in known for span in trace.spans)
        if not absent and roots != 1:
            problems.append(f"the trace of the {name} checkout has {roots} roots instead of one")
    if not any(span.status == "error" for span in failed.spans):
        problems.append("the trace of the declined checkout has no span with status error")
    return problems


def _missing_logs(failed: TraceView) -> list[str]:
    absent = EXPECTED_SERVICES - {log.service for log in failed.logs}
    return [f"the trace of the declined checkout lacks log records of {', '.join(sorted(absent))}"] if absent else []


def _missing_sales(metrics: list[MetricView], sold: Sold) -> list[str]:
    """Return the differences between the counters and the sales."""
    orders: dict[str, Counter[str]] = {"sold": Counter(), "declined": Counter()}
    revenue = 0.0
    for point in metrics:
        attributes = {key.replace("_", "."): value for key, value in point.attributes.items()}
        name = point.name.replace("_", ".").removesuffix(".total")
        if name == "shop.orders":
            orders[str(attributes["shop.outcome"])][str(attributes["shop.product"])] += round(point.value or 0)
        elif name == "shop.revenue":
            revenue += point.value or 0
    pairs = {
        "orders sold": (dict(sold.sold), dict(orders["sold"])),
        "orders declined": (dict(sold.declined), dict(orders["declined"])),
        "revenue": (sold.revenue, revenue),
    }
    return [
        f"{what}: customers saw {seen}, counters have {counted}"
        for what, (seen, counted) in pairs.items()
        if seen != counted
    ]


def check(findings: Findings) -> None:
    """Check that all telemetry arrived.

    Raises:
        DemoError: Some is missing.
    """
    if findings.missing:
        raise DemoError("telemetry is missing:\n  " + "\n  ".join(findings.missing))


def sent_counts(files: Mapping[str, Path]) -> dict[str, dict[str, int]]:
    """Return the number of exported items of each service by signal."""
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items()}


def write_report(
    file: Path, run_id: str, receiver: Receiver, sold: Sold, sent: Mapping[str, Mapping[str, int]]
) -> None:
    """Write the sales, and the number of exported items of each service, as JSON."""
    document = {
        "run": run_id,
        "receiver": receiver.endpoint,
        "requests": sold.requests,
        "sold": dict(sold.sold),
        "declined": dict(sold.declined),
        "revenue": sold.revenue,
        "slow": sold.slow,
        "sent": sent,
        "good_trace": sold.good_trace,
        "failed_trace": sold.failed_trace,
        "correlation_ids": sold.correlation_ids,
    }
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
