"""Fixtures of the checks of all files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.validation.copies import Copy, copy_of_repository


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return copy_of_repository(tmp_path)
