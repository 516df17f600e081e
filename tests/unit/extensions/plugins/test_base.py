from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextObservabilityPlugin
from flext_observability.extensions.plugins.base import HOOK_NAMES


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_every_hook_takes_an_entity_and_does_nothing(hook: str) -> None:
    entity: Any = object()
    assert getattr(FlextObservabilityPlugin(), hook)(entity) is None


def test_a_plugin_has_the_name_that_it_is_registered_under_and_the_first_order() -> None:
    assert (FlextObservabilityPlugin.name, FlextObservabilityPlugin.order) == ("", 0)
