from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextObservabilityPlugin
from flext_observability.extensions.plugins.active_plugin import ActivePlugin, PluginStatus, to_active
from tests.unit.extensions.plugins.samples import Recording


def active(plugin: FlextObservabilityPlugin) -> ActivePlugin:
    return to_active("one", plugin, from_settings=False).unwrap()


def test_hooks_are_the_overridden_ones() -> None:
    assert set(active(Recording()).hooks) == {"on_metric_created", "on_trace_started", "on_trace_completed"}


def test_hook_set_on_the_instance_is_overridden() -> None:
    plugin: Any = FlextObservabilityPlugin()
    plugin.on_metric_created = print
    assert set(active(plugin).hooks) == {"on_metric_created"}


@pytest.mark.parametrize("plugin", [None, 5, "audit", object(), Recording])
def test_object_of_another_class_is_invalid(plugin: Any) -> None:
    result = to_active("one", plugin, from_settings=False)
    assert result.code == "invalid_plugin"
    assert result.message == (
        f"Invalid plug-in 'one': {type(plugin).__name__} is not an instance of a subclass of FlextObservabilityPlugin"
    )
    assert result.fix == "Correct the plug-in"


@pytest.mark.parametrize("order", [None, "first", object()])
def test_order_that_is_not_a_number_is_invalid(order: Any) -> None:
    assert to_active("one", Recording(order), from_settings=False).code == "invalid_plugin"


def test_plugin_whose_attributes_raise_is_invalid() -> None:
    class Raising(FlextObservabilityPlugin):
        @property
        def name(self) -> str:  # type: ignore[override]  # as users do
            raise ValueError("no name")

    result = to_active("one", Raising(), from_settings=False)
    assert result.code == "invalid_plugin"
    assert result.message == "Invalid plug-in 'one': its name, order or hooks cannot be read: ValueError: no name"


def test_name_of_the_plugin_replaces_the_key() -> None:
    plugin = Recording()
    plugin.name = "audit"
    assert active(plugin).counts == PluginStatus("audit")


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (PluginStatus("a", calls=3), []),
        (PluginStatus("a", 3, 2, last_error="on_x: ValueError: bad"), ["failed in 2 of 3 calls: on_x: ValueError"]),
        (PluginStatus("a", dropped=4), ["missed 4 entities: the queue was full"]),
        (PluginStatus("a", 1, dropped=4, switched_off="it hangs"), ["is switched off: it hangs"]),
        (PluginStatus("a", 3, 1, 4, switched_off="it hangs"), ["is switched off: it hangs", "failed in 1 of 3"]),
    ],
)
def test_notices(status: PluginStatus, parts: list[str]) -> None:
    notices = list(status.notices())
    assert len(notices) == len(parts)
    for notice, part in zip(notices, parts, strict=True):
        assert part in notice.message
        assert notice.fix
