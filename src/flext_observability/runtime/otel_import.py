"""Module name → the module, also when the environment holds a value that makes OpenTelemetry raise at import."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

_PREFIX = "OTEL_"


def import_without_otel_env(module: str) -> ModuleType:
    """Import a module of OpenTelemetry; when a wrong variable makes it raise, import it without those variables.

    Nothing is lost: the resolved settings hold the right values, and the status names the wrong ones. The variables are back when
    this returns.

    Args:
        module: Full name, such as ``opentelemetry.propagate``.
    """
    try:
        return import_module(module)
    except Exception:  # noqa: BLE001 — whatever it raises, the second attempt decides
        hidden = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        for name in hidden:
            del os.environ[name]
        try:
            return import_module(module)
        finally:
            os.environ.update(hidden)
