"""Exporter names → exporters of each signal. Exporters that cannot be created are notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExporterUnavailable, PullExporter, ReaderExporter, SignalExporter
from flext_observability.extensions.registry import exporter_registry
from flext_observability.providers.notices import Notices
from flext_observability.settings.config import FlextObservabilityConfig, enabled
from flext_observability.settings.resolve import ResolvedSettings
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt


@dataclass(slots=True, repr=False, eq=False)
class Exporters:
    """Exporters of one configuration.

    Attributes:
        push: (name, exporter) by signal, in the order of the settings.
        pull: Pull exporters by name.
    """

    push: dict[Signal, list[tuple[str, SignalExporter[object]]]] = field(
        default_factory=lambda: {signal: [] for signal in SIGNALS}
    )
    pull: dict[str, PullExporter] = field(default_factory=dict[str, PullExporter])

    def readers(self) -> list[ReaderExporter]:
        """Return the pull exporters with their own metric reader."""
        return [exporter for exporter in self.pull.values() if isinstance(exporter, ReaderExporter)]

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
    factory = found.unwrap()
    try:
        supported = factory.signals()
        exporter = factory.create(signal, settings.config) if signal in supported else None
    except ExporterUnavailable as unavailable:
        notices.degrade(signal, f"{name}: {unavailable.message}", unavailable.fix)
    except BaseException as error:  # noqa: BLE001 - code of another package
        reraise_interrupt(error)
        message = f"{name} cannot be used: {describe_error(error)}"
        notices.degrade(signal, message, "Report this to the author of the exporter")
    else:
        if isinstance(exporter, PullExporter):
            exporters.pull[name] = exporter
        elif exporter is not None:
            exporters.push[signal].append((name, exporter))
        elif signal not in settings.named_for_all:
            fix = f"Name it for {', '.join(sorted(supported))}, and another one for {signal}"
            notices.degrade(signal, f"The exporter '{name}' does not support {signal}", fix)
