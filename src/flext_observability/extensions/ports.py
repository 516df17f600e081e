"""What others implement: exporters, notifiers, storage, clocks; and what the paths see of each other (protocols and values)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from flext_observability.domain.report import Signal, SignalStatus

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.result import FlextResult
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.views.model import MetricView

ItemT_contra = TypeVar("ItemT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """What one export call did with a batch.

    Items that are neither accepted nor refused stay at the queue's head when ``retry`` is true, and are dropped under ``reason`` otherwise.

    Attributes:
        accepted: Items (metrics: data points) that the back end took.
        refused: Items that the back end refused for good (OTLP partial success); dropped under ``reason``.
        retry: Whether the rest may be sent again.
        retry_after_seconds: What the back end asked to wait, in seconds; None leaves the pace to the retry policy.
        answered: Whether anybody answered; false for refused, unknown or silent addresses.
        reason: Stable ledger word:
            ``rejected``, ``unauthorized``, ``not_found``, ``too_large``, ``unreachable``, ``timeout``, ``unavailable``, ``encoding``, ``error``.
        message: What happened, one sentence with the address concerned, without its full stop; empty on success.
        fix: The next action, likewise; empty on success.
    """

    accepted: int = 0
    refused: int = 0
    retry: bool = False
    retry_after_seconds: float | None = None
    answered: bool = True
    reason: str = ""
    message: str = ""
    fix: str = ""


class SignalExporter(Protocol[ItemT_contra]):
    """Push exporter of one signal; called from one thread at a time.

    Items are ``ReadableSpan`` (traces), ``ReadableLogRecord`` (logs) or ``MetricsData`` (metrics).
    """

    def export(self, batch: Sequence[ItemT_contra], timeout_seconds: float) -> ExportOutcome:
        """Send the batch and return within ``timeout_seconds``; never raise."""
        ...

    def close(self) -> None:
        """Release sockets and files without waiting; no call follows."""
        ...


@runtime_checkable
class PullExporter(Protocol):
    """Metrics exporter that renders a page when somebody asks for it."""

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Take the callable that returns all current metric points (cumulative)."""
        ...

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return (body, content type) for a request with this ``Accept`` header."""
        ...


@runtime_checkable
class FlushOnlyExporter(Protocol):
    """Push exporter of metrics that keeps this process's newest totals at its back end.

    It is given cumulative totals at each flush and at the end, never in between. Whatever has this method is one.
    """

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        """Take away from the back end what this exporter has put there, within ``timeout_seconds``."""
        ...


class ExporterFactory(Protocol):
    """Maker of exporters, found by name through the registry."""

    def signals(self) -> Collection[Signal]:
        """Return the signals that this exporter can carry."""
        ...

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object] | PullExporter:
        """Return an exporter for the signal.

        Raises:
            ExporterUnavailable: The exporter cannot work here; carries reason and fix.
        """
        ...


class ExporterUnavailable(Exception):
    """An exporter cannot be made here: the signal degrades, the program goes on.

    Attributes:
        message: What is wrong, one sentence without the exporter's name and the full stop.
        fix: The next action, likewise.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


MetricSource = Callable[[], Sequence["MetricView"]]
"""Returns every point of this process at this moment, cumulative."""
StatusSource = Callable[[], Mapping[Signal, SignalStatus]]
"""Returns what ``Observability.status()`` gives."""


class Clock(Protocol):
    """Source of time."""

    def time_ns(self) -> int:
        """Return wall time in nanoseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


class FlextNotifier(Protocol):
    """Whoever tells people, or another system, of alerts; called from one thread at a time."""

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Tell of a new, changed, repeated or resolved alert (``alert.status``), and return within ``timeout_seconds``.

        Returns:
            Success, or a failure; one with the code ``unreachable``, ``timeout`` or ``unavailable`` is tried again.
        """
        ...


class FlextStorageAdapter(Protocol):
    """Where a repository keeps entities; called from any thread.

    An adapter may have more, and the repository uses it when it is there: ``count(kind)`` and ``clear()``, which return results too, and
    ``close()``.
    """

    def store(self, entity: Entity) -> FlextResult[None]:
        """Keep the entity as it is now; one of the same kind and id takes the place of the former."""
        ...

    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest ``criteria.limit`` entities of a kind that match, oldest first.

        Args:
            kind: ``metric``, ``trace``, ``alert``, ``health_check`` or ``log``.
            criteria: Checked criteria; ``criteria.matches(entity)`` and ``criteria.select(entities)`` do the work in memory.
        """
        ...
