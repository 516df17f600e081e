"""Import of OpenTelemetry modules that raise on a wrong environment variable."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from flext_observability.values.interrupts import reraise_interrupt

_PREFIX = "OTEL_"


def import_without_otel_env(module: str) -> ModuleType:
    """Import a module; if it raises, import it without the ``OTEL_*`` variables, which are restored afterwards.

    The resolved settings hold the valid values, and the status names the invalid ones.

    Args:
        module: Full name, such as ``opentelemetry.propagate``.
    """
    try:
        return import_module(module)
    except BaseException as error:  # noqa: BLE001 - the second attempt decides
        reraise_interrupt(error)
        hidden = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        for name in hidden:
            del os.environ[name]
        try:
            return import_module(module)
        finally:
            os.environ.update(hidden)
