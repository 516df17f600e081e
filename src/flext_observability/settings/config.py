"""Field table → FlextObservabilityConfig: what a user gives, and, resolved, what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, final

from flext_observability.domain.report import Signal
from flext_observability.settings.fields import UNSET, Field, table
from flext_observability.settings.table_operations import OperationsFields
from flext_observability.values.masking import without_credentials


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FlextObservabilityConfig(OperationsFields):
    """All settings, by name; ``docs/reference/settings.md`` lists them with unit, default and variables.

    A field that is not given keeps an internal mark and falls to the environment, then to its default, when the configuration is
    resolved. ``Observability.config`` is the resolved one: every field concrete. Either can be given to ``init_observability``
    again, also changed by ``dataclasses.replace``.
    """

    def __repr__(self) -> str:
        """Return the fields given, header values hidden."""
        return f"{type(self).__name__}({', '.join(f'{name}={_shown(name, value)}' for name, value in set_fields(self).items())})"


FIELDS: Mapping[str, Field] = table(FlextObservabilityConfig)
"""The field table: every row by its name."""


def _described(row: Field) -> str:
    unit = f", in {row.unit}" if row.unit else ""
    variables = ", ".join(variable.name for variable in row.variables)
    return f"    {row.name}: {row.doc.rstrip('.')}{unit}. Default: {row.default!r}. Variables: {variables}."


# For ``help``: the reference is not installed with the package.
FlextObservabilityConfig.__doc__ = "\n".join(
    [f"{FlextObservabilityConfig.__doc__}", "Attributes:", *map(_described, FIELDS.values())]
)


def set_fields(config: FlextObservabilityConfig) -> dict[str, object]:
    """Return the fields that somebody has given, by name."""
    values = {name: getattr(config, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value is not UNSET}


def concrete(values: Mapping[str, object]) -> FlextObservabilityConfig:
    """Return a configuration that holds these values, and the default of every other field."""
    config = object.__new__(FlextObservabilityConfig)
    for name, row in FIELDS.items():
        default = row.default
        value = values.get(name, UNSET)
        if value is UNSET:
            value = dict(cast("Mapping[object, object]", default)) if isinstance(default, Mapping) else default
        object.__setattr__(config, name, value)
    return config


def enabled(config: FlextObservabilityConfig, signal: Signal) -> bool:
    """Whether a resolved configuration has this signal switched on (``disabled`` apart)."""
    switches: Mapping[Signal, bool] = {
        "traces": config.traces_enabled,
        "metrics": config.metrics_enabled,
        "logs": config.logs_enabled,
    }
    return switches[signal]


def _shown(name: str, value: object) -> str:
    if FIELDS[name].kind.secret and isinstance(value, Mapping):
        return repr({str(key): "***" for key in cast("Mapping[object, object]", value)})
    return "***" if FIELDS[name].kind.secret else without_credentials(repr(value))
