"""Rules of one signal, built-in ones and those of the program → what redacts its items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast, final

from flext_observability.pipeline.redaction.added import AddedRule, AddedRules
from flext_observability.pipeline.redaction.contexts import ContextRedactor
from flext_observability.pipeline.redaction.points import PointRedactor
from flext_observability.pipeline.redaction.records import RecordRedactor
from flext_observability.pipeline.redaction.redactor import Hits, Redactor
from flext_observability.pipeline.redaction.rule_names import RULE_NAMES
from flext_observability.pipeline.redaction.spans import SpanRedactor

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from flext_observability.domain.report import Signal
    from flext_observability.pipeline.redaction.allowed import Allowed
    from flext_observability.pipeline.redaction.counts import RedactionCounts
    from flext_observability.pipeline.redaction.marker import MarkerFactory


@final
class SignalRules:
    """Redacts the items of one signal. Thread-safe.

    Args:
        signal: The signal.
        names: Names of its rules.
        added: Rules of the program with one of these names. They replace built-in ones.
        marker: Makes the markers.
        allowed: Names and values that are never masked.
        counts: Counts the masked values.

    Attributes:
        added: Rules of the program.
        points: Redacts metric points.
    """

    def __init__(
        self,
        signal: Signal,
        names: Sequence[str],
        added: Sequence[AddedRule],
        marker: MarkerFactory,
        allowed: Allowed,
        counts: RedactionCounts,
    ) -> None:
        own = {each.name for each in added}
        built_in = [name for name in names if name in RULE_NAMES and name not in own]
        self.added = AddedRules(signal, added)
        self._redactor = redactor = Redactor(built_in, marker, allowed, self.added.search if added else None)
        self._counts = counts
        contexts = ContextRedactor(redactor, counts)
        self.points = PointRedactor(redactor, contexts, counts, self.added.bounded)
        self._spans = SpanRedactor(redactor, contexts, counts)
        self._records = RecordRedactor(redactor, contexts, counts)
        self._batch = self._spans.batch if signal == "traces" else self._records.batch

    def batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Return spans or log records without secrets."""
        redact: Callable[[Any], Any] = self._batch
        return cast("Sequence[Any]", self.added.bounded(lambda: redact(batch)))

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return a span without secrets."""
        return self.added.bounded(lambda: self._spans.batch([span])[0])

    def record(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        """Replace the secrets of a log record that is not finished, and return it."""
        return self.added.bounded(lambda: self._records.apply(record))

    def pair(self, name: str, value: str) -> str:
        """Return the value of a baggage entry without secrets."""
        if self._redactor.plain[name] and self._redactor.clean[value]:
            return value
        hits: Hits = []
        replaced = self.added.bounded(lambda: self._redactor.named(name, value, hits))
        self._counts.add(hits)
        return str(replaced)
