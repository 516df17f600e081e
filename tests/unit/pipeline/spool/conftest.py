"""Fixtures: spools of one service with a clock of the test, which are closed after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flext_observability.pipeline import retry
from flext_observability.pipeline.spool.folders import service_folder
from flext_observability.pipeline.spool.session import SpoolSession
from flext_observability.pipeline.spool.store import Spool
from tests.unit.pipeline.spool.records import KEY, Clock, Make


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return service_folder(tmp_path / "spool", "my service")


@pytest.fixture
def make_spool(folder: Path, clock: Clock) -> Iterator[Make]:
    made: list[Spool] = []

    def build(*, max_bytes: int = 1 << 20, age: float = 3600.0) -> Spool:
        spool = Spool(folder, max_bytes=max_bytes, max_age_seconds=age, time_ns=clock)
        spool.register(*KEY)
        made.append(spool)
        return spool

    yield build
    for spool in made:
        spool.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry soon."""
    monkeypatch.setattr(retry, "FIRST_SECONDS", 0.05)


@pytest.fixture
def spool_folder(tmp_path: Path) -> Path:
    return tmp_path / "service"


@pytest.fixture
def session(spool_folder: Path) -> Iterator[Callable[[], SpoolSession]]:
    made: list[SpoolSession] = []

    def start() -> SpoolSession:
        one = SpoolSession(Spool(spool_folder, max_bytes=1 << 24, max_age_seconds=3600))
        made.append(one)
        return one

    yield start
    for one in made:
        one.close()
