"""Exporter names → exporters of each signal. Exporters that cannot be created are notices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.exporters.factory import BuiltInFactory
from flext_observability.extensions.ports import (
    ExporterFactory,
    ExporterUnavailable,
    LoadingExporter,
    PullExporter,
    ReaderExporter,
    SignalExporter,
)
from flext_observability.extensions.registry import exporter_registry
from flext_observability.pipeline.shared_metric_reader import load_collection_modules
from flext_observability.providers.notices import Notices
from flext_observability.runtime.bounded_call import call_at_start
from flext_observability.settings.config import FlextObservabilityConfig, enabled
from flext_observability.settings.resolve import ResolvedSettings
from flext_observability.values.dataclass import dataclass
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.shortage import is_shortage, shortage_fix

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

_Made = tuple[Collection[Signal], SignalExporter[object] | PullExporter | None]
FACTORY_SECONDS = 5.0
"""Limit of one call of a factory of another package."""
_HUNG = "its factory does not return"


@dataclass(slots=True, repr=False, eq=False)
class Exporters:
    """Exporters of one configuration.

    Attributes:
        push: (name, exporter) by signal, in the order of the settings.
        pull: Pull exporters by name.
        hung: Signals by name of a factory that has not returned. It is not called again for the other signals.
    """

    push: dict[Signal, list[tuple[str, SignalExporter[object]]]] = field(
        default_factory=lambda: {signal: [] for signal in SIGNALS}
    )
    pull: dict[str, PullExporter] = field(default_factory=dict[str, PullExporter])
    hung: dict[str, Collection[Signal]] = field(default_factory=dict[str, Collection[Signal]])

    def numbered(self, signal: Signal) -> Iterator[tuple[str, int, SignalExporter[object]]]:
        """Yield name, position and object of each push exporter of a signal."""
        yield from ((name, number, exporter) for number, (name, exporter) in enumerate(self.push[signal]))

    def readers(self) -> list[ReaderExporter]:
        """Return the pull exporters with their own metric reader."""
        return [exporter for exporter in self.pull.values() if isinstance(exporter, ReaderExporter)]

    def metric_readers(self, notices: Notices) -> list[MetricReader]:
        """Return the readers of the exporters with their own. Those that raise are removed, with a notice."""
        readers: list[MetricReader] = []

        def add(exporter: PullExporter) -> None:
            if isinstance(exporter, ReaderExporter):
                from opentelemetry.sdk.metrics.export import MetricReader

                reader = exporter.metric_reader()
                if not isinstance(cast("object", reader), MetricReader):
                    raise TypeError(f"its reader is of type {type(reader).__name__} instead of MetricReader")
                readers.append(reader)

        self._for_each_pull(add, notices)
        return readers

    def load_points(self) -> None:
        """Import the modules of a collection, unless exporters load them later; those of the SDK for other packages."""
        push, pull = [exporter for _, exporter in self.push["metrics"]], self.pull.values()
        sdk = not all(getattr(type(each), "reads_plain_points", False) for each in (*push, *pull))
        if sdk or pull or not all(isinstance(each, LoadingExporter) for each in push):
            load_collection_modules(sdk=sdk)

    def attach(self, collect: Callable[[], MetricsData], notices: Notices) -> None:
        """Set the source of the pull exporters. Those that raise are removed, with a notice."""
        self._for_each_pull(lambda exporter: exporter.attach(collect), notices)

    def _for_each_pull(self, action: Callable[[PullExporter], object], notices: Notices) -> None:
        for name, exporter in list(self.pull.items()):
            try:
                action(exporter)
            except BaseException as error:  # noqa: BLE001 - code of another package
                reraise_interrupt(error)
                del self.pull[name]
                notices.degrade("metrics", *_unusable(name, describe_error(error)))

    def names(self, signal: Signal) -> tuple[str, ...]:
        """Return the names of the exporters of a signal."""
        pull = tuple(self.pull) if signal == "metrics" else ()
        return (*(name for name, _ in self.push[signal]), *pull)


def create_exporters(settings: ResolvedSettings, notices: Notices) -> Exporters:
    """Create the exporters of all enabled signals."""
    exporters = Exporters()
    is_enabled = enabled_signals(settings.config)
    for signal in SIGNALS:
        for name in settings.config.exporters.get(signal, ()) if is_enabled[signal] else ():
            _create(name, signal, settings, exporters, notices)
    return exporters


def enabled_signals(config: FlextObservabilityConfig) -> Mapping[Signal, bool]:
    """Return whether each signal is enabled."""
    return {signal: enabled(config, signal) and not config.disabled for signal in SIGNALS}


def _create(name: str, signal: Signal, settings: ResolvedSettings, exporters: Exporters, notices: Notices) -> None:
    found = exporter_registry().find(name)
    if not found.success:
        notices.degrade(signal, found.message or "", found.fix)
        return
    factory, known = found.unwrap(), list[Signal]()
    if signal in exporters.hung.get(name, ()):
        notices.degrade(signal, *_unusable(name, _HUNG))
    if name in exporters.hung:
        return
    call = call_at_start(
        f"the factory of the exporter {name}",
        lambda: _call_factory(factory, signal, settings.config, known),
        FACTORY_SECONDS,
        in_this_thread=isinstance(factory, BuiltInFactory),
    )
    if call.value is None:
        if call.error is None:
            exporters.hung[name] = known or SIGNALS
            call.abandon(lambda late: _close_late(late[1]))
        notices.degrade(signal, *_why_unusable(name, call.error))
        return
    supported, exporter = call.value
    if isinstance(exporter, PullExporter):
        exporters.pull[name] = exporter
    elif exporter is not None:
        exporters.push[signal].append((name, exporter))
    elif signal not in settings.named_for_all:
        fix = f"Name it for {', '.join(sorted(supported))}, and another one for {signal}"
        notices.degrade(signal, f"The exporter '{name}' does not support {signal}", fix)


def _call_factory(
    factory: ExporterFactory, signal: Signal, config: FlextObservabilityConfig, known: list[Signal]
) -> _Made:
    """Return the supported signals and the exporter; ``known`` has the signals before the factory creates it."""
    supported = factory.signals()
    known.extend(supported)
    exporter = factory.create(signal, config) if signal in supported else None
    if isinstance(cast("object", exporter), ReaderExporter):
        cast("ReaderExporter", exporter).metric_reader()  # creates it, which may raise or hang
    return supported, exporter


def _why_unusable(name: str, error: BaseException | None) -> tuple[str, str]:
    """Return message and fix; without an error the factory has not returned."""
    if isinstance(error, ExporterUnavailable):
        return f"{name}: {error.message}", error.fix
    message, fix = _unusable(name, _HUNG if error is None else describe_error(error))
    return message, shortage_fix(error) if error is not None and is_shortage(error) else fix


def _unusable(name: str, reason: str) -> tuple[str, str]:
    return f"{name} cannot be used: {reason}", "Report this to the author of the exporter"


def _close_late(exporter: SignalExporter[object] | PullExporter | None) -> None:
    if exporter is not None and not isinstance(exporter, PullExporter):
        exporter.close()
