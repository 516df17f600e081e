"""Starts and ends of items, and every queue → one snapshot of all counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flext_observability.adapters.metric import discarded
from flext_observability.domain.report import SIGNALS, ExporterCounts, LedgerSnapshot, Signal, SignalCounts


class SignalCounter:
    """Counts of one signal before any exporter: ``started = open + sampled_out + finished``."""

    __slots__ = ("_finished", "_lock", "_sampled_out", "_signal", "_started")

    def __init__(self, signal: Signal) -> None:
        self._signal: Signal = signal
        self._lock = threading.RLock()
        self._started = 0
        self._sampled_out = 0
        self._finished = 0

    def start(self) -> None:
        """Count an item that has begun."""
        with self._lock:
            self._started += 1

    def sample_out(self) -> None:
        """Count a begun item that the sampler leaves out."""
        with self._lock:
            self._sampled_out += 1

    def finish(self) -> None:
        """Count a begun item that has ended and goes to the exporters."""
        with self._lock:
            self._finished += 1

    def pass_through(self) -> None:
        """Count an item that begins and ends at once (log records)."""
        with self._lock:
            self._started += 1
            self._finished += 1

    def reset_lock(self) -> None:
        """Make the lock usable in a forked child, where its holder may not exist."""
        self._lock = threading.RLock()

    def counts(self) -> SignalCounts:
        """Return the counts of this moment."""
        with self._lock:
            ended = self._sampled_out + self._finished
            # Spans that were open when a foreign provider was adopted end here without having begun here.
            started = max(self._started, ended)
            return SignalCounts(self._signal, started, started - ended, self._sampled_out, self._finished)


class Ledger:
    """All counts of one configuration; ``status()``, ``/health`` and the shutdown report read it."""

    def __init__(self) -> None:
        self.counters: dict[Signal, SignalCounter] = {signal: SignalCounter(signal) for signal in SIGNALS}
        self._sources: list[Callable[[], ExporterCounts]] = []
        self._discarded_before = discarded()

    def add(self, counts: Callable[[], ExporterCounts]) -> None:
        """Add the counts of one exporter."""
        self._sources.append(counts)

    def snapshot(self) -> LedgerSnapshot:
        """Return every count at this moment."""
        exporters = tuple(source() for source in self._sources)
        signals = [self.counters["traces"].counts(), self._points(exporters), self.counters["logs"].counts()]
        return LedgerSnapshot(signals=tuple(signals), exporters=exporters)

    def _points(self, exporters: tuple[ExporterCounts, ...]) -> SignalCounts:
        handed = sum(row.finished for row in exporters if row.signal == "metrics")
        conflicts = discarded() - self._discarded_before
        dropped = {"instrument_conflict": conflicts} if conflicts else {}
        return SignalCounts("metrics", started=handed, finished=handed, dropped=dropped)
