"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.collector import Collector, collector


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running
