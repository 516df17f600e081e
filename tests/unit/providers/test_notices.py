"""Objects of other packages that the start loads: those that hang are notices."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from flext_observability.providers.notices import Notices
from tests.installed import install


def test_an_object_that_does_not_return_is_a_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notices: Notices
) -> None:
    monkeypatch.setattr("flext_observability.providers.notices.LOAD_SECONDS", 0.05)
    points = {"opentelemetry_resource_detector": {"slow": "slow_detector:Slow"}}
    install(tmp_path, monkeypatch, "slow_detector", "class Slow: ...", points)
    release = threading.Event()
    found = notices.load("all", "resource detector", "slow", lambda _: release.wait(10), install_fix="Install it")
    release.set()
    assert found is None
    (notice,) = notices.all()
    assert (notice.message, notice.fix, notice.degrades) == (
        "The resource detector 'slow' does not return",
        "Remove it from the resource detectors",
        True,
    )
