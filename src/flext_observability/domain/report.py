"""Reports on telemetry: status, counts and notices (standard library only)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal, final

from flext_observability.domain.result import compose_message
from flext_observability.values.dataclass import dataclass

if TYPE_CHECKING:
    from flext_observability.domain.overhead import Overhead

Signal = Literal["traces", "metrics", "logs"]
SignalOrAll = Signal | Literal["all"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
SignalState = Literal["active", "degraded", "off"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A finding of start-up or run time, for people.

    Attributes:
        signal: The affected signal, or ``"all"``.
        message: What is wrong and why, without a full stop.
        fix: The next action, without a full stop; empty for none.
        degrades: Whether the signal differs from its settings.
    """

    signal: SignalOrAll
    message: str
    fix: str = ""
    degrades: bool = False

    def __str__(self) -> str:
        """Return message and fix in one line."""
        return compose_message(self.message, self.fix)


@dataclass(frozen=True, slots=True)
class SignalCounts:
    """Items of one signal since the start: ``started = open + sampled_out + finished``.

    Log records are never open. For metrics, ``finished`` counts the data points of the push exporter with the most.
    ``dropped`` counts items that no exporter received, by reason, such as ``instrument_conflict`` (one name for two
    kinds or units) and ``instrument_limit`` (too many names). ``shed`` counts what the setting
    ``overhead_budget_percent`` left out: ``events`` and ``attributes`` of spans, and ``spans`` (sampled out, too).
    ``cut_short`` counts ended spans that this library ended: ``aborted`` by a signal, or ``abandoned`` by the program.
    """

    signal: Signal
    started: int = 0
    open: int = 0
    sampled_out: int = 0
    finished: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    shed: Mapping[str, int] = field(default_factory=dict[str, int])
    cut_short: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class InheritedCounts:
    """Items that earlier processes of the service left on disk: ``found = spooled + exported + sum(dropped)``.

    They finished in those processes, whose last reports count them as ``spooled``.

    Attributes:
        found: Items that this process has taken over.
        spooled: Those that are still on disk.
        exported: Those that the back end accepted.
        dropped: Those that were dropped, by reason.
    """

    found: int = 0
    spooled: int = 0
    exported: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class ExporterCounts:
    """Items of one signal and exporter: ``finished = queued + in_flight + exported + spooled + sum(dropped)``.

    Attributes:
        signal: ``traces``, ``metrics`` (data points) or ``logs``.
        exporter: Name of the exporter.
        finished: Items that ended and were handed to the exporter.
        queued: Items in memory.
        in_flight: Items of the running attempt.
        exported: Items that the back end accepted, also from disk.
        spooled: Items of this process that are on disk, to be sent later, by this process or the next one.
        dropped: Items that were dropped, by reason.
        inherited: Items that earlier processes left on disk.
    """

    signal: Signal
    exporter: str
    finished: int = 0
    queued: int = 0
    in_flight: int = 0
    exported: int = 0
    spooled: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    inherited: InheritedCounts = field(default_factory=InheritedCounts)


