"""Content of the wheel and the source archive, and use of the installed wheel without the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import flext_observability
from tests.architecture.tree import ROOT, SOURCE

PROGRAM = """
import sys
from importlib.metadata import version
from flext_observability import FlextResult, __version__, init_observability, traced
import flext_observability

assert flext_observability.__file__.startswith(sys.prefix), flext_observability.__file__
assert version("flext-observability") == __version__
with init_observability(service_name="installed", exporters="memory", console=False).unwrap() as observability:
    with traced("work", {"size": 3}):
        observability.metrics.counter("jobs").add(1)
    assert observability.flush().unwrap().complete
assert observability.shutdown().unwrap().complete
assert isinstance(FlextResult.ok(1), FlextResult)
print("works")
"""


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Return an environment without coverage, because installed copies are not measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHONPATH"))}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, Path]:
    """Build the source archive, a wheel from the repository, and a wheel from the unpacked archive."""
    folder = tmp_path_factory.mktemp("build")
    _build(ROOT, folder / "direct", "--sdist", "--wheel", environment=environment)
    source = next((folder / "direct").glob("*.tar.gz"))
    # Early releases of Python 3.11 have no extraction filter, later ones warn without it. The command needs no filter.
    subprocess.run(
        [sys.executable, "-m", "tarfile", "-e", str(source), str(folder / "unpacked")], check=True, timeout=60
    )
    _build(next((folder / "unpacked").iterdir()), folder / "second", "--wheel", environment=environment)
    wheel, second = next((folder / "direct").glob("*.whl")), next((folder / "second").glob("*.whl"))
    return {"source": source, "wheel": wheel, "second": second}


def _build(repository: Path, target: Path, *kinds: str, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(target), str(repository)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def metadata(archives: dict[str, Path]) -> Message:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(wheel.read(name))


def test_the_wheel_holds_the_package_and_nothing_else(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["wheel"]) as wheel:
        files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    ours = {str(path.relative_to(SOURCE.parent)) for path in SOURCE.rglob("*") if path.suffix in {".py", ".typed"}}
    assert ours <= files
    assert {name.split("/")[0] for name in files} == {"flext_observability"}
    assert "flext_observability/py.typed" in files


def test_the_source_archive_builds_the_same_wheel(archives: dict[str, Path]) -> None:
    contents: list[dict[str, bytes]] = []
    for name in ("wheel", "second"):
        with zipfile.ZipFile(archives[name]) as wheel:
            contents.append({entry: wheel.read(entry) for entry in wheel.namelist()})
    assert contents[0] == contents[1]


def test_the_source_archive_holds_tests_and_licence(archives: dict[str, Path]) -> None:
    with tarfile.open(archives["source"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "tests/conftest.py"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_the_metadata_names_version_licence_and_python(metadata: Message) -> None:
    assert metadata["Name"] == "flext-observability"
    assert metadata["Version"] == flext_observability.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "init_observability" in str(metadata.get_payload()), "the description is the README"


def test_no_requirement_of_the_metadata_has_an_upper_bound(metadata: Message) -> None:
    """`<1!0` only excludes the epochs of grafana-foundation-sdk, which are its releases for old versions of Grafana."""
    requirements = [str(entry).partition(";")[0] for entry in metadata.get_all("Requires-Dist", [])]
    assert len(requirements) > 9
    bounded = {re.split(r"[<>=~]", entry)[0] for entry in requirements if re.search(r"<|==|~=", entry)}
    assert bounded == {"grafana-foundation-sdk"}


def test_an_installed_wheel_works(archives: dict[str, Path], tmp_path: Path, environment: dict[str, str]) -> None:
    venv.create(tmp_path / "v", with_pip=False, symlinks=True)
    python = str(tmp_path / "v" / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, str(archives["wheel"])], env=environment, check=True, timeout=100)
    # Dependencies come from the environment of this test. Python reads no .pth files in a folder added by a .pth file.
    site = next((tmp_path / "v").rglob("site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    run = subprocess.run(
        [python, "-W", "error", "-c", PROGRAM],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "works"
    assert run.stderr == ""
