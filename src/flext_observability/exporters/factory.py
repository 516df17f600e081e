"""Function that creates an exporter, and its supported signals → ``ExporterFactory``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

from flext_observability.domain.report import SIGNALS, Signal

if TYPE_CHECKING:
    from flext_observability.settings.config import FlextObservabilityConfig

ExporterT = TypeVar("ExporterT")
METRICS_ONLY: Final[tuple[Signal, ...]] = ("metrics",)


@final
class BuiltInFactory(Generic[ExporterT]):
    """Factory of an exporter of this package.

    Args:
        create: Returns the exporter of a signal, or raises ``ExporterUnavailable``.
        signals: Supported signals.
    """

    __slots__ = ("_create", "_signals")

    def __init__(
        self, create: Callable[[Signal, FlextObservabilityConfig], ExporterT], signals: Collection[Signal] = SIGNALS
    ) -> None:
        self._create = create
        self._signals = signals

    def signals(self) -> Collection[Signal]:
        """Return the supported signals."""
        return self._signals

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> ExporterT:
        """Return an exporter for the signal."""
        return self._create(signal, config)
