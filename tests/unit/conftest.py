"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flext_observability.exporters.memory import MemoryStore, memory_store
from tests.recorded import Recorded, recording

pytest.register_assert_rewrite("tests.unit.contracts")


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Return the recorded telemetry of a running session."""
    with recording() as started:
        yield started


@pytest.fixture
def store() -> MemoryStore:
    """Return the empty store of the exporter `memory`."""
    memory = memory_store()
    memory.clear()
    return memory
