from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from flext_observability.domain.alert import FlextAlert
from flext_observability.domain.report import SIGNALS, Signal
from flext_observability.extensions.ports import ExporterUnavailable, SignalExporter
from flext_observability.extensions.registry import (
    available_exporters,
    exporter_registry,
    notifier_registry,
    plugin_registry,
    register_exporter,
    register_notifier,
    register_storage,
    storage_registry,
)
from flext_observability.services.storage.memory import InMemoryStorage
from flext_observability.settings.config import FlextObservabilityConfig
from tests.hostile import Hostile
from tests.installed import install
from tests.waiting import eventually

BUILT_IN = ("otlp_http", "otlp_grpc", "prometheus", "console", "otlp_file", "memory", "pushgateway")
FACTORY_SOURCE = """
class Factory:
    def signals(self):
        return ("traces",)
    def create(self, signal, config):
        return None
factory = Factory()
"""
Install = Callable[[str, str, str], None]


class Factory:
    def signals(self) -> Collection[Signal]:
        return SIGNALS

    def create(self, signal: Signal, config: FlextObservabilityConfig) -> SignalExporter[object]:
        raise ExporterUnavailable("not needed here")


@pytest.fixture
def name() -> str:
    return f"test_{uuid4().hex}"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Install:
    """Install a module ``name`` with an entry point ``name`` → ``name:<attribute>``."""

    def package(group: str, source: str, attribute: str) -> None:
        install(tmp_path, monkeypatch, name, textwrap.dedent(source), {group: {name: f"{name}:{attribute}"}})

    return package


