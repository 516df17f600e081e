"""Fixture: one service with a spool of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.running import Faults


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path)
