"""Entity → hook calls of the active plug-ins. Costs one check of an empty table when there are none."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.guard import never_raises
from flext_observability.domain.report import Notice
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.extensions.plugins.base import HOOK_NAMES, Hook
from flext_observability.extensions.registry import plugin_registry
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.foreign import plain_text

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity
    from flext_observability.domain.result import FlextResult
    from flext_observability.extensions.plugins.active_plugin import ActivePlugin, PluginStatus
    from flext_observability.extensions.plugins.base import FlextObservabilityPlugin
    from flext_observability.extensions.plugins.dispatcher import Dispatcher

_logger: Final = logging.getLogger("flext_observability")


@final
class Hooks:
    """The active plug-ins of a process. Thread-safe. A forked child keeps them, with counts of zero."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._dispatcher: Dispatcher | None = None  # created with the first plug-in: most programs have none
        self._plugins: dict[str, ActivePlugin] = {}  # in call order
        # Replaced as a whole, so that ``dispatch`` reads it without the lock.
        self._by_hook: Mapping[Hook, tuple[ActivePlugin, ...]] = {}

    def dispatch(self, hook: Hook, entity: Entity) -> None:
        """Queue a call of this hook for every plug-in that overrides it. Never blocks, never raises."""
        plugins, dispatcher = self._by_hook.get(hook), self._dispatcher
        if not plugins or dispatcher is None:
            return
        caller = dispatcher.current_plugin()
        if caller is not None:
            with self._lock:
                caller.counts.reentrant_calls += 1
            return
        dispatcher.start_watchdog()
        # Traces are mutable: plug-ins get the present state.
        snapshot = entity.model_copy() if entity.kind == "trace" else entity
        for plugin in plugins:
            dispatcher.enqueue(plugin, hook, snapshot)

    def add(self, plugin: ActivePlugin) -> None:
        """Activate a plug-in. It replaces one of the same name."""
        from flext_observability.extensions.plugins.dispatcher import Dispatcher

        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self._lock)
                register_fork_aware(self)
            self.remove(plugin.key)
            self._plugins[plugin.key] = plugin
            self._reindex()

    def set_configured(self, names: Iterable[str]) -> tuple[Notice, ...]:
        """Replace the plug-ins of the setting ``plugins``. Plug-ins that the program registered stay.

        Returns:
            One notice for each plug-in that is unknown or cannot be loaded.
        """
        self._remove_configured()
        notices: list[Notice] = []
        for name in names:
            if name not in self._plugins:
                from flext_observability.extensions.plugins.active_plugin import to_active

                found = plugin_registry().find(name).flat_map(partial(to_active, name, from_settings=True))
                if found.tap(self.add).is_failure:
                    notices.append(Notice("all", f"Plug-in {name!r} is not active: {found.message}", found.fix))
        return tuple(notices)

    def remove(self, *names: str) -> None:
        """Deactivate plug-ins and drop their queued calls. Unknown names are ignored."""
        with self._lock:
            for name in self._plugins.keys() & names:
                self._plugins.pop(name).counts.switched_off = "it was removed"
            self._reindex()

    def status(self) -> tuple[PluginStatus, ...]:
        """Return the counts of every plug-in, in call order."""
        with self._lock:
            return tuple(replace(plugin.counts) for plugin in self._plugins.values())

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each failing, slow or switched-off plug-in."""
        return tuple(notice for status in self.status() for notice in status.notices())

    def flush(self, deadline: float) -> bool:
        """Wait for the queued calls; return whether they completed before ``deadline`` (monotonic seconds)."""
        return self._dispatcher is None or self._dispatcher.flush(deadline)

    def close(self, deadline: float) -> bool:
        """Flush, then deactivate the plug-ins of the setting. Plug-ins that the program registered stay."""
        dispatcher = self._dispatcher
        if dispatcher is None:
            return True
        flushed = dispatcher.flush(deadline)
        if not flushed:
            log_warning(_logger, f"Plug-ins did not finish in time: {dispatcher.queued} calls are queued")
        self._remove_configured()
        dispatcher.stop_watchdog()
        return flushed

    def reinit_after_fork(self) -> None:
        """Set the counts to zero in a forked child."""
        for plugin in self._plugins.values():
            plugin.reset_counts()

    def _remove_configured(self) -> None:
        with self._lock:
            self.remove(*(key for key, plugin in self._plugins.items() if plugin.from_settings))

    def _reindex(self) -> None:
        ordered = sorted(self._plugins.values(), key=lambda plugin: plugin.sort_key)
        self._plugins = {plugin.key: plugin for plugin in ordered}
        by_hook: dict[Hook, tuple[ActivePlugin, ...]] = {
            hook: tuple(plugin for plugin in ordered if hook in plugin.hooks) for hook in HOOK_NAMES
        }
        self._by_hook = {hook: plugins for hook, plugins in by_hook.items() if plugins}


def plugin_hooks() -> Hooks:
    """Return the active plug-ins of the process."""
    return current_runtime().get(Hooks)


@never_raises
def register_plugin(name: str, plugin: FlextObservabilityPlugin) -> FlextResult[None]:
    """Register a plug-in and activate it immediately, also before ``init_observability``.

    It replaces any other plug-in of that name.

    Args:
        name: Name without blanks and commas.
        plugin: Instance of a subclass of ``FlextObservabilityPlugin``.

    Returns:
        None on success. Failure ``invalid_plugin``: the name or the plug-in is not valid.
    """
    from flext_observability.extensions.plugins.active_plugin import to_active

    text = plain_text(name)
    name = name if text is None else text
    valid = log_failed_setup("register_plugin", to_active(name, plugin, from_settings=False))
    return valid.flat_map(
        lambda active: plugin_registry().register(name, plugin).tap(lambda _: plugin_hooks().add(active))
    )
