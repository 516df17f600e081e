"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flext_observability.exporters.memory import MemoryStore, memory_store
from tests.recorded import Recorded, recording

pytest.register_assert_rewrite("tests.unit.contracts")


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Telemetry that is started, and readable."""
    with recording() as started:
        yield started


@pytest.fixture
def store() -> MemoryStore:
    """Return what the exporter named `memory` keeps, empty."""
    memory = memory_store()
    memory.clear()
    return memory
