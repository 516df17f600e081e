"""A back end of one's own → an exporter under a name, with the queue, the retries and the counts that every other one has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from flext_observability import ExportOutcome, init_observability, register_exporter, traced

Signal = Literal["traces", "metrics", "logs"]


class Blackboard:
    """Writes the names of spans on the screen; busy at the first attempt, as back ends are."""

    def __init__(self) -> None:
        self.attempts = 0

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        """Take a batch, or ask to have it sent again."""
        self.attempts += 1
        if self.attempts == 1:
            print("attempt 1: busy")
            return ExportOutcome(retry=True, retry_after_seconds=0.1, reason="unavailable", message="busy", fix="wait")
        print(f"attempt {self.attempts}:", ", ".join(span.name for span in batch))
        return ExportOutcome(accepted=len(batch))

    def close(self) -> None:
        """Nothing is open."""


class BlackboardFactory:
    """Makes the exporter; carries traces alone."""

    def signals(self) -> Collection[Signal]:
        """Return the signals that it can carry."""
        return ["traces"]

    def create(self, signal: Signal, config: object) -> Blackboard:
        """Return an exporter for the signal."""
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
