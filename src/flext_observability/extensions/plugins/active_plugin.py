"""Plug-in → ``ActivePlugin``: its overridden hooks, call counts and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.base import HOOK_NAMES, FlextObservabilityPlugin, Hook
from flext_observability.values.dataclass import dataclass
from flext_observability.values.encoding import preview
from flext_observability.values.exceptions import describe_error
from flext_observability.values.foreign import is_a, type_name
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity

HookCall = Callable[["Entity"], object]
_FAILED_FIX: Final = "Correct the plug-in, or remove it"
SLOW_FIX: Final = "Move slow work to a thread of the plug-in, then restart the program"


@dataclass(slots=True)
class PluginStatus:
    """Counts of one plug-in since its registration, or since the fork of this process.

    Attributes:
        name: Name of the plug-in.
        calls: Completed hook calls.
        failures: Hook calls that raised or returned a failure.
        dropped: Entities that the plug-in did not get because the queue was full or the plug-in was switched off.
        reentrant_calls: Entities that its hooks created. No plug-in gets them.
        switched_off: Why the plug-in is no longer called; empty while it is active.
        last_error: Hook, type and message of the last failure; empty for none.
    """

    name: str
    calls: int = 0
    failures: int = 0
    dropped: int = 0
    reentrant_calls: int = 0
    switched_off: str = ""
    last_error: str = ""

    def notices(self) -> Iterator[Notice]:
        """Yield one notice for each problem."""
        if self.switched_off:
            yield Notice("all", f"Plug-in {self.name} is switched off: {self.switched_off}", SLOW_FIX)
        elif self.dropped:
            message = f"Plug-in {self.name} missed {self.dropped} entities: the queue was full"
            yield Notice("all", message, SLOW_FIX)
        if self.failures:
            message = f"Plug-in {self.name} failed in {self.failures} of {self.calls} calls: {self.last_error}"
            yield Notice("all", message, _FAILED_FIX)


@final
class ActivePlugin:
    """An active plug-in.

    Attributes:
        counts: Its counts. Code that changes them holds the dispatcher's lock.
        key: Name it is registered or installed under.
        from_settings: Whether the setting ``plugins`` selected it; otherwise the program registered it.
        hooks: The overridden hooks.
        sort_key: Position among the plug-ins.
    """

    __slots__ = ("counts", "from_settings", "hooks", "key", "sort_key")

    def __init__(self, key: str, plugin: FlextObservabilityPlugin, *, from_settings: bool) -> None:
        self.key = key
        self.from_settings = from_settings
        self.counts = PluginStatus(str(plugin.name) or key)
        self.hooks = _overridden_hooks(plugin)
        self.sort_key = (float(plugin.order), self.counts.name)

    def reset_counts(self) -> None:
        """Set the counts to zero."""
        self.counts = PluginStatus(self.counts.name, switched_off=self.counts.switched_off)


def to_active(key: str, plugin: object, *, from_settings: bool) -> FlextResult[ActivePlugin]:
    """Return the plug-in with counts. Failure ``invalid_plugin``: not a plug-in, or its attributes raise."""
    if is_a(plugin, FlextObservabilityPlugin):
        try:
            return FlextResult.ok(ActivePlugin(key, plugin, from_settings=from_settings))
        except BaseException as error:  # noqa: BLE001 - properties of foreign classes may raise anything
            reraise_interrupt(error)
            problem = f"its name, order or hooks cannot be read: {describe_error(error)}"
    else:
        problem = f"{type_name(plugin)} is not an instance of a subclass of FlextObservabilityPlugin"
    message, fix = f"Invalid plug-in {preview(key)}: {problem}", "Correct the plug-in"
    return FlextResult[ActivePlugin].fail(message, code="invalid_plugin", fix=fix)


def _overridden_hooks(plugin: FlextObservabilityPlugin) -> Mapping[Hook, HookCall]:
    calls: dict[Hook, HookCall] = {hook: getattr(plugin, hook) for hook in HOOK_NAMES}
    return {
        hook: call
        for hook, call in calls.items()
        if getattr(call, "__func__", call) is not getattr(FlextObservabilityPlugin, hook)
    }
