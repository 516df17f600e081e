"""Name → what others bring (exporter factories, notifiers, storage, plug-ins): registered by hand, built in, or found by entry point."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.domain.result import FlextResult
from flext_observability.settings.choices import ALIASES
from flext_observability.values.encoding import preview

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from flext_observability.domain.alert import FlextAlert
    from flext_observability.extensions.plugins.base import FlextObservabilityPlugin
    from flext_observability.extensions.ports import ExporterFactory, FlextNotifier, FlextStorageAdapter

T = TypeVar("T")

OTEL_GROUPS: Mapping[Signal, str] = {signal: f"opentelemetry_{signal}_exporter" for signal in SIGNALS}
_WRAP = "flext_observability.exporters.third_party:wrap"
_NAME = re.compile(r"[^\s,]+")


@dataclass(slots=True, repr=False, eq=False)
class PluginRegistry(Generic[T]):
    """Things of one kind by name.

    Attributes:
        word: What one is called: "exporter".
        methods: What one must have; a mistake's message names them.
        built_in: Module and attribute by name.
        function: Whether any callable will do as well.
        aliases: Other words for names.
        reserved: Names that nobody can take.
        groups: Entry-point groups to look through, ours first.
        install: What to install for a name that nobody knows; ``{}`` stands for the name.
        needs: Module that not every platform has, and what to install, by built-in name.
    """

    word: str
    methods: Mapping[str, str]
    built_in: Mapping[str, str] = field(default_factory=dict[str, str])
    function: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    reserved: tuple[str, ...] = ("none",)
    groups: tuple[str, ...] = ()
    install: str = ""
    needs: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _registered: dict[str, T] = field(default_factory=dict[str, T])

    def register(self, name: str, thing: T) -> FlextResult[None]:
        """Make a thing known under a name, before all others; failure ``invalid_<word>``."""
        try:
            problem = self._name_problem(name) or self._problem(thing)
        except Exception as error:  # noqa: BLE001 - an object of any type may raise anything when it is looked at
            problem = f"The {self.word} cannot be looked at: {type(error).__name__}: {error}"
        if problem:
            return FlextResult[None].fail(problem, code=f"invalid_{self.word}")
        self._registered[name] = thing
        return FlextResult[None].ok(None)

    def names(self) -> tuple[str, ...]:
        """Return every name: built in, registered by hand, found by entry point."""
        found = {entry.name for group in self._entry_points(None).values() for entry in group} - set(self.reserved)
        return tuple(dict.fromkeys([*self.built_in, *self._registered, *sorted(found)]))

    def find(self, name: str) -> FlextResult[T]:
        """Return the thing of a name; entry points are looked up for names alone that nothing else answers.

        Failures: ``unknown_<word>`` (lists what there is), ``missing_package`` (says what to install), ``broken_<word>`` (its code
        raises, or gives something else).
        """
        registered = self._registered.get(name)
        if registered is not None:
            return FlextResult.ok(registered)
        built_in = self.aliases.get(name, name)
        if built_in in self.built_in:
            return self._built_in(built_in)
        points = self._entry_points(name)
        for entry in points[self.groups[0]]:
            return self._load(name, entry.value, entry.load)
        return self._load_otel_entry_points(name, points)

    def check(self, name: str) -> FlextResult[None]:
        """Return whether anything goes by a name, without loading it; failure ``unknown_<word>``."""
        if name in self._registered or self.aliases.get(name, name) in self.built_in:
            return FlextResult[None].ok(None)
        if any(self._entry_points(name).values()):
            return FlextResult[None].ok(None)
        return FlextResult[None].fail(self._unknown(name), code=f"unknown_{self.word}")

    def _load_otel_entry_points(self, name: str, points: Mapping[str, list[EntryPoint]]) -> FlextResult[T]:
        """Return what OpenTelemetry's own groups hold, wrapped."""
        by_signal: Mapping[Signal, EntryPoint] = {
            signal: points[group][0] for signal, group in OTEL_GROUPS.items() if points.get(group)
        }
        if by_signal:
            return self._load(name, _WRAP, lambda: cast("_Wrap", _attribute(_WRAP))(name, by_signal))
        return FlextResult[T].fail(self._unknown(name), code=f"unknown_{self.word}")

    def _built_in(self, name: str) -> FlextResult[T]:
        if name in self.needs:
            from importlib.util import find_spec

            module, package = self.needs[name]
            if find_spec(module) is None:
                title = self.word.capitalize()
                message = f"{title} {preview(name)} needs a package that is not installed: pip install {package}"
                return FlextResult[T].fail(message, code="missing_package")
        target = self.built_in[name]
        return self._load(name, target, lambda: _attribute(target))

    def _load(self, name: str, target: str, load: Callable[[], object]) -> FlextResult[T]:
        """Return what ``load`` gives, a class's instance for a class; errors as failures: code of others must not end the program."""
        try:
            thing = load()
            thing = cast("Callable[[], object]", thing)() if isinstance(thing, type) else thing
            problem = self._problem(thing)
        except Exception as error:  # noqa: BLE001 - see above
            problem = f"cannot be loaded: {type(error).__name__}: {error}"
        else:
            if not problem:
                return FlextResult.ok(cast("T", thing))
        message = f"{self.word.capitalize()} {preview(name)} ({target}): {problem}"
        return FlextResult[T].fail(message, code=f"broken_{self.word}")

    def _entry_points(self, name: str | None) -> dict[str, list[EntryPoint]]:
        """Return what is installed by group, things of one name or all; one walk over the installed packages."""
        from importlib.metadata import entry_points

        installed = entry_points()
        return {
            group: [entry for entry in installed.select(group=group) if name in {None, entry.name}]
            for group in self.groups
        }

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches

        names = self.names()
        near = get_close_matches(name[:80], names, 1)
        package = f" (pip install {self.install.format(_slug(name[:80]))})" if self.install else ""
        return (
            f"No {self.word} is called {preview(name)}{f' (did you mean {near[0]}?)' if near else ''}. "
            f"There are: {', '.join(names) or 'none'}. "
            f"Install the package that brings it{package}, or call register_{self.word}"
        )

    def _name_problem(self, name: object) -> str:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            article = "an" if self.word[0] in "aeiou" else "a"
            return f"The name of {article} {self.word} must be text without blanks and commas"
        return f"The name {preview(name)} has a meaning of its own: choose another" if name in self.reserved else ""

    def _problem(self, thing: object) -> str:
        if (self.function and callable(thing)) or all(callable(getattr(thing, each, None)) for each in self.methods):
            return ""
        methods = " and ".join(self.methods.values())
        return f"It must have the methods {methods}: {type(thing).__name__} has not"


