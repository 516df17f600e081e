"""Resolved settings and empty notices for the steps of start-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flext_observability.providers.notices import Notices
from flext_observability.settings.config import FlextObservabilityConfig
from flext_observability.settings.resolve import ResolvedSettings, resolve


@pytest.fixture
def settings() -> Callable[..., FlextObservabilityConfig]:
    """Resolve keyword arguments without environment, to a configuration."""

    def make(**arguments: Any) -> FlextObservabilityConfig:
        return resolve(None, arguments, {}).unwrap().config

    return make


@pytest.fixture
def resolved() -> Callable[..., ResolvedSettings]:
    """Resolve keyword arguments without environment."""

    def make(**arguments: Any) -> ResolvedSettings:
        return resolve(None, arguments, {}).unwrap()

    return make


@pytest.fixture
def notices() -> Notices:
    return Notices()
