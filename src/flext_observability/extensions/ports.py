"""Protocols for other packages (exporter, notifier, storage, clock), and the values that layers exchange."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from flext_observability.domain.report import Signal, SignalStatus
from flext_observability.values.dataclass import dataclass
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.domain.criteria import MetricsCriteria
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.result import FlextResult
    from flext_observability.settings.config import FlextObservabilityConfig
    from flext_observability.views.model import MetricView

ItemT_contra = TypeVar("ItemT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """Result of one export call.

    Items that are neither accepted nor rejected stay at the head of the queue if ``retry`` is true. Otherwise they are
    dropped under ``reason``.

    Attributes:
        accepted: Items (metrics: data points) that the back end accepted.
        rejected: Items that the back end rejected permanently (OTLP partial success); dropped under ``reason``.
        retry: Whether the remaining items may be sent again.
        retry_after_seconds: Delay that the back end asked for, in seconds. None: the retry policy decides.
        reached: Whether the back end responded; false for unreachable and silent addresses.
        reason: Stable ledger word: ``rejected``, ``unauthorized``, ``not_found``, ``too_large``, ``unreachable``,
            ``timeout``, ``unavailable``, ``invalid_response`` (another protocol, or no whole reply), ``tls`` (no TLS
            connection), ``encoding``, ``error``.
        message: What happened, one sentence with the address and without a full stop; empty on success.
        fix: The next action, without a full stop; empty on success.
        status: Status of the last response: number of HTTP, or name of gRPC; empty without a response.
        rejected_requests: Rejected items as requests of their own, where they are known: the single items that are too
            large. Those of a partial success are not.
    """

    accepted: int = 0
    rejected: int = 0
    retry: bool = False
    retry_after_seconds: float | None = None
    reached: bool = True
    reason: str = ""
    message: str = ""
    fix: str = ""
    status: str = field(default="", compare=False)
    rejected_requests: tuple[EncodedRequest, ...] = field(default=(), compare=False)


class SignalExporter(Protocol[ItemT_contra]):
    """Push exporter of one signal. Called from one thread at a time.

    Items are ``ReadableSpan`` (traces), ``ReadableLogRecord`` (logs) or ``MetricsData`` (metrics).
    """

    def export(self, batch: Sequence[ItemT_contra], timeout_seconds: float) -> ExportOutcome:
        """Send the batch and return within ``timeout_seconds``. Never raise."""
        ...

    def close(self) -> None:
        """Release sockets and files without waiting. The last call."""
        ...


class EncodedRequest(NamedTuple):
    """Items as a request, to be sent later.

    Attributes:
        body: OTLP request, protobuf, not compressed; empty if the items cannot be encoded.
        items: Number of items (metrics: data points).
        reason: Ledger word for why they cannot be encoded, or were rejected; empty otherwise.
    """

    body: bytes
    items: int
    reason: str = ""


@runtime_checkable
class RequestExporter(Protocol):
    """Push exporter whose items can be kept as OTLP requests, and sent later. The spool needs it."""

    def encode_request(self, batch: Sequence[object]) -> Sequence[EncodedRequest]:
        """Return the batch as requests, in order. Called by one thread at a time, also during ``export``. May raise."""
        ...

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        """Send an encoded request with this number of items, and return within ``timeout_seconds``. Never raise.

        The items that the outcome counts are the first ones of the request.
        """
        ...


@runtime_checkable
class LoadingExporter(Protocol):
    """Push exporter that loads its modules before the first export, so that forks and failures find them complete."""

    def load_modules(self) -> None:
        """Import all modules that exports, their failures and ``close`` need. Repeated later if it raises."""
        ...


class ExporterIdentity(NamedTuple):
    """What metrics about an exporter name.

    Attributes:
        kind: Protocol and encoding, such as ``otlp_http_json``.
        host: Host of the back end.
        port: Port of the back end.
    """

    kind: str
    host: str
    port: int


@runtime_checkable
class IdentifiedExporter(Protocol):
    """Push exporter to one address, which is an attribute of the metrics about it."""

    @property
    def identity(self) -> ExporterIdentity:
        """Kind and address of the exporter."""
        ...


@runtime_checkable
class PullExporter(Protocol):
    """Pull exporter of metrics: renders a page on request."""

    def attach(self, collect: Callable[[], MetricsData]) -> None:
        """Set the callable that returns all current metric points (cumulative)."""
        ...

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return (body, content type) for a request with this ``Accept`` header."""
        ...


@runtime_checkable
class ReaderExporter(Protocol):
    """``PullExporter`` with its own metric reader of the OpenTelemetry SDK."""

    def metric_reader(self) -> MetricReader:
        """Return the reader, which is added to the meter provider."""
        ...

    def close(self) -> None:
        """Release the reader. Idempotent."""
        ...


@runtime_checkable
class FlushOnlyExporter(Protocol):
    """Push exporter of metrics that keeps the latest totals of this process at its back end.

    Any push exporter with this method gets cumulative totals at each flush and at shutdown only.
    """

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        """Delete the pushed metrics from the back end, within ``timeout_seconds``."""
        ...


class ExporterFactory(Protocol):
    """Creates exporters. Found by name through the registry."""

    def signals(self) -> Collection[Signal]:
        """Return the supported signals."""
        ...

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object] | PullExporter:
        """Return an exporter for the signal.

        Raises:
            ExporterUnavailable: The exporter cannot be created; carries reason and fix.
        """
        ...


class ExporterUnavailable(Exception):
    """Raised by a factory that cannot create its exporter. The signal degrades, and the program continues.

    Attributes:
        message: What is wrong, one sentence without the exporter's name and without a full stop.
        fix: The next action, without a full stop.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


MetricSource = Callable[[], Sequence["MetricView"]]
"""Returns all current metric points of this process, cumulative."""
StatusSource = Callable[[], Mapping[Signal, SignalStatus]]
"""Returns the same as ``Observability.status()``."""


class Clock(Protocol):
    """Source of time."""

    def time_ns(self) -> int:
        """Return wall time in nanoseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return monotonic time in seconds."""
        ...


class FlextNotifier(Protocol):
    """Sends alerts to people or to another system. Called from one thread at a time."""

    def notify(self, alert: FlextAlert, timeout_seconds: float) -> FlextResult[None]:
        """Send a new, changed, repeated or resolved alert (``alert.status``), and return within ``timeout_seconds``.

        Returns:
            None on success. A failure with the code ``unreachable``, ``timeout``, ``unavailable``,
            ``invalid_response`` or ``tls`` is retried.
        """
        ...


class FlextStorageAdapter(Protocol):
    """Stores the entities of a repository. Called from any thread.

    The repository uses these methods, too, if the adapter has them: ``count(kind)`` and ``clear()``, which return
    results, and ``close()``.
    """

    def store(self, entity: Entity) -> FlextResult[None]:
        """Store the present state of the entity. It replaces one of the same kind and id."""
        ...

    def query(self, kind: str, criteria: MetricsCriteria) -> FlextResult[list[Entity]]:
        """Return the newest ``criteria.limit`` matching entities of a kind, oldest first.

        Args:
            kind: ``metric``, ``trace``, ``alert``, ``health_check`` or ``log``.
            criteria: Validated criteria. ``criteria.matches(entity)`` tests one entity, ``criteria.select(entities)``
                filters and limits many.
        """
        ...
