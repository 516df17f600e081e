"""OpenTelemetry exporter of another package, found by entry point → ``SignalExporter``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, final

from flext_observability.domain.report import Signal
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.wire.otlp.batch import count_items

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.settings.config import FlextObservabilityConfig


@final
class WrappedFactory:
    """Factory of the exporters of a package in OpenTelemetry's entry-point groups; they read their own settings."""

    __slots__ = ("_entry_points", "_name")

    def __init__(self, name: str, entry_points: Mapping[Signal, EntryPoint]) -> None:
        """Store the name and its entry points, which are loaded when an exporter is created."""
        self._name = name
        self._entry_points = entry_points

    def signals(self) -> Collection[Signal]:
        """Return the signals for which the package has an exporter."""
        return tuple(self._entry_points)

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> WrappedExporter:
        """Return the exporter of the package for the signal.

        Raises:
            ExporterUnavailable: It cannot be loaded or created, or it is a metric reader and not a push exporter.
        """
        entry_point = self._entry_points[signal]
        try:
            made = entry_point.load()()
        except BaseException as error:
            reraise_interrupt(error)
            message = f"{entry_point.value} cannot be created: {describe_error(error)}"
            raise ExporterUnavailable(message, "See the documentation of the package that provides it") from error
        if not callable(getattr(made, "export", None)):
            message = f"{entry_point.value} is a metric reader, not a push exporter"
            fix = "For a Prometheus page use the exporter prometheus, otherwise a push exporter"
            raise ExporterUnavailable(message, fix)
        return WrappedExporter(signal, self._name, made)


@final
class WrappedExporter:
    """Passes batches to the exporter of another package, which has its own retries and time limits."""

    __slots__ = ("_exporter", "_name", "_signal")

    def __init__(self, signal: Signal, name: str, exporter: Any) -> None:  # noqa: ANN401 - of any class
        self._signal: Signal = signal
        self._name = name
        self._exporter = exporter

    def export(self, batch: Sequence[object], timeout_seconds: float) -> ExportOutcome:
        """Pass the batch on. Items that the exporter does not accept are dropped, as it has its own retries."""
        accepted = 0
        try:
            for items, call in self._calls(batch, timeout_seconds):
                # The three result enums have the same names. None counts as success.
                if getattr(call(), "name", "") == "FAILURE":
                    return self._failed("reported a failure", accepted)
                accepted += items
        except BaseException as error:  # noqa: BLE001 - foreign code
            reraise_interrupt(error)
            return self._failed(f"raised {describe_error(error)}", accepted)
        return ExportOutcome(accepted=accepted)

    def close(self) -> None:
        """Shut the exporter down. The caller limits the time."""
        self._exporter.shutdown()

    def _calls(self, batch: Sequence[object], timeout_seconds: float) -> list[tuple[int, Callable[[], object]]]:
        """Return (number of items, call) for each call of the exporter; metric collections are passed one by one."""
        if self._signal != "metrics":
            return [(len(batch), partial(self._exporter.export, batch))]
        send = partial(self._exporter.export, timeout_millis=timeout_seconds * 1000)
        return [(count_items("metrics", [data]), partial(send, data)) for data in batch]

    def _failed(self, what: str, accepted: int) -> ExportOutcome:
        return ExportOutcome(
            accepted=accepted,
            reason="error",
            message=f"the exporter {self._name} {what}"[:300],
            fix="See the log and the documentation of the package that provides it",
        )
