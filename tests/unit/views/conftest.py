"""Terminal settings independent of the terminal of the test run."""

from __future__ import annotations

import pytest

from tests.unit.views.shop import no_terminal_settings


@pytest.fixture(autouse=True)
def _no_terminal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    no_terminal_settings(monkeypatch)
