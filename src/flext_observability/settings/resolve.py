"""Configuration, arguments and environment → settings that hold, where each came from, and what was wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig
from flext_observability.settings.derive import (
    derive_exporters,
    derive_identity,
    derive_queues,
    derive_sampler,
    derive_special,
)
from flext_observability.settings.otlp import otlp_notices
from flext_observability.settings.reading import PartialSettings, read
from flext_observability.settings.types import LONGEST_SECONDS
from flext_observability.settings.unsupported_env import ignored_notices

_LONG_SECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """Settings that hold.

    Attributes:
        config: Every field concrete.
        sources: By field name ``argument``, the variable's name, or ``default``; for ``exporters`` and ``resource_attributes`` also
            by ``field.key`` for each key that was given.
        notices: What a person should read, wrong variables included.
        complete: Signals whose exporters come from a name or sequence for all signals: an exporter in it that does not carry the
            signal is no mistake.
    """

    config: FlextObservabilityConfig
    sources: Mapping[str, str]
    notices: tuple[Notice, ...] = ()
    complete: frozenset[Signal] = frozenset()


def resolve(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], environ: Mapping[str, str]
) -> FlextResult[ResolvedSettings]:
    """Return the settings that hold: argument, ``FLEXT_OBSERVABILITY_*``, ``OTEL_*``, default, the first that says something.

    Args:
        given: Configuration object; arguments win over it.
        arguments: Keyword arguments by name.
        environ: Environment variables.

    Returns:
        The settings; a wrong variable is replaced and noted. Failure ``invalid_settings`` names every wrong argument.
    """
    if not _is_config(given):
        message = (
            f"The configuration must be a FlextObservabilityConfig, got {type(given).__name__}: "
            "give single settings by name, as in init_observability(service_name=…)"
        )
        return FlextResult[ResolvedSettings].fail(message, code="invalid_settings")
    draft = read(given, arguments, environ)
    derive_identity(draft)
    derive_sampler(draft)
    derive_special(draft)
    derive_queues(draft)
    config = derive_exporters(draft)
    if draft.mistakes:
        return FlextResult[ResolvedSettings].fail("; ".join(draft.mistakes), code="invalid_settings")
    notices = (
        *draft.notices,
        *_suspicious_timeouts(draft),
        *ignored_notices(environ),
        *_unused(config),
        *otlp_notices(config),
    )
    return FlextResult.ok(ResolvedSettings(config, _sources(draft), notices, _complete(given, arguments, draft)))


def _is_config(given: object) -> bool:
    return given is None or isinstance(given, FlextObservabilityConfig)


def _sources(draft: PartialSettings) -> dict[str, str]:
    return {**{name: draft.source(name) for name in FIELDS}, **draft.sources}


def _suspicious_timeouts(draft: PartialSettings) -> Iterator[Notice]:
    """Yield a notice for each OTLP timeout that was probably meant in milliseconds, as other languages read it."""
    for name in ("otlp_timeout_seconds", *(f"otlp_{signal}_timeout_seconds" for signal in SIGNALS)):
        source, seconds = draft.source(name), draft.values.get(name)
        if source.startswith("OTEL_") and isinstance(seconds, float) and _LONG_SECONDS <= seconds < LONGEST_SECONDS:
            message = f"{source} is {seconds:g} seconds: Python reads seconds, not milliseconds"
            yield Notice(FIELDS[name].signal, message, "Write it in seconds")


def _unused(config: FlextObservabilityConfig) -> Iterator[Notice]:
    """Yield a notice for each setting that this version takes and does not act upon."""
    if config.config_file:
        message = f"The configuration file {config.config_file!r} is ignored: this version does not read it yet"
        yield Notice("all", message, "Use arguments or environment variables", degrades=True)


def _complete(
    given: FlextObservabilityConfig | None, arguments: Mapping[str, object], draft: PartialSettings
) -> frozenset[Signal]:
    own = arguments.get("exporters")
    if own is None and given is not None:
        own = given.exporters
    general = {"FLEXT_OBSERVABILITY_EXPORTERS", *(() if isinstance(own, Mapping) else ("argument",))}
    return frozenset(signal for signal in SIGNALS if draft.sources.get(f"exporters.{signal}") in general)
