"""Name → exporter factory, notifier, storage adapter or plug-in: registered, built in, or found by entry point."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar, cast

from flext_observability.domain.guard import never_raises
from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.runtime.bounded_call import BoundedCall, call_at_start
from flext_observability.runtime.runtime import current_runtime
from flext_observability.settings.choices import ALIASES
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import is_a, plain_text, type_name
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.shortage import is_shortage, shortage_fix

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.ports import ExporterFactory, FlextNotifier, FlextStorageAdapter

T = TypeVar("T")
_Wrap = Callable[[str, "Mapping[Signal, EntryPoint]"], object]

LOAD_SECONDS = 5.0
"""Limit of loading one entry point."""
_VALID_NAME: Final = lazy_pattern(r"[^\s,]+")
_MAX_COMPARED_LENGTH: Final = 80
_EXPORTER_ALIASES: Final[Mapping[str, str]] = {"otlp": "otlp_http", **ALIASES}
_OTEL_GROUPS: Final[Mapping[str, Signal]] = {f"opentelemetry_{signal}_exporter": signal for signal in SIGNALS}
_OTEL_WRAPPER: Final = "flext_observability.exporters.third_party:WrappedFactory"


class ExtensionRegistry(Generic[T]):
    """Extensions of one kind by name. Precedence: registered, built in, entry point.

    A subclass sets the attributes.

    Attributes:
        kind: Word in messages and failure codes, such as ``notifier``.
        groups: Entry-point groups; the first one is this package's.
        methods: Signatures of the methods that an extension must have, such as ``store(entity)``.
        built_in: ``module:attribute`` by name, imported on use.
        accepts_callable: Whether a callable without these methods is valid, too.
        package_template: Name of the package to install for an unknown name, which replaces ``{}``.
        reserved_names: Names that cannot be registered.
    """

    kind: ClassVar[str]
    groups: ClassVar[Sequence[str]]
    methods: ClassVar[Collection[str]] = ()
    built_in: ClassVar[Mapping[str, str]] = {}
    accepts_callable: ClassVar[bool] = False
    package_template: ClassVar[str] = ""
    reserved_names: ClassVar[Collection[str]] = ("none",)

    def __init__(self) -> None:
        self._registered: dict[str, T] = {}
        self._hung: dict[str, BoundedCall[FlextResult[T]]] = {}

    @never_raises
    def register(self, name: str, extension: T) -> FlextResult[None]:
        """Register an extension. It replaces any other of that name. A failure (``invalid_<kind>``) is logged."""
        return log_failed_setup(f"register_{self.kind}", self._register(name, extension))

    def names(self) -> tuple[str, ...]:
        """Return all names: built in, registered, installed."""
        found = {entry.name for entries in self._entry_points(None).values() for entry in entries}
        return tuple(dict.fromkeys([*self.built_in, *self._registered, *sorted(found.difference(self.reserved_names))]))

    def find(self, name: str) -> FlextResult[T]:
        """Return the extension of a name.

        Entry points are read only for names that are neither registered nor built in.

        Returns:
            The extension. Failures: ``unknown_<kind>`` (lists the known names), ``broken_<kind>`` (the import raises
            or does not return, or the imported object is not valid).
        """
        if name in self._registered:
            return FlextResult.ok(self._registered[name])
        target = self.built_in.get(name)
        if target is not None:
            return self._load(name, target, lambda: _import_attribute(target))
        return self._find_installed(name, self._entry_points(name))

    def check(self, name: str) -> FlextResult[None]:
        """Return a success if the name is known, without importing the extension. Failure: ``unknown_<kind>``."""
        if name in self._registered or name in self.built_in or any(self._entry_points(name).values()):
            return FlextResult[None].ok(None)
        return self._unknown(name).map(lambda _: None)

    def _register(self, name: str, extension: T) -> FlextResult[None]:
        text = plain_text(name)
        problem, fix = self._validate_name(name, text), "Choose another name"
        if not problem:
            problem, fix = self._validate(extension), f"Correct the {self.kind}"
        if problem or text is None:
            return FlextResult[None].fail(f"Invalid {self.kind}: {problem}", code=f"invalid_{self.kind}", fix=fix)
        self._registered[text] = extension
        return FlextResult[None].ok(None)

    def _find_installed(self, name: str, found: Mapping[str, list[EntryPoint]]) -> FlextResult[T]:
        for entry in found[self.groups[0]]:
            return self._load_in_time(name, entry)
        return self._unknown(name)

    def _load_in_time(self, name: str, entry: EntryPoint) -> FlextResult[T]:
        """Load an entry point; one that has not returned is waited for once."""
        call = self._hung.pop(name, None) or call_at_start(
            f"loading the {self.kind} {name}", lambda: self._load(name, entry.value, entry.load), LOAD_SECONDS
        )
        if call.value is not None:
            return call.value
        self._hung[name] = call
        return self._broken(name, entry.value, "it does not return")

    def _load(self, name: str, target: str, load: Callable[[], object]) -> FlextResult[T]:
        """Return the loaded extension, or an instance of a loaded class. Exceptions of foreign code become failures."""
        try:
            loaded = load()
            extension = cast("Callable[[], object]", loaded)() if is_a(loaded, type) else loaded
        except BaseException as error:  # noqa: BLE001 - see above
            reraise_interrupt(error)
            if is_shortage(error):
                return self._broken(name, target, describe_error(error), shortage_fix(error))
            problem = describe_error(error)
        else:
            problem = self._validate(extension)
            if not problem:
                return FlextResult.ok(cast("T", extension))
        return self._broken(name, target, problem)

    def _broken(self, name: str, target: str, problem: str, fix: str = "") -> FlextResult[T]:
        message = f"{self.kind.capitalize()} {preview(name)} cannot be loaded from {target}: {problem}"
        fix = fix or f"Report this to the author of the {self.kind}, or remove it from the settings"
        return FlextResult[T].fail(message, code=f"broken_{self.kind}", fix=fix)

    def _entry_points(self, name: str | None) -> dict[str, list[EntryPoint]]:
        """Return the installed entry points by group: those of one name, or all. Reads the installed packages once."""
        from importlib.metadata import entry_points

        installed = entry_points()
        return {
            group: [entry for entry in installed.select(group=group) if name in {None, entry.name}]
            for group in self.groups
        }

    def _unknown(self, name: str) -> FlextResult[T]:
        from difflib import get_close_matches

        names = self.names()
        compared = name[:_MAX_COMPARED_LENGTH]
        suggestion = "".join(f" (did you mean {close}?)" for close in get_close_matches(compared, names, 1))
        known = f"known names are {', '.join(names)}" if names else "none is registered or installed"
        package = self.package_template.format(re.sub(r"[^a-z0-9]+", "-", compared.lower()).strip("-") or "…")
        fix = f"Install its package{package and f' (pip install {package})'}, or call register_{self.kind}"
        message = f"Unknown {self.kind} {preview(name)}{suggestion}: {known}"
        return FlextResult[T].fail(message, code=f"unknown_{self.kind}", fix=fix)

    def _validate_name(self, name: object, text: str | None) -> str:
        if text is None or not _VALID_NAME.fullmatch(text):
            return f"the name {preview(name)} is not a text without blanks and commas"
        return f"the name {preview(name)} is reserved" if text in self.reserved_names else ""

    def _validate(self, extension: object) -> str:
        try:
            if self.accepts_callable and callable(extension):
                return ""
            valid = all(callable(getattr(extension, method.partition("(")[0], None)) for method in self.methods)
        except BaseException as error:  # noqa: BLE001 - attributes of a foreign object may raise anything
            reraise_interrupt(error)
            return f"an attribute cannot be read: {describe_error(error)}"
        return "" if valid else f"{type_name(extension)} does not implement {' and '.join(self.methods)}"


class ExporterRegistry(ExtensionRegistry["ExporterFactory"]):
    """Exporter factories by name, with aliases and with the exporters in OpenTelemetry's entry-point groups."""

    kind = "exporter"
    groups = ("flext_observability.exporters", *_OTEL_GROUPS)
    methods = ("signals()", "create(signal, config)")
    built_in: ClassVar[Mapping[str, str]] = {
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
    }
    package_template = "opentelemetry-exporter-{}"
    reserved_names = ("none", *_EXPORTER_ALIASES)

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
        if found[self.groups[0]] or not by_signal:
            return super()._find_installed(name, found)
        return self._load(name, _OTEL_WRAPPER, lambda: cast("_Wrap", _import_attribute(_OTEL_WRAPPER))(name, by_signal))


