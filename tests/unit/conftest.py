"""Fixtures of the unit tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.recorded import Recorded, recording

pytest.register_assert_rewrite("tests.unit.contracts")


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Telemetry that is started, and readable."""
    with recording() as started:
        yield started


@pytest.fixture(autouse=True)
def _forget_mishaps() -> Iterator[None]:
    """What failed in one test is news in the next."""
    yield
    if mishap := sys.modules.get("flext_observability.domain.mishap"):
        mishap._known.clear()


@pytest.fixture(autouse=True)
def _forget_alerts() -> Iterator[None]:
    """What is active in one test is no repetition in the next."""
    yield
    if facade := sys.modules.get("flext_observability.facade"):
        facade._STATE.services._made.pop("alerts", None)
