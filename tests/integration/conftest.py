"""What tests of real processes and sockets share: a collector that runs as long as the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.collector import Collector, collector


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running
