"""Configuration, arguments and environment → resolved settings, the source of each, and notices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig
from flext_observability.settings.derive import (
    derive_exporters,
    derive_from_general,
    derive_identity,
    derive_queues,
    derive_sampler,
)
from flext_observability.settings.masking import preview_value
from flext_observability.settings.otlp import otlp_notices
from flext_observability.settings.reading import ARGUMENT, PartialSettings, read
from flext_observability.settings.types import MAX_SECONDS, TEXT
from flext_observability.settings.unsupported_env import unsupported_env_notices
from flext_observability.values.named_tuple import NamedTuple

_LONG_SECONDS = 1000.0
_FIX = "Correct the arguments; nothing was changed"


class ResolvedSettings(NamedTuple):
    """Resolved settings.

    Attributes:
        config: Resolved configuration: every field has a value.
        sources: ``argument``, the variable's name, or ``default``, by field; for ``exporters`` and
            ``resource_attributes`` also by ``field.key``.
        notices: Findings for the status, invalid variables included.
        named_for_all: Signals whose exporters are named for all signals together. An exporter that does not support one
            of these signals is not an error.
    """

    config: FlextObservabilityConfig
    sources: Mapping[str, str]
    notices: tuple[Notice, ...] = ()
    named_for_all: frozenset[Signal] = frozenset()


def resolve(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], environ: Mapping[str, str]
) -> FlextResult[ResolvedSettings]:
    """Resolve settings. Precedence: argument, ``FLEXT_OBSERVABILITY_*``, ``OTEL_*``, default.

    Args:
        given: Configuration object; arguments have precedence over it.
        arguments: Keyword arguments by name.
        environ: Environment variables.

    Returns:
        The settings; an invalid variable is ignored, with a notice. Failure code: ``invalid_settings``; the message
        names every invalid argument.
    """
    if not isinstance(cast("object", given), FlextObservabilityConfig | None):
        message = f"Invalid configuration: it must be a FlextObservabilityConfig, got {type(given).__name__}"
        fix = "Pass single settings by name, as in init_observability(service_name=…)"
        return FlextResult[ResolvedSettings].fail(message, code="invalid_settings", fix=fix)
    partial = read(given, arguments, environ)
    derive_identity(partial)
    derive_sampler(partial)
    derive_from_general(partial)
    derive_queues(partial)
    config = derive_exporters(partial)
    if partial.errors:
        return FlextResult[ResolvedSettings].fail(
            f"Invalid settings: {'; '.join(partial.errors)}", code="invalid_settings", fix=_FIX
        )
    sources = {**{name: partial.source(name) for name in FIELDS}, **partial.sources}
    notices = (
        *partial.notices,
        *_suspicious_timeouts(partial),
        *unsupported_env_notices(environ),
        *_unsupported_settings(config),
        *otlp_notices(config),
    )
    return FlextResult.ok(ResolvedSettings(config, sources, notices, _named_for_all(given, arguments, partial)))


def _suspicious_timeouts(partial: PartialSettings) -> Iterator[Notice]:
    """Yield a notice for each OTLP timeout that is probably in milliseconds, the unit in other languages."""
    for name in ("otlp_timeout_seconds", *(f"otlp_{signal}_timeout_seconds" for signal in SIGNALS)):
        source, seconds = partial.source(name), partial.values.get(name)
        if source.startswith("OTEL_") and isinstance(seconds, float) and _LONG_SECONDS <= seconds < MAX_SECONDS:
            message = f"{source} is {seconds:g} seconds: Python reads seconds, not milliseconds"
            yield Notice(FIELDS[name].signal, message, "Write it in seconds")


def _unsupported_settings(config: FlextObservabilityConfig) -> Iterator[Notice]:
    """Yield a notice for each setting without effect in this version."""
    if config.config_file:
        shown = preview_value(config.config_file, TEXT)
        message = f"The configuration file {shown} is ignored: this version does not read configuration files"
        yield Notice("all", message, "Use arguments or environment variables", degrades=True)


def _named_for_all(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], partial: PartialSettings
) -> frozenset[Signal]:
    argument = arguments.get("exporters")
    if argument is None and given is not None:
        argument = given.exporters
    sources = {"FLEXT_OBSERVABILITY_EXPORTERS", *(() if isinstance(argument, Mapping) else (ARGUMENT,))}
    return frozenset(signal for signal in SIGNALS if partial.sources.get(f"exporters.{signal}") in sources)
