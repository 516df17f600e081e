"""Fixture: the hooks of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flext_observability.extensions.plugins.hooks import Hooks
from flext_observability.runtime.scheduler import scheduler


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    yield Hooks()
    scheduler().cancel("plug-ins")
