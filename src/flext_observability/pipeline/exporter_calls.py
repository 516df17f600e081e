"""Calls of one exporter by its worker: load, export, close. An exception becomes an ``ExportOutcome``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final, Generic, TypeVar, cast, final

from flext_observability.extensions.ports import ExportOutcome, LoadingExporter, SignalExporter
from flext_observability.pipeline.shared_metric_reader import load_collection_modules
from flext_observability.runtime.fork_barrier import MAX_LOCAL_SECONDS, fork_barrier
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.shortage import is_shortage, shortage_fix

ItemT = TypeVar("ItemT")
_MAX_DEADLOCKS: Final = 10
"""Number of attempts of an import that meets imports of other threads."""


@final
class ExporterCalls(Generic[ItemT]):
    """One exporter, called by one thread at a time. No method raises.

    Args:
        exporter: The exporter.
        collects: Whether its items come from collections of metrics.

    Attributes:
        needs_load: Whether its modules are to be loaded before the first export.
    """

    def __init__(self, exporter: SignalExporter[ItemT], *, collects: bool = False) -> None:
        self.needs_load = isinstance(exporter, LoadingExporter)
        self._exporter = exporter
        self._collects = collects
        self._exported_once = False

    def load(self) -> ExportOutcome | None:
        """Load the modules of the exporter; return None, or the retryable reason why they cannot be loaded."""
        if not self.needs_load:
            return None
        try:
            with fork_barrier().section(MAX_LOCAL_SECONDS):
                self._load()
        except BaseException as error:  # noqa: BLE001 - code of other packages runs at their import
            reraise_interrupt(error)
            return not_tried(f"the modules of the exporter cannot be loaded: {describe_error(error)}", error)
        self.needs_load = False
        return None

    def _load(self) -> None:
        for _ in range(_MAX_DEADLOCKS):
            try:
                cast("LoadingExporter", self._exporter).load_modules()
                if self._collects:
                    load_collection_modules()
            except RuntimeError as error:
                # Python ends one of two imports of the same package that wait for each other.
                if type(error).__name__ != "_DeadlockError":
                    raise
            else:
                return
        raise RuntimeError("imports of other threads are in the way")

    def export(self, batch: list[ItemT], timeout_seconds: float) -> ExportOutcome:
        """Send a batch. Forks wait for the first call: it may import modules, and create what one process shares."""
        first, self._exported_once = (nullcontext() if self._exported_once else fork_barrier().section()), True
        try:
            with first:
                outcome = cast("object", self._exporter.export(cast("Sequence[ItemT]", batch), timeout_seconds))
        except BaseException as error:  # noqa: BLE001 - a third-party exporter must not end the worker
            reraise_interrupt(error)
            problem = f"raised {describe_error(error)}"
            if is_shortage(error):
                return not_tried(f"the exporter {problem}", error)
        else:
            if isinstance(outcome, ExportOutcome):
                return outcome
            problem = f"returned {type(outcome).__name__} instead of an ExportOutcome"
        fix = "Report this to the author of the exporter"
        return ExportOutcome(reason="error", message=f"the exporter {problem}", fix=fix)

    def close(self) -> None:
        """Close the exporter."""
        try:
            self._exporter.close()
        except BaseException as error:  # noqa: BLE001 - nothing depends on the exporter any more
            reraise_interrupt(error)


def not_tried(message: str, error: BaseException) -> ExportOutcome:
    """Return the retryable outcome of an export that could not be tried: nothing was sent.

    Args:
        message: What happened, without a full stop.
        error: The reason.
    """
    return ExportOutcome(retry=True, reached=False, reason="unavailable", message=message, fix=shortage_fix(error))
