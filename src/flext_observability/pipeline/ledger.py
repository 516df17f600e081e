"""Counts of started and ended items, and of every export queue → one snapshot of all counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, final

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.domain.report import SIGNALS, ExporterCounts, LedgerSnapshot, Signal, SignalCounts

if TYPE_CHECKING:
    from flext_observability.pipeline.export_queue import QueueCounts


@final
class SignalCounter:
    """Counts of one signal before any exporter: ``started = open + sampled_out + finished``. Thread-safe."""

    __slots__ = ("_finished", "_lock", "_sampled_out", "_signal", "_started")

    def __init__(self, signal: Signal) -> None:
        self._signal: Signal = signal
        self._lock = threading.RLock()
        self._started = 0
        self._sampled_out = 0
        self._finished = 0

    def start(self) -> None:
        """Count a started item."""
        with self._lock:
            self._started += 1

    def sample_out(self) -> None:
        """Count a started item that the sampler drops."""
        with self._lock:
            self._sampled_out += 1

    def skip(self) -> None:
        """Count an item that the sampler drops at its start."""
        with self._lock:
            self._started += 1
            self._sampled_out += 1

    def finish(self) -> None:
        """Count a started item that has ended and goes to the exporters."""
        with self._lock:
            self._finished += 1

    def pass_through(self) -> None:
        """Count an item that starts and ends at once (log records)."""
        with self._lock:
            self._started += 1
            self._finished += 1

    def reset_lock(self) -> None:
        """Replace the lock in a forked child, where its holder may not exist."""
        self._lock = threading.RLock()

    def counts(self) -> SignalCounts:
        """Return the current counts."""
        with self._lock:
            ended = self._sampled_out + self._finished
            # Spans that were open when a foreign provider was adopted end here, but did not start here.
            started = max(self._started, ended)
            return SignalCounts(self._signal, started, started - ended, self._sampled_out, self._finished)


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
