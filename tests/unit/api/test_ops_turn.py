"""The turn to serve the ops pages: one process at a time, and a failure is reported once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flext_observability.api import ops_turn
from flext_observability.api.ops_turn import MAX_ATTEMPTS, OpsTurn
from flext_observability.domain.result import FlextResult
from flext_observability.runtime.process_lock import ProcessLock
from tests.unit.pipeline.shared_page.test_process_directory import child
from tests.waiting import eventually


class Turn:
    """A turn with its attempts and results."""

    def __init__(self, path: Path) -> None:
        self.attempts = 0
        self.failures = 0
        self.used: list[FlextResult[Any]] = []
        self.turn = OpsTurn(ProcessLock(path / "lock"), self.start, self.used.append)

    def start(self) -> FlextResult[Any]:
        """Return a server, or one of the failures."""
        self.attempts += 1
        if self.attempts <= self.failures:
            return FlextResult[Any].fail("Port 9464 is taken", code="port_taken")
        return FlextResult[Any].ok("server")


@pytest.fixture
def turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turn]:
    monkeypatch.setattr(ops_turn, "INTERVAL_SECONDS", 0.02)
    found = Turn(tmp_path)
    yield found
    found.turn.end()


def test_the_first_process_serves(turn: Turn, tmp_path: Path) -> None:
    turn.turn.begin()
    assert [each.success for each in turn.used] == [True]
    other = ProcessLock(tmp_path / "lock")
    turn.turn.end()
    assert other.acquire()
    other.release()


def test_a_port_of_another_program_is_reported_at_once(turn: Turn) -> None:
    turn.failures = 1
    turn.turn.begin()
    assert [each.code for each in turn.used] == ["port_taken"]


def test_another_process_follows(turn: Turn, tmp_path: Path) -> None:
    with child(ProcessLock(tmp_path / "lock").acquire):
        turn.turn.begin()
        assert turn.used == []
    assert eventually(lambda: turn.used)[0].success


def test_a_port_that_stays_in_use_is_reported_after_some_attempts(turn: Turn, tmp_path: Path) -> None:
    turn.failures = 100
    with child(ProcessLock(tmp_path / "lock").acquire):
        turn.turn.begin()
    assert eventually(lambda: turn.used)[0].code == "port_taken"
    assert turn.attempts == MAX_ATTEMPTS
    assert len(turn.used) == 1


def test_a_port_that_is_free_a_little_later_is_used(turn: Turn, tmp_path: Path) -> None:
    turn.failures = 2
    with child(ProcessLock(tmp_path / "lock").acquire):
        turn.turn.begin()
    assert [each.success for each in eventually(lambda: turn.used)] == [True]
