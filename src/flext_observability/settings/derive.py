"""Given values → values that depend on others: identity, sampler, fields of one signal, queues, exporters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.choices import ALIASES, DEFAULT_SAMPLER, RATIO_SAMPLERS
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, enabled, with_defaults
from flext_observability.settings.masking import preview_value
from flext_observability.settings.otlp import OTLP_FIELDS, default_protocol
from flext_observability.settings.reading import ARGUMENT, DEFAULT, PartialSettings, precedence
from flext_observability.settings.types import RATIO, TEXT

IDENTITY: Mapping[str, tuple[str, ...]] = {
    "service_name": ("service.name",),
    "service_version": ("service.version",),
    "service_namespace": ("service.namespace",),
    "service_instance_id": ("service.instance.id",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
"""Field → equivalent resource attributes, current name first."""

GENERAL_LIMITS: Mapping[str, str] = {
    "span_attribute_count_limit": "attribute_count_limit",
    "event_attribute_count_limit": "attribute_count_limit",
    "link_attribute_count_limit": "attribute_count_limit",
    "logrecord_attribute_count_limit": "attribute_count_limit",
    "span_attribute_value_length_limit": "attribute_value_length_limit",
    "logrecord_attribute_value_length_limit": "attribute_value_length_limit",
}
"""Limit → the general limit that applies when it is not set."""

_BATCHED_SIGNALS: tuple[Signal, ...] = ("traces", "logs")


def derive_identity(partial: PartialSettings) -> None:
    """Set each field from itself or its resource attribute, by precedence, and remove the attribute."""
    attributes = dict(cast("Mapping[str, str]", partial.values.get("resource_attributes", {})))
    for name, keys in IDENTITY.items():
        for key in keys:
            source = partial.sources.get(f"resource_attributes.{key}", DEFAULT)
            if attributes.get(key) and precedence(source) < partial.precedence(name):
                partial.set(name, attributes[key], source)
        attributes.pop(keys[0], None)
    partial.values["resource_attributes"] = attributes
    if partial.source("service_name") == DEFAULT:
        executable = os.path.basename(sys.executable or "python")  # noqa: PTH119 - pathlib costs start-up time
        name = f"unknown_service:{executable}"
        partial.values["service_name"] = name
        message = f"No service name is set: {name} is used"
        partial.notices.append(Notice("all", message, "Pass service_name, or set OTEL_SERVICE_NAME"))


def derive_sampler(partial: PartialSettings) -> None:
    """Set sampler and argument from ``sample_ratio``, or ``sample_ratio`` from a ratio sampler's argument."""
    sampler = str(partial.values.get("sampler", DEFAULT_SAMPLER))
    ratio_applies = "sample_ratio" in partial.values and (
        partial.precedence("sample_ratio")
        <= partial.precedence("sampler_arg" if sampler in RATIO_SAMPLERS else "sampler")
    )
    if ratio_applies:
        _set_ratio_sampler(partial, sampler)
    elif sampler in RATIO_SAMPLERS:
        partial.values["sample_ratio"] = _ratio_argument(partial)
    else:
        partial.reset("sample_ratio")


def _set_ratio_sampler(partial: PartialSettings, sampler: str) -> None:
    source = partial.source("sample_ratio")
    if sampler not in RATIO_SAMPLERS:
        if sampler != DEFAULT_SAMPLER and partial.precedence("sampler") == precedence(source):
            _report_conflict(partial, sampler)
        partial.set("sampler", "parentbased_traceidratio", source)
    partial.set("sampler_arg", repr(partial.values["sample_ratio"]), source)


def _report_conflict(partial: PartialSettings, sampler: str) -> None:
    shown = preview_value(sampler, TEXT)
    if partial.source("sampler") == ARGUMENT:
        partial.errors.append(f"sampler {shown} and sample_ratio exclude each other")
    else:
        message = f"{partial.source('sampler')}={shown} is ignored: {partial.source('sample_ratio')} is set too"
        partial.notices.append(Notice("traces", message, "Unset one of the two", degrades=True))


