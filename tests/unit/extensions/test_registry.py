from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

import pytest

from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExporterUnavailable, SignalExporter
from flext_observability.extensions.registry import available_exporters, find_exporter, register_exporter
from flext_observability.settings.config import FlextObservabilityConfig

BUILT_IN = ("otlp_http", "otlp_grpc", "prometheus", "console", "otlp_file", "memory", "pushgateway")


class Factory:
    def signals(self) -> Collection[Signal]:
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object]:
        raise ExporterUnavailable("only its name matters here")


@pytest.fixture
def name() -> str:
    return f"test_{uuid4().hex}"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path that packages can be put into."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def put_package(site: Path, module: str, source: str, entry_points: str) -> None:
    (site / f"{module}.py").write_text(textwrap.dedent(source))
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))


FACTORY_SOURCE = """
    class Factory:
        def signals(self):
            return ("traces",)
        def create(self, signal, config):
            return None
    factory = Factory()
"""


def test_a_factory_registered_by_hand_is_found(name: str) -> None:
    factory = Factory()
    assert register_exporter(name, factory).success
    assert find_exporter(name).unwrap() is factory
    assert name in available_exporters()


def test_a_second_registration_takes_the_place_of_the_first(name: str) -> None:
    second = Factory()
    register_exporter(name, Factory())
    register_exporter(name, second)
    assert find_exporter(name).unwrap() is second


@pytest.mark.parametrize("bad", ["", "two words", "a,b", 3, None])
def test_a_name_that_settings_could_not_hold_is_refused(bad: object) -> None:
    result = register_exporter(bad, Factory())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert result.code == "invalid_exporter"
    assert "without blanks" in str(result.error)


@pytest.mark.parametrize("reserved", ["none", "otlp", "otlp_proto_http", "otlp_proto_grpc"])
def test_a_name_with_a_meaning_of_its_own_is_refused(reserved: str) -> None:
    assert "has a meaning of its own" in str(register_exporter(reserved, Factory()).error)


@pytest.mark.parametrize("bad", [None, object(), Factory().signals])
def test_an_object_that_is_no_factory_is_refused(name: str, bad: object) -> None:
    result = register_exporter(name, bad)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert result.code == "invalid_exporter"
    assert "signals() and create(signal, config)" in str(result.error)
    assert find_exporter(name).code == "unknown_exporter"


def test_an_object_that_raises_when_looked_at_is_refused(name: str) -> None:
    class Hostile(Factory):
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError("no target")

    assert "RuntimeError: no target" in str(register_exporter(name, Hostile()).error)


@pytest.mark.parametrize("built_in", BUILT_IN)
def test_built_in_factories_load(built_in: str) -> None:
    factory = find_exporter(built_in).unwrap()
    assert set(factory.signals()) <= set(SIGNALS)
    assert built_in in available_exporters()


@pytest.mark.parametrize(
    ("alias", "meant"), [("otlp", "otlp_http"), ("otlp_proto_http", "otlp_http"), ("otlp_proto_grpc", "otlp_grpc")]
)
def test_older_names_are_other_words(alias: str, meant: str) -> None:
    assert find_exporter(alias).unwrap() is find_exporter(meant).unwrap()
    assert alias not in available_exporters()


def test_an_unknown_name_lists_what_there_is_and_what_to_install() -> None:
    result = find_exporter("No Such")
    assert result.code == "unknown_exporter"
    assert "No exporter is called 'No Such'" in str(result.error)
    assert "otlp_http, otlp_grpc, prometheus" in str(result.error)
    assert "pip install opentelemetry-exporter-no-such" in str(result.error)


def test_the_answer_to_an_enormous_name_is_short() -> None:
    result = find_exporter("x" * 1_000_000)
    assert result.code == "unknown_exporter"
    assert len(str(result.error)) < 700


def test_a_name_near_a_known_one_is_answered_with_it() -> None:
    assert "did you mean console?" in str(find_exporter("consle").error)


def test_an_exporter_of_our_group_is_found(site: Path, name: str) -> None:
    put_package(site, name, FACTORY_SOURCE, f"[flext_observability.exporters]\n{name} = {name}:factory\n")
    assert tuple(find_exporter(name).unwrap().signals()) == ("traces",)
    assert name in available_exporters()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("raise RuntimeError('broken inside')", "RuntimeError: broken inside"),
        ("", "AttributeError"),
        ("factory = 3", "int has not"),
    ],
)
def test_an_exporter_that_does_not_load_says_why(site: Path, name: str, source: str, words: str) -> None:
    put_package(site, name, source, f"[flext_observability.exporters]\n{name} = {name}:factory\n")
    result = find_exporter(name)
    assert result.code == "broken_exporter"
    assert f"{name}:factory" in str(result.error)
    assert words in str(result.error)


def test_an_exporter_of_opentelemetry_carries_the_signals_whose_groups_name_it(site: Path, name: str) -> None:
    groups = f"""
    [opentelemetry_traces_exporter]
    {name} = {name}:Exporter
    [opentelemetry_logs_exporter]
    {name} = {name}:Exporter
    """
    put_package(site, name, "class Exporter: ...", groups)
    assert set(find_exporter(name).unwrap().signals()) == {"traces", "logs"}
    assert name in available_exporters()


def run(script: str) -> str:
    """Run a script in a process of its own and return what it prints."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_package_that_is_missing_is_answered_with_what_to_install() -> None:
    output = run(
        """
        import sys
        sys.modules["grpc"] = None
        from flext_observability.extensions.registry import find_exporter
        result = find_exporter("otlp_grpc")
        print(result.code, result.error)
        """
    )
    assert output == ("missing_package Exporter 'otlp_grpc' needs a package that is not installed: pip install grpcio")


def test_entry_points_are_not_read_for_built_in_names() -> None:
    script = """
        import sys
        from flext_observability.extensions.registry import find_exporter
        find_exporter("otlp_http").unwrap()
        print("importlib.metadata" in sys.modules)
        """
    assert run(script) == "False"
