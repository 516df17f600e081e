from __future__ import annotations

from typing import Any

import pytest

from flext_observability import FlextObservabilityPlugin
from flext_observability.extensions.plugins.base import HOOK_NAMES


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_default_hook_does_nothing(hook: str) -> None:
    entity: Any = object()
    assert getattr(FlextObservabilityPlugin(), hook)(entity) is None


def test_defaults_of_name_and_order() -> None:
    assert (FlextObservabilityPlugin.name, FlextObservabilityPlugin.order) == ("", 0)