def run(script: str) -> str:
    """Run a script in a new process and return its output."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class TestRegistered:
    def test_registered_factory_is_found(self, name: str) -> None:
        factory = Factory()
        assert register_exporter(name, factory).success
        assert exporter_registry().find(name).unwrap() is factory
        assert name in available_exporters()

    def test_second_registration_replaces_the_first(self, name: str) -> None:
        second = Factory()
        register_exporter(name, Factory())
        register_exporter(name, second)
        assert exporter_registry().find(name).unwrap() is second

    def test_function_is_a_notifier(self, name: str) -> None:
        def notify(alert: FlextAlert) -> None: ...

        assert register_notifier(name, notify).success
        assert notifier_registry().find(name).unwrap() is notify

    def test_registered_storage_is_found(self, name: str) -> None:
        storage = InMemoryStorage()
        assert register_storage(name, storage).success
        assert storage_registry().find(name).unwrap() is storage

    @pytest.mark.parametrize("invalid", ["", "two words", "a,b", 3, None])
    def test_name_that_no_setting_can_hold_is_invalid(self, invalid: Any) -> None:
        result = register_exporter(invalid, Factory())
        assert result.code == "invalid_exporter"
        assert str(result.message).endswith("is not a text without blanks and commas")
        assert result.fix == "Choose another name"

    def test_name_that_raises_on_every_use_is_invalid(self) -> None:
        assert register_exporter(cast("str", Hostile()), Factory()).code == "invalid_exporter"

    @pytest.mark.parametrize("reserved", ["none", "otlp", "otlp_proto_http", "otlp_proto_grpc"])
    def test_reserved_name_is_invalid(self, reserved: str) -> None:
        assert register_exporter(reserved, Factory()).message == f"Invalid exporter: the name '{reserved}' is reserved"

    @pytest.mark.parametrize(
        ("register", "plugin", "kind", "methods"),
        [
            (register_exporter, None, "exporter", "signals() and create(signal, config)"),
            (register_exporter, object(), "exporter", "signals() and create(signal, config)"),
            (register_exporter, Factory().signals, "exporter", "signals() and create(signal, config)"),
            (register_notifier, 3, "notifier", "notify(alert, timeout_seconds)"),
            (register_storage, object(), "storage", "store(entity) and query(kind, criteria)"),
        ],
    )
    def test_object_without_the_methods_is_invalid(
        self, name: str, register: Any, plugin: object, kind: str, methods: str
    ) -> None:
        result = register(name, plugin)
        assert result.code == f"invalid_{kind}"
        assert result.message == f"Invalid {kind}: {type(plugin).__name__} does not implement {methods}"
        assert result.fix == f"Correct the {kind}"
        assert name not in available_exporters()

    def test_object_whose_attributes_raise_is_invalid(self, name: str) -> None:
        class Proxy(Factory):
            def __getattribute__(self, name: str) -> object:
                raise RuntimeError("no target")

        assert "RuntimeError: no target" in str(register_exporter(name, Proxy()).error)


class TestBuiltIn:
    @pytest.mark.parametrize("built_in", BUILT_IN)
    def test_built_in_factory_is_imported(self, built_in: str) -> None:
        factory = exporter_registry().find(built_in).unwrap()
        assert set(factory.signals()) <= set(SIGNALS)
        assert built_in in available_exporters()

    @pytest.mark.parametrize(
        ("alias", "target"),
        [("otlp", "otlp_http"), ("otlp_proto_http", "otlp_http"), ("otlp_proto_grpc", "otlp_grpc")],
    )
    def test_alias_finds_the_same_factory(self, alias: str, target: str) -> None:
        assert exporter_registry().find(alias).unwrap() is exporter_registry().find(target).unwrap()
        assert alias not in available_exporters()

    def test_class_is_instantiated(self) -> None:
        assert isinstance(storage_registry().find("memory").unwrap(), InMemoryStorage)

    def test_missing_package_is_named(self) -> None:
        output = run(
            """
            import sys
            sys.modules["grpc"] = None
            from flext_observability.extensions.registry import exporter_registry
            result = exporter_registry().find("otlp_grpc")
            print(result.code, result.error)
            """
        )
        assert output == (
            "missing_package Exporter 'otlp_grpc' cannot be loaded: the package grpcio is not installed. "
            "Install it (pip install grpcio)."
        )

    def test_entry_points_are_not_read(self) -> None:
        script = """
            import sys
            from flext_observability.extensions.registry import exporter_registry
            exporter_registry().find("otlp_http").unwrap()
            print("importlib.metadata" in sys.modules)
            """
        assert run(script) == "False"


class TestUnknown:
    def test_failure_lists_known_names_and_the_package(self) -> None:
        result = exporter_registry().find("No Such")
        assert result.code == "unknown_exporter"
        assert str(result.message).startswith("Unknown exporter 'No Such': known names are otlp_http, otlp_grpc, ")
        assert result.fix == (
            "Install its package (pip install opentelemetry-exporter-no-such), or call register_exporter"
        )

    def test_similar_name_is_suggested(self) -> None:
        assert "Unknown exporter 'consle' (did you mean console?): " in str(exporter_registry().find("consle").message)
        result = storage_registry().find("sqlit")
        assert result.code == "unknown_storage"
        assert str(result.message).startswith("Unknown storage 'sqlit' (did you mean sqlite?): known names are memory")

    def test_message_for_a_very_long_name_is_short(self) -> None:
        result = exporter_registry().find("x" * 1_000_000)
        assert result.code == "unknown_exporter"
        assert len(str(result.error)) < 700

    def test_kind_without_any_names(self) -> None:
        result = plugin_registry().find("audit")
        assert result.code == "unknown_plugin"
        assert result.message == "Unknown plugin 'audit': none is registered or installed"
        assert result.fix == "Install its package, or call register_plugin"

    def test_check_finds_registered_built_in_and_installed_names(self, installed: Install, name: str) -> None:
        installed("flext_observability.exporters", "raise RuntimeError('not imported')", "factory")
        register_exporter(f"{name}_2", Factory())
        names = (name, f"{name}_2", "console", "otlp_proto_http")
        assert all(exporter_registry().check(each).success for each in names)
        assert exporter_registry().check("consle").code == "unknown_exporter"

    def test_unknown_notifier(self) -> None:
        assert notifier_registry().find("pager").code == "unknown_notifier"


class TestInstalled:
    def test_factory_of_our_group_is_found(self, installed: Install, name: str) -> None:
        installed("flext_observability.exporters", FACTORY_SOURCE, "factory")
        assert tuple(exporter_registry().find(name).unwrap().signals()) == ("traces",)
        assert name in available_exporters()

    def test_class_is_instantiated(self, installed: Install, name: str) -> None:
        source = """
            class Pager:
                def notify(self, alert, timeout_seconds):
                    return None
            """
        installed("flext_observability.notifiers", source, "Pager")
        assert callable(getattr(notifier_registry().find(name).unwrap(), "notify", None))

    def test_class_that_raises_is_broken(self, installed: Install, name: str) -> None:
        source = """
            class Plugin:
                def __init__(self):
                    raise OSError("no disk")
            """
        installed("flext_observability.plugins", source, "Plugin")
        result = plugin_registry().find(name)
        assert result.code == "broken_plugin"
        assert "OSError: no disk" in str(result.message)

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("import a_missing_module", "ModuleNotFoundError: No module named 'a_missing_module'"),
            ("raise RuntimeError('broken inside')", "RuntimeError: broken inside"),
            ("", "AttributeError"),
            ("factory = 3", "int does not implement signals() and create(signal, config)"),
        ],
    )
    def test_factory_that_does_not_load_is_broken(
        self, installed: Install, name: str, source: str, reason: str
    ) -> None:
        installed("flext_observability.exporters", source, "factory")
        result = exporter_registry().find(name)
        assert result.code == "broken_exporter"
        assert str(result.message).startswith(f"Exporter '{name}' cannot be loaded from {name}:factory: {reason}")
        assert result.fix == "Report this to the author of the exporter, or remove it from the settings"

    def test_entry_point_that_does_not_return_is_broken_and_waited_for_once(
        self, installed: Install, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("flext_observability.extensions.registry.LOAD_SECONDS", 0.05)
        source = """
            import threading
            release = threading.Event()
            class Hangs:
                def __init__(self):
                    release.wait(10)
                def notify(self, alert, timeout_seconds): ...
        """
        installed("flext_observability.notifiers", source, "Hangs")
        results = [notifier_registry().find(name) for _ in range(2)]
        assert [result.code for result in results] == ["broken_notifier"] * 2
        assert str(results[0].message).endswith("Hangs: it does not return")
        sys.modules[name].release.set()
        assert eventually(lambda: notifier_registry().find(name).success)

    def test_opentelemetry_exporter_supports_the_signals_of_its_groups(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        groups = {f"opentelemetry_{signal}_exporter": {name: f"{name}:Exporter"} for signal in ("traces", "logs")}
        install(tmp_path, monkeypatch, name, "class Exporter: ...", groups)
        assert set(exporter_registry().find(name).unwrap().signals()) == {"traces", "logs"}
        assert name in available_exporters()
