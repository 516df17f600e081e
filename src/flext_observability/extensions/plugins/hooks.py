"""Entities that services made → the plug-ins, registered by hand or chosen by a setting (HOOKS); nearly free without any."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.extensions.plugins.base import HOOK_NAMES, Hook
from flext_observability.extensions.registry import PLUGINS, find_plugin
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import say
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.result import FlextResult
    from flext_observability.extensions.plugins.base import FlextObservabilityPlugin
    from flext_observability.extensions.plugins.dispatcher import Dispatcher
    from flext_observability.extensions.plugins.registered_plugin import PluginStatus, RegisteredPlugin

_logger: Final = logging.getLogger("flext_observability")


@final
class Hooks:
    """The plug-ins of a process, and how they are told; safe from threads. A forked child has the same ones, with counts of its own."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._dispatcher: Dispatcher | None = None  # made with the first plug-in: most programs have none
        self._plugins: dict[str, RegisteredPlugin] = {}
        # Replaced as a whole, so that telling reads it without the lock; empty when nobody listens.
        self._by_hook: Mapping[Hook, tuple[RegisteredPlugin, ...]] = {}

    def tell(self, hook: Hook, entity: Entity) -> None:
        """Have every plug-in that overrides this hook called with the entity, soon; never waits and never raises."""
        if self._by_hook:
            self._tell(hook, entity)

    def add(self, listener: RegisteredPlugin) -> None:
        """Take a plug-in; one of the same name is replaced, with its counts."""
        from flext_observability.extensions.plugins.dispatcher import Dispatcher

        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self._lock)
                register_fork_aware(self)
            self._remove_registered([listener.key])
            self._plugins[listener.key] = listener
            self._reindex()

    def select(self, names: Iterable[str]) -> tuple[Notice, ...]:
        """Take the plug-ins of a setting in place of those of the setting before; those registered by hand stay.

        Returns:
            What is wrong: names that nobody knows, plug-ins that cannot be loaded.
        """
        self._deselect()
        notices: list[Notice] = []
        for name in names:
            if name in self._plugins:
                continue
            found = _installed(name).tap(self.add)
            if found.is_failure:
                notices.append(
                    Notice("all", f"Plug-in {name!r} is not there: {found.error}", "Correct the setting plugins")
                )
        return tuple(notices)

    def remove(self, name: str) -> None:
        """Call a plug-in no more; what waits for it is dropped."""
        with self._lock:
            self._remove_registered([name])

    def status(self) -> tuple[PluginStatus, ...]:
        """Return the counts of every plug-in, in the order in which they are called."""
        with self._lock:
            return tuple(listener.status() for listener in self._sorted())

    def notices(self) -> tuple[Notice, ...]:
        """Return what a person should know: failures, drops, plug-ins that are switched off."""
        return tuple(notice for status in self.status() for notice in status.notices())

    def flush(self, deadline: float) -> bool:
        """Wait until plug-ins have heard of everything so far; whether that was so before ``deadline`` (monotonic seconds)."""
        return self._dispatcher is None or self._dispatcher.flush(deadline)

    def close(self, deadline: float) -> bool:
        """Flush, then call plug-ins of the setting no more; those registered by hand stay."""
        dispatcher = self._dispatcher
        if dispatcher is None:
            return True
        flushed = dispatcher.flush(deadline)
        if not flushed:
            say(_logger, f"Plug-ins were not told of everything in time: {dispatcher.waiting} calls wait")
        self._deselect()
        dispatcher.rest()
        return flushed

    def reinit_after_fork(self) -> None:
        """Begin with counts at zero in a forked child."""
        for listener in self._plugins.values():
            listener.reinit_after_fork()

    def _deselect(self) -> None:
        with self._lock:
            self._remove_registered([key for key, listener in self._plugins.items() if not listener.by_hand])

    def _remove_registered(self, keys: Iterable[str]) -> None:
        for key in keys:
            if key in self._plugins:
                self._plugins.pop(key).switched_off = "it was taken away"
        self._reindex()

    def _sorted(self) -> list[RegisteredPlugin]:
        return sorted(self._plugins.values(), key=lambda listener: listener.rank)

    def _reindex(self) -> None:
        by_hook: dict[Hook, tuple[RegisteredPlugin, ...]] = {
            hook: tuple(each for each in self._sorted() if hook in each.hooks) for hook in HOOK_NAMES
        }
        self._by_hook = {hook: listeners for hook, listeners in by_hook.items() if listeners}

    def _tell(self, hook: Hook, entity: Entity) -> None:
        listeners, dispatcher = self._by_hook.get(hook, ()), self._dispatcher
        if not listeners or dispatcher is None:
            return
        inside = dispatcher.inside()
        if inside is not None:
            with self._lock:
                inside.own += 1
            return
        dispatcher.watch()
        # A trace goes on changing: plug-ins get it as it is now.
        shown = entity.model_copy() if entity.kind == "trace" else entity
        for listener in listeners:
            dispatcher.call(listener, hook, shown)


HOOKS: Final = Hooks()
"""The plug-ins of this process."""


def register_plugin(name: str, plugin: FlextObservabilityPlugin) -> FlextResult[None]:
    """Make a plug-in known under a name, and active at once, also before ``init_observability``; one of that name is replaced.

    Args:
        name: No blanks or commas.
        plugin: Instance of a subclass of ``FlextObservabilityPlugin``.

    Returns:
        Nothing on success. Failure ``invalid_plugin``.
    """
    from flext_observability.extensions.plugins.registered_plugin import listener_of

    checked = listener_of(name, plugin, by_hand=True)
    return checked.flat_map(lambda listener: PLUGINS.register(name, plugin).tap(lambda _: HOOKS.add(listener)))


def _installed(name: str) -> FlextResult[RegisteredPlugin]:
    from flext_observability.extensions.plugins.registered_plugin import listener_of

    return find_plugin(name).flat_map(lambda plugin: listener_of(name, plugin, by_hand=False))
