"""Names of exporters as given → names for each signal; words that samplers and propagators go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.settings.types import Kind, split_names

RATIO_SAMPLERS = ("traceidratio", "parentbased_traceidratio")
DEFAULT_SAMPLER = "parentbased_always_on"
_SAMPLERS = ("always_on", "always_off", "parentbased_always_off", DEFAULT_SAMPLER, *RATIO_SAMPLERS)
_PROPAGATORS = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")
_EXPORTERS = ("otlp", "otlp_http", "otlp_grpc", "prometheus", "console", "otlp_file", "memory", "pushgateway", "none")

ALIASES: Mapping[str, str] = {"otlp_proto_http": "otlp_http", "otlp_proto_grpc": "otlp_grpc"}
"""Exporter's name as OpenTelemetry spells it → its name here."""

ExporterNames = Mapping[Signal, Sequence[str]]
NO_EXPORTERS: ExporterNames = {}


def _known(name: str, known: Sequence[str]) -> str:
    """Return a known name in lower case; others are left as they are, as entry points tell cases apart."""
    return name.lower() if name.lower() in known else name


def _sampler(value: object) -> str:
    names = split_names(value) if isinstance(value, str) else ()
    if len(names) != 1:
        raise ValueError
    return _known(names[0], _SAMPLERS)


def _propagators(value: object) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_known(name, _PROPAGATORS) for name in split_names(value)))
    return () if "none" in names else names


def _names(value: object) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_known(name, _EXPORTERS) for name in split_names(value)))
    if "none" in names and len(names) > 1:
        raise ValueError("'none' stands alone")
    return () if names == ("none",) else names


def _for_all(value: object) -> ExporterNames:
    names = _names(value)
    return dict.fromkeys(SIGNALS, names)


def _accept(value: object) -> ExporterNames:
    if not isinstance(value, Mapping):
        return _for_all(value)
    given = cast("Mapping[object, object]", value)
    for key in given:
        if key not in SIGNALS:
            raise ValueError("its keys must be traces, metrics or logs")
    return {signal: _names(given[signal]) for signal in SIGNALS if given.get(signal) is not None}


def _for_one(signal: Signal) -> Callable[[object], ExporterNames]:
    return lambda value: {signal: _names(value)}


def exporters_of(signal: Signal) -> Kind[ExporterNames]:
    """Return the kind of a variable that names the exporters of one signal."""
    return Kind("names", "names separated by commas, or none", _for_one(signal), _for_one(signal))


EXPORTERS: Kind[ExporterNames] = Kind(
    "names",
    "a name, a sequence of names, or a mapping of traces, metrics and logs to names",
    _for_all,
    _accept,
)
SAMPLER = Kind("name", f"one of {', '.join(_SAMPLERS)}, or the name of an installed one", _sampler, _sampler)
PROPAGATORS = Kind("names", "a name, a comma-separated list or a sequence of names", _propagators, _propagators)
