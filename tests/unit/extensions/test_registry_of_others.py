"""Notifiers, storage and plug-ins are found by name as exporters are."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from uuid import uuid4

import pytest

from flext_observability.domain.alert import FlextAlert
from flext_observability.extensions.registry import (
    find_notifier,
    find_plugin,
    find_storage,
    register_notifier,
    register_storage,
)
from flext_observability.services.storage.memory import InMemoryStorage


@pytest.fixture
def name() -> str:
    return f"test_{uuid4().hex}"


def put_package(site: Path, source: str, entry_point: str) -> None:
    (site / "flext_extras.py").write_text(textwrap.dedent(source))
    info = site / "flext_extras-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flext_extras\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(entry_point))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path that packages can be put into."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "flext_extras", raising=False)
    return tmp_path


def test_a_function_is_a_notifier(name: str) -> None:
    def tell(alert: FlextAlert) -> None: ...

    assert register_notifier(name, tell).success
    assert find_notifier(name).unwrap() is tell


def test_what_cannot_be_called_is_no_notifier(name: str) -> None:
    result = register_notifier(name, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert result.code == "invalid_notifier"
    assert "notify(alert, timeout_seconds)" in str(result.error)


def test_an_unknown_notifier_says_that_there_is_none_and_what_to_do() -> None:
    result = find_notifier("pager")
    assert result.code == "unknown_notifier"
    assert "call register_notifier" in str(result.error)


def test_storage_is_registered_and_found(name: str) -> None:
    storage = InMemoryStorage()
    assert register_storage(name, storage).success
    assert find_storage(name).unwrap() is storage


def test_a_class_in_the_table_gives_an_instance() -> None:
    assert isinstance(find_storage("memory").unwrap(), InMemoryStorage)


def test_an_object_without_the_methods_is_no_storage(name: str) -> None:
    result = register_storage(name, object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert result.code == "invalid_storage"
    assert "store(entity) and query(kind, criteria)" in str(result.error)


def test_an_unknown_storage_lists_what_there_is() -> None:
    result = find_storage("sqlit")
    assert result.code == "unknown_storage"
    assert "did you mean sqlite?" in str(result.error)
    assert "memory, sqlite" in str(result.error)


def test_an_entry_point_that_names_a_class_gives_an_instance(site: Path) -> None:
    put_package(
        site,
        """
        class Pager:
            def notify(self, alert, timeout_seconds):
                return None
        """,
        """
        [flext_observability.notifiers]
        extras_pager = flext_extras:Pager
        """,
    )
    notifier = find_notifier("extras_pager").unwrap()
    assert callable(getattr(notifier, "notify", None))


def test_an_entry_point_whose_class_raises_is_broken(site: Path) -> None:
    put_package(
        site,
        """
        class Plugin:
            def __init__(self):
                raise OSError("no disk")
        """,
        """
        [flext_observability.plugins]
        extras_broken = flext_extras:Plugin
        """,
    )
    result = find_plugin("extras_broken")
    assert result.code == "broken_plugin"
    assert "OSError: no disk" in str(result.error)
