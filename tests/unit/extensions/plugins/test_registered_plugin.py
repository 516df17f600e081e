from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextObservabilityPlugin
from flext_observability.extensions.plugins.registered_plugin import PluginStatus, listener_of
from tests.unit.extensions.plugins.heard import Recording


def test_only_overridden_hooks_are_called() -> None:
    listener = listener_of("one", Recording(), by_hand=True).unwrap()
    assert set(listener.hooks) == {"on_metric_created", "on_trace_started", "on_trace_completed"}


def test_a_hook_that_is_set_on_the_instance_counts() -> None:
    plugin: Any = FlextObservabilityPlugin()
    plugin.on_metric_created = print
    assert set(listener_of("one", plugin, by_hand=True).unwrap().hooks) == {"on_metric_created"}


@pytest.mark.parametrize("plugin", [None, 5, "audit", object(), Recording])
def test_what_is_no_instance_of_a_plugin_is_refused(plugin: Any) -> None:
    result = listener_of("one", plugin, by_hand=True)
    assert (result.code, str(result.error)[:30]) == ("invalid_plugin", "A plug-in is an instance of a ")


@pytest.mark.parametrize("order", [None, "first", object()])
def test_an_order_that_is_no_number_is_refused(order: Any) -> None:
    assert listener_of("one", Recording(order), by_hand=True).code == "invalid_plugin"


def test_a_plugin_that_raises_when_it_is_looked_at_is_refused() -> None:
    class Odd(FlextObservabilityPlugin):
        @property
        def name(self) -> str:  # type: ignore[override]  # as users do
            raise ValueError("no name")

    result = listener_of("one", Odd(), by_hand=True)
    assert (result.code, "no name" in str(result.error)) == ("invalid_plugin", True)


def test_a_plugin_may_bring_its_name() -> None:
    plugin = Recording()
    plugin.name = "audit"
    assert listener_of("one", plugin, by_hand=True).unwrap().status() == PluginStatus("audit")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (PluginStatus("a", calls=3), []),
        (
            PluginStatus("a", 3, 2, last_error="on_x: ValueError: bad"),
            ["failed in 2 of 3 calls, the last time with on_x"],
        ),
        (PluginStatus("a", dropped=4), ["missed 4 entities because the queue was full"]),
        (PluginStatus("a", 1, dropped=4, switched_off="it hangs"), ["is switched off: it hangs"]),
        (PluginStatus("a", 3, 1, 4, switched_off="it hangs"), ["is switched off: it hangs", "failed in 1 of 3"]),
    ],
)
def test_what_a_person_should_know(status: PluginStatus, words: list[str]) -> None:
    notices = list(status.notices())
    assert len(notices) == len(words)
    for notice, part in zip(notices, words, strict=True):
        assert part in notice.message
        assert notice.fix
