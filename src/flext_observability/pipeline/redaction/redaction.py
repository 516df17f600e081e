"""Rules of a configuration → functions that redact items and baggage. The patterns are loaded on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from flext_observability.domain.report import SIGNALS, Notice, RedactionReport, Signal
from flext_observability.extensions.ports import LoadingExporter
from flext_observability.pipeline.redaction.counts import RedactionCounts
from flext_observability.pipeline.redaction.exporter import redacting_exporter
from flext_observability.pipeline.redaction.processor import RedactingProcessor
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.extensions.ports import SignalExporter
    from flext_observability.extensions.redaction_rules import RedactionRule
    from flext_observability.pipeline.redaction.signal_rules import SignalRules

_NO_RULES: Final[Mapping[Signal, tuple[str, ...]]] = {}
_NONE_ADDED: Final[Mapping[str, RedactionRule]] = {}


@final
class Redaction:
    """Redaction of one configuration. Thread-safe. No method raises.

    Args:
        rules: Names of the rules of each signal.
        added: Rules of the program by name.
        allowed: Patterns of names and values that are never masked.
        key: Key of the markers; empty for a random one.
    """

    def __init__(
        self,
        rules: Mapping[Signal, tuple[str, ...]] = _NO_RULES,
        added: Mapping[str, RedactionRule] = _NONE_ADDED,
        allowed: Sequence[str] = (),
        key: str = "",
    ) -> None:
        self._names: dict[Signal, tuple[str, ...]] = {signal: rules[signal] for signal in SIGNALS if rules.get(signal)}
        self._added = added
        self._allowed = allowed
        self._key = key
        self._counts = RedactionCounts()
        self._lock = ForkSafeLock()
        self._rules: dict[Signal, SignalRules] = {}

    def load(self) -> None:
        """Load the rules of all signals."""
        for signal in self._names:
            self._load(signal)

    def batch(self, signal: Signal, batch: Sequence[Any]) -> Sequence[Any]:
        """Return spans or log records without secrets; of others and without rules, the batch itself.

        Repeatable at no cost: an item with secrets keeps its copy.
        """
        return batch if signal == "metrics" or signal not in self._names else self._load(signal).batch(batch)

    def exporter(self, signal: Signal, exporter: SignalExporter[Any]) -> SignalExporter[Any]:
        """Return an exporter that receives items without secrets, or the exporter itself without rules.

        The rules are loaded with the modules of the exporter; now, if it has none to load.
        """
        if signal not in self._names:
            return exporter
        if not isinstance(exporter, LoadingExporter):
            self.load()
        return redacting_exporter(exporter, partial(self.batch, signal), self.load)

    def adding(self, signal: Signal, add: Callable[[Any], object]) -> Callable[[Any], object]:
        """Return a provider's method that adds a processor, for one that receives items without secrets."""
        if signal not in self._names:
            return add
        item = "span" if signal == "traces" else "record"

        def redact(given: Any) -> Any:  # noqa: ANN401 - a span or log record
            return getattr(self._load(signal), item)(given)

        return lambda processor: add(RedactingProcessor(processor, redact))

    @property
    def has_metrics(self) -> bool:
        """Whether there are rules for metrics."""
        return "metrics" in self._names

    def series(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of a new series without secrets."""
        return self._load("metrics").points.series(attributes)

    def data(self, data: MetricsData, *, points: bool = True) -> MetricsData:
        """Return a collection without secrets.

        Args:
            data: The collection.
            points: Whether to examine attributes of points, too, besides resources and scopes.
        """
        return self._load("metrics").points.data(data, points=points)

    def pair(self, name: str, value: str) -> str:
        """Return the value of a baggage entry without secrets, by the rules of traces."""
        return self._load("traces").pair(name, value) if "traces" in self._names else value

    def report(self) -> RedactionReport:
        """Return the rules, and the number of values that each has masked."""
        return RedactionReport(dict(self._names), self._counts.by_rule())

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each rule of the program that is switched off."""
        return tuple(notice for each in list(self._rules.values()) for notice in each.added.notices())

    def _load(self, signal: Signal) -> SignalRules:
        found = self._rules.get(signal)
        return found or self._build(signal)

    def _build(self, signal: Signal) -> SignalRules:
        from flext_observability.pipeline.redaction.added import AddedRule
        from flext_observability.pipeline.redaction.allowed import Allowed
        from flext_observability.pipeline.redaction.marker import MarkerFactory
        from flext_observability.pipeline.redaction.signal_rules import SignalRules

        names = self._names[signal]
        added = [AddedRule.of(name, rule) for name, rule in self._added.items() if name in names]
        rules = SignalRules(signal, names, added, MarkerFactory(self._key), Allowed(self._allowed), self._counts)
        with self._lock:
            return self._rules.setdefault(signal, rules)