def _ratio_argument(partial: PartialSettings) -> float:
    text = str(partial.values.get("sampler_arg", "1.0"))
    source = partial.source("sampler_arg")
    try:
        ratio = RATIO.parse(text)
    except ValueError:
        ratio = 1.0
        if source == ARGUMENT:
            partial.errors.append(f"sampler_arg must be {RATIO.allowed}, got {preview_value(text, TEXT)}")
        else:
            message = (
                f"{source}={preview_value(text, TEXT)} is ignored, every trace is recorded: it must be {RATIO.allowed}"
            )
            partial.notices.append(Notice("traces", message, "Correct or unset it", degrades=True))
    partial.values["sampler_arg"] = repr(ratio)
    return ratio


def derive_from_general(partial: PartialSettings) -> None:
    """Apply general settings where their source has precedence over that of the specific setting."""
    for name in OTLP_FIELDS:
        for signal in SIGNALS:
            if partial.precedence(f"otlp_{name}") < partial.precedence(f"otlp_{signal}_{name}"):
                partial.reset(f"otlp_{signal}_{name}")
    for specific, general in GENERAL_LIMITS.items():
        if partial.precedence(general) < partial.precedence(specific):
            partial.set(specific, partial.values[general], partial.source(general))


_BYTES_OF_ITEM: Final = 4096
"""Bytes that a queue may hold for each of its items at least: more than an ordinary one has."""


def derive_queues(partial: PartialSettings) -> None:
    """Limit each batch size to the size of the queue; raise the limit of bytes for a queue of many items."""
    for signal in _BATCHED_SIGNALS:
        name = f"{signal}_max_export_batch_size"
        size = cast("int", partial.values.get(f"{signal}_max_queue_size", FIELDS[f"{signal}_max_queue_size"].default))
        if cast("int", partial.values.get(name, FIELDS[name].default)) > size:
            if name in partial.values:
                message = f"{name} is reduced to {size}, the size of the queue"
                partial.notices.append(Notice(signal, message, f"Set it to at most {signal}_max_queue_size"))
            partial.values[name] = size
        name = f"{signal}_max_queue_bytes"
        if name not in partial.values:
            partial.values[name] = max(cast("int", FIELDS[name].default), size * _BYTES_OF_ITEM)


def derive_exporters(partial: PartialSettings) -> FlextObservabilityConfig:
    """Return the configuration, with the exporters of each signal by registered name."""
    config = with_defaults(partial.values)
    console = _console_by_default(config)
    given = cast("Mapping[Signal, tuple[str, ...]]", config.exporters)
    exporters: dict[Signal, tuple[str, ...]] = {}
    for signal in SIGNALS:
        names = [_registered_name(config, signal, name) for name in given.get(signal, ("otlp",))]
        automatic = config.console is True or (console and signal not in given)
        if names and automatic and signal in _BATCHED_SIGNALS:
            names.append("console")
        if signal == "metrics" and config.push_gateway and _add_pushgateway(partial, names):
            names.append("pushgateway")
        exporters[signal] = tuple(dict.fromkeys(names)) if enabled(config, signal) else ()
    partial.values["exporters"] = exporters
    return with_defaults(partial.values)


def _registered_name(config: FlextObservabilityConfig, signal: Signal, name: str) -> str:
    if name == "otlp":
        return "otlp_grpc" if default_protocol(config, signal) == "grpc" else "otlp_http"
    return ALIASES.get(name, name)


def _add_pushgateway(partial: PartialSettings, names: Sequence[str]) -> bool:
    """Return whether to add the Pushgateway to the metrics exporters: not to those named by an argument."""
    if partial.source("exporters.metrics") != ARGUMENT:
        return True
    if "pushgateway" not in names:
        message = (
            f"The Pushgateway of {partial.source('push_gateway')} is not used: exporters does not name 'pushgateway'"
        )
        partial.notices.append(Notice("metrics", message, "Add 'pushgateway' to exporters, or unset the endpoint"))
    return False


def _console_by_default(config: FlextObservabilityConfig) -> bool:
    """Return whether the console is added to default exporters."""
    if config.console is not None:
        return config.console
    if config.environment:
        return config.environment.lower() == "development"
    return _stderr_is_terminal()


def _stderr_is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stderr (pythonw, daemons), or a closed one
        return False
