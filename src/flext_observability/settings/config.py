"""Field table → ``FlextObservabilityConfig``, as given and as resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, cast, final

from flext_observability.domain.report import Signal
from flext_observability.settings.endpoint import ParsedEndpoint
from flext_observability.settings.fields import UNSET, Field, field_table
from flext_observability.settings.masking import mask_repr
from flext_observability.settings.table_spool import SpoolFields
from flext_observability.values.dataclass import dataclass
from flext_observability.values.endpoint import Endpoint


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FlextObservabilityConfig(SpoolFields):
    """All settings, by name. ``docs/reference/settings.md`` lists them with unit, default and variables.

    Fields that are not set are read from the environment, or have their default, when the configuration is resolved.
    ``Observability.config`` is resolved: every field has a value. ``init_observability`` accepts both, also copies
    made by ``dataclasses.replace``.
    """

    endpoints: Mapping[str, Endpoint] = field(init=False, compare=False, default_factory=dict[str, Endpoint])

    def __repr__(self) -> str:
        """Return the fields that are set, with secrets hidden."""
        fields = (f"{name}={mask_repr(value, FIELDS[name].type)}" for name, value in set_fields(self).items())
        return f"{type(self).__name__}({', '.join(fields)})"


FIELDS: Mapping[str, Field] = field_table(FlextObservabilityConfig)
"""The field table: every row by its name."""


def _describe(row: Field) -> str:
    unit = f" in {row.unit}" if row.unit else ""
    variables = ", ".join(variable.name for variable in row.variables)
    return f"    {row.name}: {row.doc} Type: {row.type.name}{unit}. Default: {row.default!r}. Variables: {variables}."


# For ``help``: the reference page is not part of the installed package.
FlextObservabilityConfig.__doc__ = "\n".join(
    [
        f"{FlextObservabilityConfig.__doc__}",
        "Attributes:",
        "    endpoints: Parsed endpoints of a resolved configuration, by field. Not a setting.",
        *map(_describe, FIELDS.values()),
    ]
)


def set_fields(config: FlextObservabilityConfig) -> dict[str, object]:
    """Return the fields that are set, by name."""
    values = {name: getattr(config, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value is not UNSET}


def with_defaults(values: Mapping[str, object]) -> FlextObservabilityConfig:
    """Return a configuration with these validated values, and the defaults of all other fields."""
    resolved: dict[str, Any] = {name: _copy_of_default(row) for name, row in FIELDS.items()} | dict(values)
    endpoints = {name: value.endpoint for name, value in resolved.items() if isinstance(value, ParsedEndpoint)}
    resolved |= {name: resolved[name].text for name in endpoints}
    config = FlextObservabilityConfig(**resolved)
    object.__setattr__(config, "endpoints", endpoints)
    return config


def _copy_of_default(row: Field) -> object:
    default = row.default
    return dict(cast("Mapping[object, object]", default)) if isinstance(default, Mapping) else default


def enabled(config: FlextObservabilityConfig, signal: Signal) -> bool:
    """Return whether a resolved configuration enables this signal. ``disabled`` is ignored."""
    return bool(getattr(config, f"{signal}_enabled"))
