"""Fakes of our own ports: exporters with scripted outcomes that record their batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome, PullExporter, SignalExporter
from flext_observability.settings.config import FlextObservabilityConfig

REFUSED = ExportOutcome(retry=True, reached=False, reason="unreachable", message="connection refused", fix="start it")
BUSY = ExportOutcome(retry=True, reason="unavailable", message="busy", fix="wait")
REJECTED = ExportOutcome(reason="rejected", message="no", fix="send something else")


class ScriptedExporter:
    """Push exporter that returns the scripted outcomes in turn, and accepts every batch after the last one."""

    def __init__(self, *script: ExportOutcome | BaseException) -> None:
        self._script = list(script)
        self._changed = threading.Condition()
        self.hold = threading.Event()
        self.hold.set()
        self.batches: list[list[Any]] = []
        self.timeouts: list[float] = []
        self.closed = False

    def export(self, batch: Sequence[Any], timeout_seconds: float) -> ExportOutcome:
        with self._changed:
            self.batches.append(list(batch))
            self.timeouts.append(timeout_seconds)
            self._changed.notify_all()
        self.hold.wait(10)
        step = self._script.pop(0) if self._script else ExportOutcome(accepted=len(batch))
        if isinstance(step, BaseException):
            raise step
        return step

    def close(self) -> None:
        self.closed = True

    def wait_for_batches(self, count: int, seconds: float = 5) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.batches) >= count, seconds)


class OneExporterFactory:
    """Exporter factory that returns the exporter of the given function."""

    def __init__(
        self,
        make: Callable[[Signal], SignalExporter[Any] | PullExporter],
        signals: Collection[Signal] = SIGNALS,
    ) -> None:
        self._make = make
        self._signals = signals

    def signals(self) -> Collection[Signal]:
        return self._signals

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object] | PullExporter:
        return self._make(signal)


def unavailable(message: str, fix: str) -> Callable[[Signal], SignalExporter[Any]]:
    def make(signal: Signal) -> SignalExporter[Any]:
        raise ExporterUnavailable(message, fix)

    return make
