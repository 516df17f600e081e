"""Values given → values that depend on others: identity, sampler, general and special, queues, exporters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from flext_observability.domain.report import SIGNALS, Notice, Signal
from flext_observability.settings.choices import ALIASES, DEFAULT_SAMPLER, RATIO_SAMPLERS
from flext_observability.settings.config import FIELDS, FlextObservabilityConfig, concrete, enabled
from flext_observability.settings.otlp import PARTS, protocol_of
from flext_observability.settings.reading import ARGUMENT, DEFAULT, PartialSettings, rank
from flext_observability.settings.types import RATIO

IDENTITY: Mapping[str, tuple[str, ...]] = {
    "service_name": ("service.name",),
    "service_version": ("service.version",),
    "service_namespace": ("service.namespace",),
    "service_instance_id": ("service.instance.id",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
"""Field → resource attributes that say the same, today's name first."""

GENERAL_LIMITS: Mapping[str, str] = {
    "span_attribute_count_limit": "attribute_count_limit",
    "event_attribute_count_limit": "attribute_count_limit",
    "link_attribute_count_limit": "attribute_count_limit",
    "logrecord_attribute_count_limit": "attribute_count_limit",
    "span_attribute_value_length_limit": "attribute_value_length_limit",
    "logrecord_attribute_value_length_limit": "attribute_value_length_limit",
}
"""Special limit → the general one that it follows."""

_BATCHED_SIGNALS: tuple[Signal, ...] = ("traces", "logs")


def derive_identity(draft: PartialSettings) -> None:
    """Let the stronger of a field and its resource attribute hold, and keep it in the field alone."""
    attributes = dict(cast("Mapping[str, str]", draft.values.get("resource_attributes", {})))
    for name, keys in IDENTITY.items():
        for key in keys:
            source = draft.sources.get(f"resource_attributes.{key}", DEFAULT)
            if attributes.get(key) and rank(source) < draft.rank(name):
                draft.take(name, attributes[key], source)
        attributes.pop(keys[0], None)
    draft.values["resource_attributes"] = attributes
    if draft.source("service_name") == DEFAULT:
        name = f"unknown_service:{os.path.basename(sys.executable or 'python')}"  # noqa: PTH119 - pathlib costs start-up time
        draft.values["service_name"] = name
        message = f"No service name is set: back ends show {name}"
        draft.notices.append(Notice("all", message, "Pass service_name, or set OTEL_SERVICE_NAME"))


def derive_sampler(draft: PartialSettings) -> None:
    """Turn ``sample_ratio`` into a sampler and its argument, or a ratio sampler's argument into ``sample_ratio``."""
    sampler = str(draft.values.get("sampler", DEFAULT_SAMPLER))
    ratio_counts = "sample_ratio" in draft.values and (
        draft.rank("sample_ratio") <= draft.rank("sampler_arg" if sampler in RATIO_SAMPLERS else "sampler")
    )
    if ratio_counts:
        _sample_by_ratio(draft, sampler)
    elif sampler in RATIO_SAMPLERS:
        draft.values["sample_ratio"] = _ratio_argument(draft)
    else:
        draft.forget("sample_ratio")


def _sample_by_ratio(draft: PartialSettings, sampler: str) -> None:
    source = draft.source("sample_ratio")
    if sampler not in RATIO_SAMPLERS:
        if sampler != DEFAULT_SAMPLER and draft.rank("sampler") == rank(source):
            _conflict(draft, sampler)
        draft.take("sampler", "parentbased_traceidratio", source)
    draft.take("sampler_arg", repr(draft.values["sample_ratio"]), source)


def _conflict(draft: PartialSettings, sampler: str) -> None:
    if draft.source("sampler") == ARGUMENT:
        draft.mistakes.append(f"sampler {sampler!r} takes no sample_ratio: give one of the two")
    else:
        message = f"{draft.source('sampler')}={sampler!r} is not used: {draft.source('sample_ratio')} is set too"
        draft.notices.append(Notice("traces", message, "Unset one of the two", degrades=True))


def _ratio_argument(draft: PartialSettings) -> float:
    text = str(draft.values.get("sampler_arg", "1.0"))
    source = draft.source("sampler_arg")
    try:
        ratio = RATIO.parse(text)
    except ValueError:
        ratio = 1.0
        if source == ARGUMENT:
            draft.mistakes.append(f"sampler_arg must be {RATIO.allowed}, got {text!r}")
        else:
            message = f"{source}={text!r} is not valid: every trace is recorded"
            draft.notices.append(Notice("traces", message, f"It must be {RATIO.allowed}", degrades=True))
    draft.values["sampler_arg"] = repr(ratio)
    return ratio


def derive_special(draft: PartialSettings) -> None:
    """Let a general setting from a stronger source replace the special ones, and fill limits that nobody has given."""
    for part in PARTS:
        for signal in SIGNALS:
            if draft.rank(f"otlp_{part}") < draft.rank(f"otlp_{signal}_{part}"):
                draft.forget(f"otlp_{signal}_{part}")
    for special, general in GENERAL_LIMITS.items():
        if draft.rank(general) < draft.rank(special):
            draft.take(special, draft.values[general], draft.source(general))


def derive_queues(draft: PartialSettings) -> None:
    """Keep a batch within its queue."""
    for signal in _BATCHED_SIGNALS:
        name = f"{signal}_max_export_batch_size"
        size = cast("int", draft.values.get(f"{signal}_max_queue_size", FIELDS[f"{signal}_max_queue_size"].default))
        if cast("int", draft.values.get(name, FIELDS[name].default)) > size:
            if name in draft.values:
                message = f"{name} is lowered to {size}, the size of the queue"
                draft.notices.append(Notice(signal, message, f"Keep it at most {signal}_max_queue_size"))
            draft.values[name] = size


def derive_exporters(draft: PartialSettings) -> FlextObservabilityConfig:
    """Return the configuration with the exporters of each signal under their registered names."""
    config = concrete(draft.values)
    console = _console_wanted(config)
    given = cast("Mapping[Signal, tuple[str, ...]]", config.exporters)
    chosen: dict[Signal, tuple[str, ...]] = {}
    for signal in SIGNALS:
        names = [_registered(config, signal, name) for name in given.get(signal, ("otlp",))]
        automatic = config.console is True or (console and signal not in given)
        if names and automatic and signal in _BATCHED_SIGNALS:
            names.append("console")
        if signal == "metrics" and config.push_gateway and _joins(draft, names):
            names.append("pushgateway")
        chosen[signal] = tuple(dict.fromkeys(names)) if enabled(config, signal) else ()
    draft.values["exporters"] = chosen
    return concrete(draft.values)


def _registered(config: FlextObservabilityConfig, signal: Signal, name: str) -> str:
    if name == "otlp":
        return "otlp_grpc" if protocol_of(config, signal) == "grpc" else "otlp_http"
    return ALIASES.get(name, name)


def _joins(draft: PartialSettings, names: Sequence[str]) -> bool:
    """Return whether the Pushgateway joins the metrics exporters: an argument that names them is complete."""
    if draft.source("exporters.metrics") != ARGUMENT:
        return True
    if "pushgateway" not in names:
        message = (
            f"Nothing is pushed to the Pushgateway: {draft.source('push_gateway')} names one, and exporters does not"
        )
        draft.notices.append(Notice("metrics", message, "Add 'pushgateway' to exporters, or unset the address"))
    return False


def _console_wanted(config: FlextObservabilityConfig) -> bool:
    """Return whether signals with default exporters show on the console too."""
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
