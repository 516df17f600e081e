"""Name → exporter factory, notifier or storage adapter: registered, built in, or found by entry point."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.owner import current_runtime
from flext_observability.settings.choices import ALIASES
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import ExporterFactory, FlextNotifier, FlextStorageAdapter

T = TypeVar("T")

_VALID_NAME: Final = re.compile(r"[^\s,]+")
_MAX_COMPARED_LENGTH: Final = 80
_EXPORTER_ALIASES: Final[Mapping[str, str]] = {"otlp": "otlp_http", **ALIASES}
_OTEL_GROUPS: Final[Mapping[str, Signal]] = {f"opentelemetry_{signal}_exporter": signal for signal in SIGNALS}
_OTEL_WRAPPER: Final = "flext_observability.exporters.third_party:WrappedFactory"


class PluginRegistry(Generic[T]):
    """Plugins of one kind by name. Registered plugins come before built-in ones, built-in ones before entry points.

    Args:
        kind: Word in messages and failure codes, such as ``notifier``.
        methods: Signatures of the methods that a plugin must have, such as ``store(entity)``.
        groups: Entry-point groups; the first one is this package's.
        built_in: ``module:attribute`` by name, imported on use.
        accepts_callable: Whether a callable without these methods is valid, too.
    """

    _package_template = ""
    """Name of the package to install for an unknown name, which replaces ``{}``."""
    _reserved_names: Collection[str] = ("none",)

    def __init__(
        self,
        kind: str,
        methods: Collection[str],
        groups: Sequence[str],
        built_in: Mapping[str, str] | None = None,
        *,
        accepts_callable: bool = False,
    ) -> None:
        self._kind = kind
        self._methods = methods
        self._groups = groups
        self._built_in = built_in or {}
        self._accepts_callable = accepts_callable
        self._registered: dict[str, T] = {}

    def register(self, name: str, plugin: T) -> FlextResult[None]:
        """Register a plugin. It replaces any other plugin of that name. Failure: ``invalid_<kind>``."""
        problem, fix = self._validate_name(name), "Choose another name"
        if not problem:
            problem, fix = self._validate(plugin), f"Correct the {self._kind}"
        if problem:
            return FlextResult[None].fail(f"Invalid {self._kind}: {problem}", code=f"invalid_{self._kind}", fix=fix)
        self._registered[name] = plugin
        return FlextResult[None].ok(None)

    def names(self) -> tuple[str, ...]:
        """Return all names: built in, registered, installed."""
        found = {entry.name for entries in self._entry_points(None).values() for entry in entries}
        return tuple(
            dict.fromkeys([*self._built_in, *self._registered, *sorted(found.difference(self._reserved_names))])
        )

    def find(self, name: str) -> FlextResult[T]:
        """Return the plugin of a name.

        Entry points are read only for names that are neither registered nor built in.

        Returns:
            The plugin. Failures: ``unknown_<kind>`` (lists the known names), ``broken_<kind>`` (the import raises, or
            the imported object is not valid).
        """
        if name in self._registered:
            return FlextResult.ok(self._registered[name])
        target = self._built_in.get(name)
        if target is not None:
            return self._load(name, target, lambda: _import_attribute(target))
        return self._find_installed(name, self._entry_points(name))

    def check(self, name: str) -> FlextResult[None]:
        """Return a success if the name is known, without importing the plugin. Failure: ``unknown_<kind>``."""
        if name in self._registered or name in self._built_in or any(self._entry_points(name).values()):
            return FlextResult[None].ok(None)
        return self._unknown(name).map(lambda _: None)

    def _find_installed(self, name: str, found: Mapping[str, list[EntryPoint]]) -> FlextResult[T]:
        for entry in found[self._groups[0]]:
            return self._load(name, entry.value, entry.load)
        return self._unknown(name)

    def _load(self, name: str, target: str, load: Callable[[], object]) -> FlextResult[T]:
        """Return the loaded plugin, or the instance of a loaded class. Exceptions of foreign code become failures."""
        try:
            loaded = load()
            plugin = cast("Callable[[], object]", loaded)() if isinstance(loaded, type) else loaded
        except Exception as error:  # noqa: BLE001 - see above
            problem = describe_error(error)
        else:
            problem = self._validate(plugin)
            if not problem:
                return FlextResult.ok(cast("T", plugin))
        message = f"{self._kind.capitalize()} {preview(name)} cannot be loaded from {target}: {problem}"
        fix = f"Report this to the author of the {self._kind}, or remove it from the settings"
        return FlextResult[T].fail(message, code=f"broken_{self._kind}", fix=fix)

    def _entry_points(self, name: str | None) -> dict[str, list[EntryPoint]]:
        """Return the installed entry points by group: those of one name, or all. Reads the installed packages once."""
        from importlib.metadata import entry_points

        installed = entry_points()
        return {
            group: [entry for entry in installed.select(group=group) if name in {None, entry.name}]
            for group in self._groups
        }

    def _unknown(self, name: str) -> FlextResult[T]:
        from difflib import get_close_matches

        names = self.names()
        compared = name[:_MAX_COMPARED_LENGTH]
        suggestion = "".join(f" (did you mean {close}?)" for close in get_close_matches(compared, names, 1))
        known = f"known names are {', '.join(names)}" if names else "none is registered or installed"
        package = self._package_template.format(_to_package_name(compared))
        fix = f"Install its package{package and f' (pip install {package})'}, or call register_{self._kind}"
        message = f"Unknown {self._kind} {preview(name)}{suggestion}: {known}"
        return FlextResult[T].fail(message, code=f"unknown_{self._kind}", fix=fix)

    def _validate_name(self, name: object) -> str:
        if not isinstance(name, str) or not _VALID_NAME.fullmatch(name):
            return f"the name {preview(name)} is not a text without blanks and commas"
        return f"the name {preview(name)} is reserved" if name in self._reserved_names else ""

    def _validate(self, plugin: object) -> str:
        try:
            if self._accepts_callable and callable(plugin):
                return ""
            valid = all(callable(getattr(plugin, method.partition("(")[0], None)) for method in self._methods)
        except Exception as error:  # noqa: BLE001 - attributes of a foreign object may raise anything
            return f"an attribute cannot be read: {describe_error(error)}"
        return "" if valid else f"{type(plugin).__name__} does not implement {' and '.join(self._methods)}"


class ExporterRegistry(PluginRegistry["ExporterFactory"]):
    """Exporter factories by name, with aliases and with the exporters in OpenTelemetry's entry-point groups."""

    _package_template = "opentelemetry-exporter-{}"
    _reserved_names = ("none", *_EXPORTER_ALIASES)

    def find(self, name: str) -> FlextResult[ExporterFactory]:
        """Return the factory of a name or alias. Further failure: ``missing_package``."""
        name = _EXPORTER_ALIASES.get(name, name)
        if name == "otlp_grpc" and name not in self._registered and not _is_installed("grpc"):
            message = f"Exporter {preview(name)} cannot be loaded: the package grpcio is not installed"
            return FlextResult["ExporterFactory"].fail(
                message, code="missing_package", fix="Install it (pip install grpcio)"
            )
        return super().find(name)

    def check(self, name: str) -> FlextResult[None]:
        """Return a success if the name or alias is known. Failure: ``unknown_exporter``."""
        return super().check(_EXPORTER_ALIASES.get(name, name))

    def _find_installed(self, name: str, found: Mapping[str, list[EntryPoint]]) -> FlextResult[ExporterFactory]:
        by_signal: Mapping[Signal, EntryPoint] = {
            signal: found[group][0] for group, signal in _OTEL_GROUPS.items() if found[group]
        }
        if found[self._groups[0]] or not by_signal:
            return super()._find_installed(name, found)
        return self._load(name, _OTEL_WRAPPER, lambda: cast("_Wrap", _import_attribute(_OTEL_WRAPPER))(name, by_signal))


