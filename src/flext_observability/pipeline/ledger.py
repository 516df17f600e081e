"""Counts of started and ended items, and of every export queue → one snapshot of all counts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.domain.report import SIGNALS, ExporterCounts, LedgerSnapshot, Signal, SignalCounts
from flext_observability.engine.shedding import ShedCounts

if TYPE_CHECKING:
    from flext_observability.pipeline.export_queue import QueueCounts


MAX_FORMER: Final = 8
"""Number of earlier pipelines whose counts are read."""


@final
class SignalCounter:
    """Counts of one signal before any exporter: ``started = open + sampled_out + finished``.

    Thread-safe and re-entrant, without a lock: ``next`` of ``itertools.count`` is atomic.

    Attributes:
        started: Advanced for each started item.
        sampled_out: Advanced for each started item that the sampler drops.
        skipped: Advanced for each item that the sampler drops at its start.
        finished: Advanced for each started item that has ended and goes to the exporters.
        passed: Advanced for each item that starts and ends at once (log records).
        shed: Advanced for what is left out because of its cost.
        cut_short: Number of spans that this library ended, by outcome.
    """

    __slots__ = (
        "_former",
        "_moved",
        "_signal",
        "cut_short",
        "finished",
        "passed",
        "sampled_out",
        "shed",
        "skipped",
        "started",
    )

    def __init__(self, signal: Signal) -> None:
        self._signal: Signal = signal
        self.started, self.sampled_out, self.skipped, self.finished, self.passed = (count() for _ in range(5))
        self.shed = ShedCounts(count(), count(), count())
        self.cut_short: dict[str, int] = {}
        self._former: tuple[SignalCounter, ...] = ()
        self._moved = 0  # items that started in pipelines before those of `_former`, and end here

    def follow(self, previous: SignalCounter) -> None:
        """Count the open items of the previous pipeline, which end in this one, as started here."""
        former = (previous, *previous._former)
        # Of earlier pipelines, threads at the end of a span may count a little longer: the latest ones are read again.
        self._former = former[:MAX_FORMER]
        self._moved = previous._moved + sum(each.own_open() for each in former[MAX_FORMER:])

    def counts(self) -> SignalCounts:
        """Return the current counts."""
        # Ended items are read first: one that starts and ends meanwhile is open, and none has ended before its start.
        sampled_out, skipped = _value(self.sampled_out), _value(self.skipped)
        finished, passed = _value(self.finished), _value(self.passed)
        ended = sampled_out + skipped + finished + passed
        # Spans that were open when a foreign provider was adopted end here, but did not start here.
        moved = self._moved + sum(each.own_open() for each in self._former)
        started = max(_value(self.started) + skipped + passed + moved, ended)
        counts = started, started - ended, sampled_out + skipped, finished + passed
        return SignalCounts(self._signal, *counts, shed=self.left_out(), cut_short=dict(self.cut_short))

    def own_open(self) -> int:
        """Return the started items that have not ended here; negative if more have ended than started."""
        return _value(self.started) - _value(self.sampled_out) - _value(self.finished)

    def left_out(self) -> dict[str, int]:
        """Return the number of items of each kind that were left out because of their cost."""
        counts = ((kind, _value(cast("count[int]", each))) for kind, each in self.shed._asdict().items())
        return {kind: number for kind, number in counts if number}

    def unrecorded(self) -> int:
        """Return the number of items that the sampler dropped at their start."""
        return _value(self.skipped)


def _value(counter: count[int]) -> int:
    """Return the next number of a counter, which only its text has."""
    return int(repr(counter)[6:-1])


@final
class Ledger:
    """All counts of one configuration, for ``status()``, ``/health`` and the shutdown report.

    Attributes:
        counters: Counter of each signal.
    """

    def __init__(self) -> None:
        self.counters: dict[Signal, SignalCounter] = {signal: SignalCounter(signal) for signal in SIGNALS}
        self._queues: list[tuple[Signal, str, Callable[[], QueueCounts]]] = []
        self._discarded_before = instrument_table().discarded()

    def add(self, signal: Signal, exporter: str, counts: Callable[[], QueueCounts]) -> None:
        """Add the queue of one exporter."""
        self._queues.append((signal, exporter, counts))

    def snapshot(self) -> LedgerSnapshot:
        """Return all current counts."""
        exporters = tuple(
            ExporterCounts(signal, exporter, **counts()._asdict()) for signal, exporter, counts in self._queues
        )
        signals = [self.counters["traces"].counts(), self._points(exporters), self.counters["logs"].counts()]
        return LedgerSnapshot(signals=tuple(signals), exporters=exporters)

    def _points(self, exporters: tuple[ExporterCounts, ...]) -> SignalCounts:
        points = max((row.finished for row in exporters if row.signal == "metrics"), default=0)
        discarded = instrument_table().discarded().items()
        since = {reason: count - self._discarded_before.get(reason, 0) for reason, count in discarded}
        dropped = {reason: count for reason, count in since.items() if count}
        return SignalCounts("metrics", started=points, finished=points, dropped=dropped)