class NotifierRegistry(ExtensionRegistry["FlextNotifier | Callable[[FlextAlert], object]"]):
    """Notifiers by name."""

    kind = "notifier"
    groups = ("flext_observability.notifiers",)
    methods = ("notify(alert, timeout_seconds)",)
    accepts_callable = True


class StorageRegistry(ExtensionRegistry["FlextStorageAdapter"]):
    """Storage adapters by name."""

    kind = "storage"
    groups = ("flext_observability.storage",)
    methods = ("store(entity)", "query(kind, criteria)")
    built_in: ClassVar[Mapping[str, str]] = {
        "memory": "flext_observability.services.storage.memory:InMemoryStorage",
        "sqlite": "flext_observability.services.storage.sqlite:SQLiteStorage",
    }


class PluginRegistry(ExtensionRegistry[object]):
    """Registered and installed plug-ins by name, active or not. ``to_active`` checks their type."""

    kind = "plugin"
    groups = ("flext_observability.plugins",)


def exporter_registry() -> ExporterRegistry:
    """Return the exporters of the process."""
    return current_runtime().get(ExporterRegistry)


def notifier_registry() -> NotifierRegistry:
    """Return the notifiers of the process."""
    return current_runtime().get(NotifierRegistry)


def storage_registry() -> StorageRegistry:
    """Return the storage adapters of the process."""
    return current_runtime().get(StorageRegistry)


def plugin_registry() -> PluginRegistry:
    """Return the plug-ins of the process."""
    return current_runtime().get(PluginRegistry)


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


def _is_installed(package: str) -> bool:
    from importlib.util import find_spec

    return find_spec(package) is not None


def _import_attribute(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