_Wrap = Callable[[str, "Mapping[Signal, EntryPoint]"], object]


def exporter_registry() -> ExporterRegistry:
    """Return the exporters of the process."""
    return current_runtime().get(_make_exporter_registry)


def notifier_registry() -> PluginRegistry[FlextNotifier | Callable[[FlextAlert], object]]:
    """Return the notifiers of the process."""
    return current_runtime().get(_make_notifier_registry)


def storage_registry() -> PluginRegistry[FlextStorageAdapter]:
    """Return the storage adapters of the process."""
    return current_runtime().get(_make_storage_registry)


def _make_exporter_registry() -> ExporterRegistry:
    return ExporterRegistry(
        "exporter",
        ("signals()", "create(signal, config)"),
        ("flext_observability.exporters", *_OTEL_GROUPS),
        {
            "otlp_http": "flext_observability.exporters.otlp.http:factory",
            "otlp_grpc": "flext_observability.exporters.otlp.grpc:factory",
            "prometheus": "flext_observability.exporters.prometheus.page:factory",
            "console": "flext_observability.exporters.console:factory",
            "otlp_file": "flext_observability.exporters.otlp.file:factory",
            "memory": "flext_observability.exporters.memory:factory",
            "prometheus_sdk": "flext_observability.exporters.prometheus.sdk_reader:factory",
            "otlp_sdk_http": "flext_observability.exporters.otlp.sdk:http_factory",
            "otlp_sdk_grpc": "flext_observability.exporters.otlp.sdk:grpc_factory",
            "pushgateway": "flext_observability.exporters.prometheus.pushgateway:factory",
        },
    )


