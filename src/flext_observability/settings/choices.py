"""Exporter, sampler and propagator names as given → the names in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.settings.types import FieldType, split_names, text_type

RATIO_SAMPLERS = ("traceidratio", "parentbased_traceidratio")
DEFAULT_SAMPLER = "parentbased_always_on"
_SAMPLERS = ("always_on", "always_off", "parentbased_always_off", DEFAULT_SAMPLER, *RATIO_SAMPLERS)
_PROPAGATORS = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")
_EXPORTERS = ("otlp", "otlp_http", "otlp_grpc", "prometheus", "console", "otlp_file", "memory", "pushgateway", "none")

ALIASES: Mapping[str, str] = {"otlp_proto_http": "otlp_http", "otlp_proto_grpc": "otlp_grpc"}
"""Exporter name in OpenTelemetry → name in this library."""

ExporterNames = Mapping[Signal, Sequence[str]]
NO_EXPORTERS: ExporterNames = {}


def _normalize(name: str, built_in: Sequence[str]) -> str:
    """Return a built-in name in lower case, any other name unchanged: entry points are case-sensitive."""
    return name.lower() if name.lower() in built_in else name


def _sampler(value: object) -> str:
    names = split_names(value) if isinstance(value, str) else ()
    if len(names) != 1:
        raise ValueError
    return _normalize(names[0], _SAMPLERS)


def _propagators(value: object) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_normalize(name, _PROPAGATORS) for name in split_names(value)))
    return () if "none" in names else names


def _exporter_names(value: object) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_normalize(name, _EXPORTERS) for name in split_names(value)))
    if "none" in names and len(names) > 1:
        raise ValueError("'none' excludes other names")
    return () if names == ("none",) else names


def _exporters(value: object) -> ExporterNames:
    if not isinstance(value, Mapping):
        return dict.fromkeys(SIGNALS, _exporter_names(value))
    given = cast("Mapping[object, object]", value)
    if not given.keys() <= set(SIGNALS):
        raise ValueError("its keys must be traces, metrics or logs")
    return {signal: _exporter_names(given[signal]) for signal in SIGNALS if given.get(signal) is not None}


def signal_exporters_type(signal: Signal) -> FieldType[ExporterNames]:
    """Return the type of a variable with the exporters of one signal."""
    return FieldType("names", "names separated by commas, or none", lambda value: {signal: _exporter_names(value)})


EXPORTERS: FieldType[ExporterNames] = FieldType(
    "names", "a name, a sequence of names, or a mapping of traces, metrics and logs to names", _exporters
)
SAMPLER = FieldType("name", f"one of {', '.join(_SAMPLERS)}, or the name of an installed one", _sampler)
PROPAGATORS = FieldType("names", "a name, a comma-separated list or a sequence of names", _propagators)
ID_GENERATOR = text_type("name", "random, or the name of an installed one", r"[\w.-]+")
