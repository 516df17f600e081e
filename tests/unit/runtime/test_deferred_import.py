"""Imports of a package that one module does when it uses the package."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest

from flext_observability.runtime.deferred_import import deferred_import
from flext_observability.runtime.otel_import import defer_psutil
from tests.programs import UNMEASURED, run

PACKAGE = "flext_deferred_package"
IMPORTER = "flext_importer"
OTHER = "flext_other_importer"
SOURCE = f"""
{PACKAGE} = None
try:
    import {PACKAGE} as found
    {PACKAGE} = found
except ImportError:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in (IMPORTER, OTHER):
        (tmp_path / f"{name}.py").write_text(SOURCE)
    (tmp_path / f"{PACKAGE}.py").write_text("value = 7\n")
    yield tmp_path
    for name in (PACKAGE, IMPORTER, OTHER):
        sys.modules.pop(name, None)


def test_the_first_use_imports_the_package(folder: Path) -> None:
    with deferred_import(PACKAGE, by=IMPORTER):
        module = import_module(IMPORTER)
    assert PACKAGE not in sys.modules
    assert getattr(module, PACKAGE).value == 7
    assert PACKAGE in sys.modules


def test_other_modules_import_it(folder: Path) -> None:
    with deferred_import(PACKAGE, by=IMPORTER):
        assert getattr(import_module(OTHER), PACKAGE).value == 7
        module = import_module(IMPORTER)
    assert getattr(module, PACKAGE) is sys.modules[PACKAGE]


def test_a_package_that_is_not_installed_stays_absent(folder: Path) -> None:
    (folder / f"{PACKAGE}.py").unlink()
    with deferred_import(PACKAGE, by=IMPORTER):
        module = import_module(IMPORTER)
    assert getattr(module, PACKAGE) is None


def test_a_module_without_the_variable_is_not_changed(folder: Path) -> None:
    (folder / f"{IMPORTER}.py").write_text(SOURCE.replace(f"{PACKAGE} =", "other ="))
    with deferred_import(PACKAGE, by=IMPORTER):
        module = import_module(IMPORTER)
    assert module.other is None
    assert not hasattr(module, PACKAGE)


def test_nothing_is_deferred_afterwards(folder: Path) -> None:
    with pytest.raises(KeyError), deferred_import(PACKAGE, by=IMPORTER):
        raise KeyError
    module = import_module(IMPORTER)
    assert getattr(module, PACKAGE) is sys.modules[PACKAGE]
    with deferred_import(PACKAGE, by=IMPORTER):
        assert getattr(module, PACKAGE) is sys.modules[PACKAGE]


START = """
import sys
from flext_observability import init_observability
handle = init_observability(exporters="memory", console=False).unwrap()
print("psutil" in sys.modules)
from opentelemetry.sdk.resources import ProcessResourceDetector, Resource
print(bool(ProcessResourceDetector().detect().attributes.get("process.owner")), "psutil" in sys.modules)
print(bool(handle._session.pipeline.resource.attributes.get("process.owner")))
"""


def test_detectors_that_run_during_the_import_find_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process")
    assert isinstance(defer_psutil(), nullcontext)
    monkeypatch.delenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS")
    assert not isinstance(defer_psutil(), nullcontext)


@pytest.mark.parametrize(
    ("detectors", "lines"),
    [("", ["False", "True True", "False"]), ("process", ["True", "True True", "True"])],
)
def test_resources_of_the_sdk_import_psutil_when_they_use_it(detectors: str, lines: list[str]) -> None:
    pytest.importorskip("psutil")
    done = run(START, OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=detectors, **UNMEASURED)
    assert done.lines == lines, done.err
