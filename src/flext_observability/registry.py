"""Name of an exporter → its factory: registered by hand, built in, or found by entry point."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.ports import ExporterFactory

OWN_GROUP = "flext_observability.exporters"
OTEL_GROUPS: Mapping[Signal, str] = {signal: f"opentelemetry_{signal}_exporter" for signal in SIGNALS}
_WRAP = "flext_observability.exporters.third_party:wrap"
_NAME = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """Where a built-in factory is, and which package it cannot work without."""

    target: str
    needs: str = ""
    package: str = ""


_BUILT_IN: Mapping[str, _BuiltIn] = {
    "otlp_http": _BuiltIn("flext_observability.exporters.otlp_http:factory"),
    "otlp_grpc": _BuiltIn(
        "flext_observability.exporters.otlp_grpc:factory", "grpc", "opentelemetry-exporter-otlp-proto-grpc"
    ),
    "prometheus": _BuiltIn("flext_observability.exporters.prometheus:factory"),
    "console": _BuiltIn("flext_observability.exporters.console:factory", "rich", "rich"),
    "otlp_file": _BuiltIn("flext_observability.exporters.otlp_file:factory"),
    "memory": _BuiltIn("flext_observability.exporters.memory:factory"),
}
_ALIASES: Mapping[str, str] = {
    "otlp": "otlp_http",
    "otlp_proto_http": "otlp_http",
    "otlp_proto_grpc": "otlp_grpc",
}
_RESERVED = ("none", *_ALIASES)
_registered: dict[str, ExporterFactory] = {}


def register_exporter(name: str, factory: ExporterFactory) -> FlextResult[None]:
    """Make a factory known under a name; it takes the place of any other of that name from the next ``init_observability`` on.

    Args:
        name: Name to use in ``exporters``; no blanks or commas.
        factory: Object with the methods ``signals`` and ``create``.

    Returns:
        Nothing on success. Failure ``invalid_exporter``: the name cannot be used, or the object is no factory.
    """
    problem = _name_problem(name) or _factory_problem(factory)
    if problem:
        return FlextResult[None].fail(problem, code="invalid_exporter")
    _registered[name] = factory
    return FlextResult[None].ok(None)


def available_exporters() -> tuple[str, ...]:
    """Return every name that ``find_exporter`` knows: built in, registered by hand, found by entry point."""
    found = [entry.name for group in (OWN_GROUP, *OTEL_GROUPS.values()) for entry in _entry_points(group)]
    return tuple(dict.fromkeys([*_BUILT_IN, *_registered, *(name for name in sorted(found) if name not in _RESERVED)]))


def find_exporter(name: str) -> FlextResult[ExporterFactory]:
    """Return the factory of a name.

    Entry points are looked up for names alone that are neither registered by hand nor built in.

    Returns:
        The factory. Failures: ``unknown_exporter`` (lists what there is), ``missing_package`` (says what to install),
        ``broken_exporter`` (its code raises, or gives no factory).
    """
    registered = _registered.get(name)
    if registered is not None:
        return FlextResult["ExporterFactory"].ok(registered)
    row = _BUILT_IN.get(_ALIASES.get(name, name))
    if row is not None:
        return _load(name, row.target, lambda: _attribute(row.target), needs=row.needs, package=row.package)
    for entry in _entry_points(OWN_GROUP, name):
        return _load(name, entry.value, entry.load)
    found = _otel_entry_points(name)
    if found:
        return _load(name, _WRAP, lambda: cast("_Wrap", _attribute(_WRAP))(name, found))
    return FlextResult["ExporterFactory"].fail(_unknown(name), code="unknown_exporter")


_Wrap = Callable[[str, "Mapping[Signal, EntryPoint]"], object]


def _load(
    name: str, target: str, load: Callable[[], object], *, needs: str = "", package: str = ""
) -> FlextResult[ExporterFactory]:
    """Return what ``load`` gives, errors as failures: code of others and of ours must not end the program."""
    failed = FlextResult["ExporterFactory"].fail
    try:
        factory = load()
    except Exception as error:  # noqa: BLE001 - see above
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if needs and missing and (missing == needs or missing.startswith(f"{needs}.")):
            return failed(
                f"Exporter {name!r} needs a package that is not installed: pip install {package}",
                code="missing_package",
            )
        return failed(
            f"Exporter {name!r} ({target}) cannot be loaded: {type(error).__name__}: {error}", code="broken_exporter"
        )
    problem = _factory_problem(factory)
    if problem:
        return failed(f"Exporter {name!r} ({target}): {problem}", code="broken_exporter")
    return FlextResult["ExporterFactory"].ok(cast("ExporterFactory", factory))


def _attribute(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _entry_points(group: str, name: str | None = None) -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return [entry for entry in entry_points(group=group) if name is None or entry.name == name]


def _otel_entry_points(name: str) -> dict[Signal, EntryPoint]:
    """Return the entry points of that name in OpenTelemetry's own groups, by signal."""
    return {signal: entry for signal, group in OTEL_GROUPS.items() for entry in _entry_points(group, name)[:1]}


def _unknown(name: str) -> str:
    return (
        f"No exporter is called {name!r}. There are: {', '.join(available_exporters())}. "
        f"Install the package that brings it (pip install opentelemetry-exporter-{_slug(name)}), or call register_exporter"
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "…"


def _name_problem(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "The name of an exporter must be text without blanks and commas"
    return f"The name {name!r} has a meaning of its own: choose another" if name in _RESERVED else ""


def _factory_problem(factory: object) -> str:
    if callable(getattr(factory, "signals", None)) and callable(getattr(factory, "create", None)):
        return ""
    return f"A factory has the methods signals() and create(signal, config): {type(factory).__name__} has not"
