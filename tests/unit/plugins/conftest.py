"""What tests of plug-ins share: hooks of a process, and plug-ins that remember what they hear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flext_observability.background.ticker import TICKER
from flext_observability.plugins.hooks import Hooks


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    yield Hooks()
    TICKER.cancel("plug-ins")
