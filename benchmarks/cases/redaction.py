"""Search for secrets in spans and log records, on the thread of an exporter (G20). The other side is an empty loop."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable, Sequence
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from benchmarks.cases.sides import ATTRIBUTES, started
from benchmarks.measure import Ratio, interleave
from benchmarks.readings import Reading, Settings, reading
from flext_observability import memory_store
from flext_observability.domain.report import Signal
from flext_observability.pipeline.redaction.redaction import Redaction
from flext_observability.pipeline.redaction.rule_names import DEFAULT_RULES

ITEMS = 512


def search(settings: Settings) -> list[Reading]:
    """G20: spans with few distinct values, with an id each, log records, and spans with a secret."""
    few = _spans([dict(ATTRIBUTES) for _ in range(ITEMS)])
    unique = _spans([{**ATTRIBUTES, "request.id": f"{number:032x}"} for number in range(ITEMS)])
    secret = _spans([{"user": "bob", "password": f"hunter{number}", "attempt": number} for number in range(ITEMS)])
    return [
        _measure(settings, "G20 span", "traces", few),
        _measure(settings, "G20 unique", "traces", unique),
        _measure(settings, "G20 record", "logs", _records()),
        _measure(settings, "G20 secret", "traces", secret),
    ]


def _measure(settings: Settings, key: str, signal: Signal, items: Sequence[Any]) -> Reading:
    redaction = Redaction({signal: DEFAULT_RULES})

    def repeat(work: Callable[[Sequence[Any]], object]) -> Callable[[int], None]:
        def redact_batches(count: int) -> None:
            for _ in range(max(1, count // ITEMS)):
                work(items)

        return redact_batches

    def drop_copies(_side: str) -> None:
        for each in items:
            cast("dict[str, object]", vars(each)).pop("_flext_redacted", None)  # the copy of a span with a secret

    sides = {"ours": repeat(lambda batch: redaction.batch(signal, batch)), "theirs": repeat(len)}
    rounds = interleave(sides, ITEMS, settings.rounds, before=drop_copies)
    costs = Ratio(rounds.best("ours"), statistics.median(rounds.costs["ours"]))
    return reading(key, costs, rounds.best("ours"), rounds.best("theirs"))


def _spans(attributes: Sequence[dict[str, Any]]) -> list[ReadableSpan]:
    with started(exporters="memory", redaction=False) as handle:
        tracer = trace.get_tracer("bench")
        for each in attributes:
            tracer.start_span("GET /items", attributes=each).end()
        handle.flush()
        spans = list(memory_store().spans)
        memory_store().clear()
    return spans


def _records() -> list[Any]:
    with started(exporters="memory", redaction=False) as handle:
        for number in range(ITEMS):
            logging.getLogger("bench").warning("order %d of customer %s was sent in %.3f s", number, "bob", number / 7)
        handle.flush()
        records = list(memory_store().logs)
        memory_store().clear()
    return records
