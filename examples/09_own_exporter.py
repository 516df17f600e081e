"""Register an exporter for your own back end. It gets the same queue, retries and counts as the built-in ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from flext_observability import ExportOutcome, init_observability, register_exporter, traced

Signal = Literal["traces", "metrics", "logs"]


class Blackboard:
    """Exporter that prints the names of spans. It is busy at the first attempt."""

    def __init__(self) -> None:
        self.attempts = 0

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        """Accept a batch, or request a retry."""
        self.attempts += 1
        if self.attempts == 1:
            print("attempt 1: busy")
            return ExportOutcome(retry=True, retry_after_seconds=0.1, reason="unavailable", message="busy", fix="wait")
        print(f"attempt {self.attempts}:", ", ".join(span.name for span in batch))
        return ExportOutcome(accepted=len(batch))

    def close(self) -> None:
        """Close nothing: the exporter has no connection."""


class BlackboardFactory:
    """Factory of the exporter, for traces only."""

    def signals(self) -> Collection[Signal]:
        """Return the supported signals."""
        return ["traces"]

    def create(self, signal: Signal, config: object) -> Blackboard:
        """Return an exporter for a signal."""
        return Blackboard()


register_exporter("blackboard", BlackboardFactory()).unwrap()
observability = init_observability(
    service_name="lesson", exporters={"traces": ["blackboard"], "metrics": [], "logs": []}
).unwrap()
with traced("lesson"):
    for name in ("read", "write", "count"):
        with traced(name):
            pass
report = observability.shutdown().unwrap()
print(f"exported {report.exported}, queued {report.queued}, dropped {dict(report.dropped)}")
