"""Instruments and settings of this process → its declarations, for rule files and dashboards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.api.library_instruments import library_instruments
from flext_observability.api.process import active_process
from flext_observability.domain.declaration import Declarations, DeclaredInstrument, InstrumentKind
from flext_observability.values import names

if TYPE_CHECKING:
    from flext_observability.api.session import Session
    from flext_observability.settings.config import FlextObservabilityConfig

_LIBRARY_SCOPES: Final = ("opentelemetry.instrumentation", "opentelemetry.sdk")
_OWN_NAMES: Final = ("otel.", "flext.", "process.", "system.", "cpython.")


def declarations(attributes: Mapping[str, tuple[str, ...]] | None = None) -> Declarations:
    """Return what the program has declared so far.

    Args:
        attributes: All names of attributes of a metric, by name of the metric. Of the others, the names are known
            that were recorded.
    """
    session = active_process().session
    own: dict[str, DeclaredInstrument] = {}
    library = {each.name: each for each in library_instruments()}
    for scope, kind, name, unit, description in _created():
        target = library if _is_library(scope, name) else own
        known = target.get(name)
        seen = known.attributes if known is not None else ()
        if name not in own:
            found = DeclaredInstrument(name, cast("InstrumentKind", kind), unit, description, seen)
            target[name] = replace(found, mode=instrument_table().gauge_mode(name))
    for table in (own, library):
        _add_recorded(table, session)
        for name in table.keys() & (attributes or {}).keys():
            table[name] = replace(table[name], attributes=(attributes or {})[name], complete=True)
    return _declarations(None if session is None else session.pipeline.config, own, library)


def _declarations(
    config: FlextObservabilityConfig | None, own: dict[str, DeclaredInstrument], library: dict[str, DeclaredInstrument]
) -> Declarations:
    if config is None:
        return Declarations("", own, library)
    service = "" if config.service_name.startswith("unknown_service:") else config.service_name
    return Declarations(
        service,
        own,
        library,
        evaluation_seconds=config.alert_rules_interval_seconds,
        export_seconds=config.metric_export_interval_seconds,
        native_histograms=config.metrics_default_histogram_aggregation.startswith("base2"),
    )


def _created() -> Iterable[tuple[str, str, str, str, str]]:
    """Return scope, kind, name, unit and description of the created instruments."""
    from flext_observability.providers.global_providers import global_providers

    meters = global_providers().meters
    return () if meters is None else meters.declared()


def _is_library(scope: str, name: str) -> bool:
    if scope == names.SCOPE_NAME:
        return name.startswith(_OWN_NAMES)
    return scope.startswith(_LIBRARY_SCOPES)


def _add_recorded(table: dict[str, DeclaredInstrument], session: Session | None) -> None:
    """Add the attributes that were recorded."""
    for point in () if session is None else session.metric_points():
        known = table.get(point.name)
        if known is not None and point.attributes:
            merged = tuple(dict.fromkeys((*known.attributes, *point.attributes)))
            table[point.name] = replace(known, attributes=merged)
