"""What happened to telemetry → frozen reports: status, counts, notices (standard library only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from flext_observability.values.messages import compose_message

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
SignalState = Literal["active", "degraded", "off"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One finding of start-up or run time that a person should read.

    Attributes:
        signal: The signal concerned, or ``"all"``.
        message: What is wrong or noteworthy, one sentence without its full stop.
        fix: The next action, likewise; empty when nothing has to be done.
        degrades: Whether the signal cannot do what the settings ask for.
    """

    signal: Signal | Literal["all"]
    message: str
    fix: str = ""
    degrades: bool = False

    def __str__(self) -> str:
        """Return message and fix in one line."""
        return compose_message(self.message, self.fix)


@dataclass(frozen=True, slots=True)
class SignalCounts:
    """Items of one signal since start; ``started = open + sampled_out + finished``.

    Log records are never open; metrics count data points handed to push exporters as ``finished``. What is given up before any
    exporter sees it is in ``dropped``, by reason: measurements under ``instrument_conflict`` (one name for two kinds or units).
    """

    signal: Signal
    started: int = 0
    open: int = 0
    sampled_out: int = 0
    finished: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class ExporterCounts:
    """Items of one (signal, exporter); ``finished = queued + in_flight + exported + spooled + sum(dropped)``."""

    signal: Signal
    exporter: str
    finished: int = 0
    queued: int = 0
    in_flight: int = 0
    exported: int = 0
    spooled: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class SignalStatus:
    """State of one signal.

    Attributes:
        signal: ``traces``, ``metrics`` or ``logs``.
        state: ``active``, ``degraded`` (running, but not as asked) or ``off``.
        exporters: Names of the exporters that are wired, in order.
        reason: Why the state is not ``active``; empty otherwise.
        fix: The next action; empty when nothing has to be done.
        notices: Everything found about this signal, and about all signals, in order.
        counts: Items of this signal since start.
        deliveries: The same by exporter.
    """

    signal: Signal
    state: SignalState
    exporters: tuple[str, ...] = ()
    reason: str = ""
    fix: str = ""
    notices: tuple[Notice, ...] = ()
    counts: SignalCounts | None = None
    deliveries: tuple[ExporterCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """Every count at one moment."""

    signals: tuple[SignalCounts, ...] = ()
    exporters: tuple[ExporterCounts, ...] = ()

    @property
    def exported(self) -> int:
        """Items accepted by back ends, over all signals and exporters."""
        return sum(row.exported for row in self.exporters)

    @property
    def queued(self) -> int:
        """Items that still wait or are being sent, over all signals and exporters."""
        return sum(row.queued + row.in_flight for row in self.exporters)

    @property
    def total(self) -> int:
        """Items that were handed to the exporters, over all of them, and those given up before."""
        return sum(row.finished for row in self.exporters) + sum(sum(row.dropped.values()) for row in self.signals)

    @property
    def dropped(self) -> dict[str, int]:
        """Items given up, by reason, over all signals and exporters."""
        total: dict[str, int] = {}
        rows: tuple[SignalCounts | ExporterCounts, ...] = (*self.signals, *self.exporters)
        for row in rows:
            for reason, count in row.dropped.items():
                total[reason] = total.get(reason, 0) + count
        return total


@dataclass(frozen=True, slots=True)
class FlushReport:
    """Result of a flush.

    Attributes:
        complete: Whether every queue was empty within the time allowed.
        duration_seconds: Time taken, in seconds.
        ledger: All counts when the flush returned.
    """

    complete: bool
    duration_seconds: float
    ledger: LedgerSnapshot

    @property
    def exported(self) -> int:
        """Items accepted by back ends since start."""
        return self.ledger.exported

    @property
    def queued(self) -> int:
        """Items that still wait or are being sent."""
        return self.ledger.queued

    @property
    def dropped(self) -> dict[str, int]:
        """Items given up since start, by reason."""
        return self.ledger.dropped

    def __str__(self) -> str:
        """Say it in one line."""
        lost = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items())) or "nothing"
        return f"{self.exported} exported, {self.queued} queued, lost: {lost}; {self.duration_seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class ShutdownReport(FlushReport):
    """Result of a shutdown: the last counts; nothing is queued any more."""
