"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.recorded import Recorded, recording


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Telemetry that is started, and readable."""
    with recording() as started:
        yield started