@dataclass(frozen=True, slots=True)
class SignalStatus:
    """State of one signal.

    Attributes:
        signal: ``traces``, ``metrics`` or ``logs``.
        state: ``active``, ``degraded`` (running, but not as configured) or ``off``.
        exporters: Names of the active exporters, in order.
        reason: Why the state is not ``active``; empty for ``active``.
        fix: The next action; empty for none.
        notices: Findings about this signal and about all signals, in order.
        counts: Items of this signal since the start.
        deliveries: Items by exporter.
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
class RedactionReport:
    """Redaction of secrets.

    Attributes:
        rules: Names of the rules of each signal. A signal without redaction is left out.
        masked: Number of values that each rule has masked since the start of the configuration.
    """

    rules: Mapping[Signal, tuple[str, ...]] = field(default_factory=dict[Signal, tuple[str, ...]])
    masked: Mapping[str, int] = field(default_factory=dict[str, int])


@final
class TelemetryStatus(dict[Signal, SignalStatus]):
    """State of each signal, and the cost of the telemetry. Equal to the plain mapping of signals.

    Attributes:
        redaction: Rules of the redaction, and the number of values that each has masked.
    """

    def __init__(
        self,
        signals: Mapping[Signal, SignalStatus],
        measure: Callable[[], Overhead],
        redaction: RedactionReport | None = None,
    ) -> None:
        super().__init__(signals)
        self._measure = measure
        self.redaction = redaction or RedactionReport()

    @property
    def overhead(self) -> Overhead:
        """Cost of the telemetry at this moment. It is measured here, in up to a few milliseconds."""
        return self._measure()

    def __reduce__(self) -> tuple[type, tuple[dict[Signal, SignalStatus]]]:
        """Copy and pickle the state of the signals, as a plain mapping."""
        return dict, (dict(self),)


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """All counts at one time. In sums over exporters, an item counts once for each exporter that receives it."""

    signals: tuple[SignalCounts, ...] = ()
    exporters: tuple[ExporterCounts, ...] = ()

    @property
    def exported(self) -> int:
        """Number of items accepted by back ends, over all signals and exporters."""
        return sum(row.exported for row in self.exporters)

    @property
    def queued(self) -> int:
        """Number of items queued or in flight, over all signals and exporters."""
        return sum(row.queued + row.in_flight for row in self.exporters)

    @property
    def total(self) -> int:
        """Number of items that exporters received, plus items dropped before."""
        return sum(row.finished for row in self.exporters) + sum(sum(row.dropped.values()) for row in self.signals)

    @property
    def dropped(self) -> dict[str, int]:
        """Number of dropped items by reason, over all signals and exporters."""
        total: dict[str, int] = {}
        rows: tuple[SignalCounts | ExporterCounts, ...] = (*self.signals, *self.exporters)
        for row in rows:
            for reason, count in row.dropped.items():
                total[reason] = total.get(reason, 0) + count
        return total

    @property
    def losses(self) -> tuple[str, ...]:
        """Dropped items of each exporter: ``otlp_http 4 of 5 traces (unreachable)``, and those before all exporters."""
        before = (f"all exporters {_loss(row.dropped, '', row.signal)}" for row in self.signals if row.dropped)
        rows = (row for row in self._rows() if row.dropped)
        own = (f"{row.exporter} {_loss(row.dropped, f' of {row.finished}', row.signal)}" for row in rows)
        return (*before, *own)

    def __str__(self) -> str:
        """Return the counts of each exporter in one line."""
        delivered = (
            f"{row.exporter} {row.exported} of {row.finished} {row.signal} exported, "
            f"{row.queued + row.in_flight} queued"
            for row in self._rows()
            if row.finished
        )
        lost = f"lost: {', '.join(self.losses)}" if self.losses else "nothing lost"
        return "; ".join((*delivered, lost))

    def _rows(self) -> list[ExporterCounts]:
        return sorted(self.exporters, key=lambda row: SIGNALS.index(row.signal))


@dataclass(frozen=True, slots=True)
class FlushReport:
    """Result of a flush.

    Attributes:
        complete: Whether every queue was empty before the deadline. After a shutdown: whether nothing was lost, and
            everything has ended.
        duration_seconds: Duration, in seconds.
        ledger: All counts after the flush.
    """

    complete: bool
    duration_seconds: float
    ledger: LedgerSnapshot

    @property
    def exported(self) -> int:
        """Number of items accepted by back ends since the start, over all exporters."""
        return self.ledger.exported

    @property
    def queued(self) -> int:
        """Number of items queued or in flight, over all exporters."""
        return self.ledger.queued

    @property
    def dropped(self) -> dict[str, int]:
        """Number of dropped items since the start, by reason, over all exporters."""
        return self.ledger.dropped

    def __str__(self) -> str:
        """Return the counts of each exporter in one line."""
        return f"{self.ledger}; {self.duration_seconds:.2f} s"


@dataclass(frozen=True, slots=True)
class ShutdownReport(FlushReport):
    """Result of a shutdown, with the final counts.

    Nothing is queued, unless the deadline of this call came before the end of a shutdown that another thread began.

    Attributes:
        unfinished: What had not ended at the deadline, such as "closing the exporter x of traces".
    """

    unfinished: tuple[str, ...] = ()


def _loss(dropped: Mapping[str, int], of: str, signal: Signal) -> str:
    reasons = sorted(dropped.items())
    shown = reasons[0][0] if len(reasons) == 1 else ", ".join(f"{count} {reason}" for reason, count in reasons)
    return f"{sum(dropped.values())}{of} {signal} ({shown})"