def _make_notifier_registry() -> PluginRegistry[FlextNotifier | Callable[[FlextAlert], object]]:
    return PluginRegistry(
        "notifier", ("notify(alert, timeout_seconds)",), ("flext_observability.notifiers",), accepts_callable=True
    )


def _make_storage_registry() -> PluginRegistry[FlextStorageAdapter]:
    return PluginRegistry(
        "storage",
        ("store(entity)", "query(kind, criteria)"),
        ("flext_observability.storage",),
        {
            "memory": "flext_observability.services.storage.memory:InMemoryStorage",
            "sqlite": "flext_observability.services.storage.sqlite:SQLiteStorage",
        },
    )


def register_exporter(name: str, factory: ExporterFactory) -> FlextResult[None]:
    """Register an exporter factory for the setting ``exporters``.

    It replaces any other exporter of that name from the next ``init_observability`` on.

    Args:
        name: Name without blanks and commas.
        factory: Object with the methods ``signals`` and ``create``.

    Returns:
        None on success. Failure ``invalid_exporter``: the name or the factory is not valid.
    """
    return exporter_registry().register(name, factory)


def available_exporters() -> tuple[str, ...]:
    """Return the names of all exporters: built in, registered, installed."""
    return exporter_registry().names()


def register_notifier(name: str, notifier: FlextNotifier | Callable[[FlextAlert], object]) -> FlextResult[None]:
    """Register a notifier for the setting ``alert_notifiers``, from the next ``init_observability`` on.

    Args:
        name: Name without blanks and commas.
        notifier: Object with the method ``notify(alert, timeout_seconds)``, or a function that accepts an alert.

    Returns:
        None on success. Failure ``invalid_notifier``: the name or the notifier is not valid.
    """
    return notifier_registry().register(name, notifier)


def register_storage(name: str, storage: FlextStorageAdapter) -> FlextResult[None]:
    """Register a storage adapter for ``FlextObservabilityRepository(name)``.

    Args:
        name: Name without blanks and commas.
        storage: Object with the methods ``store(entity)`` and ``query(kind, criteria)``.

    Returns:
        None on success. Failure ``invalid_storage``: the name or the adapter is not valid.
    """
    return storage_registry().register(name, storage)


def _import_attribute(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _to_package_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "…"
