"""One plug-in → the hooks that it overrides, its counts, and what a person should know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import FlextResult
from flext_observability.extensions.plugins.base import HOOK_NAMES, FlextObservabilityPlugin, Hook
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity

Call = Callable[["Entity"], object]
FAILED_FIX: Final = "Mend the plug-in, or leave it out"
SLOW_FIX: Final = "Hand slow work to a thread of the plug-in's own, then start again"


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """What became of one plug-in since it was registered, or since the process was forked.

    Attributes:
        name: Its name.
        calls: Calls of its hooks that came back.
        failures: Calls that raised or returned a failure.
        dropped: Entities that it was not told of because the queue was full or it had been switched off.
        own: Entities that its hooks made; they are told to no plug-in.
        switched_off: Why it is called no more; empty while it is.
        last_error: The last failure: hook, type and message; empty for none.
    """

    name: str
    calls: int = 0
    failures: int = 0
    dropped: int = 0
    own: int = 0
    switched_off: str = ""
    last_error: str = ""

    def notices(self) -> Iterator[Notice]:
        """Say what is wrong with it, if anything."""
        if self.switched_off:
            yield Notice("all", f"Plug-in {self.name} is switched off: {self.switched_off}", SLOW_FIX)
        elif self.dropped:
            yield Notice(
                "all", f"Plug-in {self.name} missed {self.dropped} entities because the queue was full", SLOW_FIX
            )
        if self.failures:
            message = f"Plug-in {self.name} failed in {self.failures} of {self.calls} calls, the last time with {self.last_error}"
            yield Notice("all", message, FAILED_FIX)


@final
class RegisteredPlugin:
    """A plug-in that is told of entities; whoever changes the counts holds the dispatcher's lock.

    Attributes:
        key: Name that it is registered or installed under.
        by_hand: Whether it was registered by hand, and not chosen by a setting.
        hooks: What it overrides.
        rank: What plug-ins are sorted by.
    """

    __slots__ = (
        "by_hand",
        "calls",
        "dropped",
        "failures",
        "hooks",
        "key",
        "last_error",
        "name",
        "own",
        "rank",
        "switched_off",
    )

    def __init__(self, key: str, plugin: FlextObservabilityPlugin, *, by_hand: bool) -> None:
        self.key = key
        self.by_hand = by_hand
        self.name = str(plugin.name) or key
        self.hooks = _overridden(plugin)
        self.rank = (float(plugin.order), self.name)
        self.switched_off = ""
        self.reinit_after_fork()

    def reinit_after_fork(self) -> None:
        """Set the counts to zero."""
        self.calls = self.failures = self.dropped = self.own = 0
        self.last_error = ""

    def status(self) -> PluginStatus:
        """Return the counts at this moment."""
        return PluginStatus(
            self.name, self.calls, self.failures, self.dropped, self.own, self.switched_off, self.last_error
        )


def listener_of(key: str, plugin: object, *, by_hand: bool) -> FlextResult[RegisteredPlugin]:
    """Return a listener for a plug-in; failure ``invalid_plugin``."""
    if not isinstance(plugin, FlextObservabilityPlugin):
        message = f"A plug-in is an instance of a subclass of FlextObservabilityPlugin, not {type(plugin).__name__}"
        return FlextResult[RegisteredPlugin].fail(message, code="invalid_plugin")
    try:
        return FlextResult.ok(RegisteredPlugin(key, plugin, by_hand=by_hand))
    except Exception as error:  # noqa: BLE001 - attributes of others may be anything
        problem = f"The plug-in cannot be looked at: {describe_error(error)}; mend its name, order and hooks"
        return FlextResult[RegisteredPlugin].fail(problem, code="invalid_plugin")


def _overridden(plugin: FlextObservabilityPlugin) -> Mapping[Hook, Call]:
    own: dict[Hook, Call] = {hook: getattr(plugin, hook) for hook in HOOK_NAMES}
    return {
        hook: call
        for hook, call in own.items()
        if getattr(call, "__func__", call) is not getattr(FlextObservabilityPlugin, hook)
    }