_Wrap = Callable[[str, "Mapping[Signal, EntryPoint]"], object]
_ALIASES: Mapping[str, str] = {"otlp": "otlp_http", **ALIASES}

EXPORTERS: PluginRegistry[ExporterFactory] = PluginRegistry(
    word="exporter",
    methods={"signals": "signals()", "create": "create(signal, config)"},
    built_in={
        "otlp_http": "flext_observability.exporters.otlp.http:factory",
        "otlp_grpc": "flext_observability.exporters.otlp.grpc:factory",
        "prometheus": "flext_observability.exporters.prometheus.page:factory",
        "console": "flext_observability.exporters.console:factory",
        "otlp_file": "flext_observability.exporters.otlp.file:factory",
        "memory": "flext_observability.exporters.memory:factory",
        "pushgateway": "flext_observability.exporters.prometheus.pushgateway:factory",
    },
    aliases=_ALIASES,
    reserved=("none", *_ALIASES),
    groups=("flext_observability.exporters", *OTEL_GROUPS.values()),
    install="opentelemetry-exporter-{}",
    needs={"otlp_grpc": ("grpc", "grpcio")},
)
NOTIFIERS: PluginRegistry[FlextNotifier | Callable[[FlextAlert], object]] = PluginRegistry(
    word="notifier",
    methods={"notify": "notify(alert, timeout_seconds)"},
    function=True,
    groups=("flext_observability.notifiers",),
)
STORAGE: PluginRegistry[FlextStorageAdapter] = PluginRegistry(
    word="storage",
    methods={"store": "store(entity)", "query": "query(kind, criteria)"},
    built_in={
        "memory": "flext_observability.services.storage.memory:InMemoryStorage",
        "sqlite": "flext_observability.services.storage.sqlite:SQLiteStorage",
    },
    groups=("flext_observability.storage",),
)
# Filled by hand through ``plugins.hooks.register_plugin``, which also makes the plug-in active at once.
PLUGINS: PluginRegistry[FlextObservabilityPlugin] = PluginRegistry(
    word="plugin",
    methods={"on_metric_created": "of a FlextObservabilityPlugin (such as on_metric_created)"},
    groups=("flext_observability.plugins",),
)


def register_exporter(name: str, factory: ExporterFactory) -> FlextResult[None]:
    """Make a factory known under a name; it takes the place of any other of that name from the next ``init_observability`` on.

    Args:
        name: Name to use in ``exporters``; no blanks or commas.
        factory: Object with the methods ``signals`` and ``create``.

    Returns:
        Nothing on success. Failure ``invalid_exporter``: the name cannot be used, or the object is no factory.
    """
    return EXPORTERS.register(name, factory)


def available_exporters() -> tuple[str, ...]:
    """Return every name that ``exporters`` can hold: built in, registered by hand, found by entry point."""
    return EXPORTERS.names()


def find_exporter(name: str) -> FlextResult[ExporterFactory]:
    """Return the factory of a name.

    Returns:
        The factory. Failures: ``unknown_exporter`` (lists what there is), ``missing_package`` (says what to install),
        ``broken_exporter`` (its code raises, or gives no factory).
    """
    return EXPORTERS.find(name)


def register_notifier(name: str, notifier: FlextNotifier | Callable[[FlextAlert], object]) -> FlextResult[None]:
    """Make a notifier known under a name, to be used in the setting ``alert_notifiers`` from the next ``init_observability`` on.

    Args:
        name: No blanks or commas.
        notifier: Object with the method ``notify(alert, timeout_seconds)``, or a function that takes an alert.

    Returns:
        Nothing on success. Failure ``invalid_notifier``.
    """
    return NOTIFIERS.register(name, notifier)


def find_notifier(name: str) -> FlextResult[FlextNotifier | Callable[[FlextAlert], object]]:
    """Return the notifier of a name; failures ``unknown_notifier``, ``broken_notifier``."""
    return NOTIFIERS.find(name)


def register_storage(name: str, storage: FlextStorageAdapter) -> FlextResult[None]:
    """Make a storage adapter known under a name, to be used by ``FlextObservabilityRepository``.

    Args:
        name: No blanks or commas.
        storage: Object with the methods ``store(entity)`` and ``query(kind, criteria)``.

    Returns:
        Nothing on success. Failure ``invalid_storage``.
    """
    return STORAGE.register(name, storage)


def find_storage(name: str) -> FlextResult[FlextStorageAdapter]:
    """Return the storage adapter of a name; failures ``unknown_storage``, ``broken_storage``."""
    return STORAGE.find(name)


def find_plugin(name: str) -> FlextResult[FlextObservabilityPlugin]:
    """Return the plug-in of a name; failures ``unknown_plugin``, ``broken_plugin``."""
    return PLUGINS.find(name)


def _attribute(target: str) -> object:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "…"
