"""Name of an exporter → its factory: registered by hand, built in, or found by entry point."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.settings.choices import ALIASES

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.ports import ExporterFactory

OWN_GROUP = "flext_observability.exporters"
OTEL_GROUPS: Mapping[Signal, str] = {signal: f"opentelemetry_{signal}_exporter" for signal in SIGNALS}
_WRAP = "flext_observability.exporters.third_party:wrap"
_NAME = re.compile(r"[^\s,]+")


_BUILT_IN: Mapping[str, str] = {
    "otlp_http": "flext_observability.exporters.otlp_http:factory",
    "otlp_grpc": "flext_observability.exporters.otlp_grpc:factory",
    "prometheus": "flext_observability.exporters.prometheus:factory",
    "console": "flext_observability.exporters.console:factory",
    "otlp_file": "flext_observability.exporters.otlp_file:factory",
    "memory": "flext_observability.exporters.memory:factory",
}
_NEEDS: Mapping[str, tuple[str, str]] = {"otlp_grpc": ("grpc", "grpcio")}
"""Built-in exporter → module that not every platform has, and what to install."""
_ALIASES: Mapping[str, str] = {"otlp": "otlp_http", **ALIASES}
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
    try:
        problem = _name_problem(name) or _factory_problem(factory)
    except Exception as error:  # noqa: BLE001 - an object of any type may raise anything when it is looked at
        problem = f"The exporter cannot be looked at: {type(error).__name__}: {error}"
    if problem:
        return FlextResult[None].fail(problem, code="invalid_exporter")
    _registered[name] = factory
    return FlextResult[None].ok(None)


def available_exporters() -> tuple[str, ...]:
    """Return every name that ``find_exporter`` knows: built in, registered by hand, found by entry point."""
    found = sorted({entry.name for group in _entry_points(None).values() for entry in group} - set(_RESERVED))
    return tuple(dict.fromkeys([*_BUILT_IN, *_registered, *found]))


def find_exporter(name: str) -> FlextResult[ExporterFactory]:
    """Return the factory of a name.

    Entry points are looked up for names alone that are neither registered by hand nor built in.

    Returns:
        The factory. Failures: ``unknown_exporter`` (lists what there is), ``missing_package`` (says what to install),
        ``broken_exporter`` (its code raises, or gives no factory).
    """
    registered = _registered.get(name)
    if registered is not None:
        return FlextResult.ok(registered)
    built_in = _ALIASES.get(name, name)
    if built_in in _BUILT_IN:
        return _built_in(built_in)
    return _by_entry_point(name)


def _by_entry_point(name: str) -> FlextResult[ExporterFactory]:
    points = _entry_points(name)
    for entry in points[OWN_GROUP]:
        return _load(name, entry.value, entry.load)
    by_signal: Mapping[Signal, EntryPoint] = {
        signal: points[group][0] for signal, group in OTEL_GROUPS.items() if points[group]
    }
    if by_signal:
        return _load(name, _WRAP, lambda: cast("_Wrap", _attribute(_WRAP))(name, by_signal))
    return FlextResult["ExporterFactory"].fail(_unknown(name), code="unknown_exporter")


_Wrap = Callable[[str, "Mapping[Signal, EntryPoint]"], object]


def _built_in(name: str) -> FlextResult[ExporterFactory]:
    if name in _NEEDS:
        from importlib.util import find_spec

        module, package = _NEEDS[name]
        if find_spec(module) is None:
            message = f"Exporter {name!r} needs a package that is not installed: pip install {package}"
            return FlextResult["ExporterFactory"].fail(message, code="missing_package")
    target = _BUILT_IN[name]
    return _load(name, target, lambda: _attribute(target))


def _load(name: str, target: str, load: Callable[[], object]) -> FlextResult[ExporterFactory]:
    """Return what ``load`` gives, errors as failures: code of others must not end the program."""
    try:
        factory = load()
    except Exception as error:  # noqa: BLE001 - see above
        problem = f"cannot be loaded: {type(error).__name__}: {error}"
    else:
        problem = _factory_problem(factory)
        if not problem:
            return FlextResult.ok(cast("ExporterFactory", factory))
    return FlextResult["ExporterFactory"].fail(f"Exporter {name!r} ({target}): {problem}", code="broken_exporter")


def _attribute(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _entry_points(name: str | None) -> dict[str, list[EntryPoint]]:
    """Return the installed exporters by group, those of one name or all; one walk over the installed packages."""
    from importlib.metadata import entry_points

    installed = entry_points()
    return {
        group: [entry for entry in installed.select(group=group) if name in {None, entry.name}]
        for group in (OWN_GROUP, *OTEL_GROUPS.values())
    }


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    names = available_exporters()
    near = get_close_matches(name, names, 1)
    return (
        f"No exporter is called {name!r}{f' (did you mean {near[0]}?)' if near else ''}. There are: {', '.join(names)}. "
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
