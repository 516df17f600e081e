"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.collector import Collector, collector
from tests.callbacks import drop_instruments


@pytest.fixture(autouse=True)
def _drop_instruments() -> Iterator[None]:
    yield
    drop_instruments()


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running
