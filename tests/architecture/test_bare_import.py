"""Modules loaded by `import flext_observability` and by a start, and the resolution of public names."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

import flext_observability

# Loaded on first use, not by a start.
ON_USE = (
    *("extensions.plugins.dispatcher", "ops_server", "runtime.scheduler", "runtime.work_queue", "services.alerts"),
    *("services.health", "services.logs", "services.metrics", "services.repository", "services.storage", "viewer"),
)
ENTITIES = ("FlextMetric", "FlextTrace", "FlextAlert", "FlextHealthCheck", "FlextLogEntry")
FORBIDDEN = ("opentelemetry", "pydantic", "requests", "grpc", "google", "rich", "prometheus_client", "structlog")


def _in_new_process(code: str) -> object:
    command = [sys.executable, "-I", "-W", "error", "-c", f"import json, sys\n{code}"]
    return json.loads(subprocess.run(command, env={}, capture_output=True, text=True, check=True, timeout=60).stdout)


def test_the_bare_import_loads_nothing_heavy() -> None:
    loaded = _in_new_process("import flext_observability; print(json.dumps(sorted(sys.modules)))")
    assert isinstance(loaded, list)
    assert [name for name in loaded if str(name).partition(".")[0] in FORBIDDEN] == []


def test_results_and_containers_load_without_pydantic_and_opentelemetry() -> None:
    names = "FlextResult, PendingResult, FlextContainer, FlextObservabilityError"
    loaded = _in_new_process(f"from flext_observability import {names}; print(json.dumps(sorted(sys.modules)))")
    assert isinstance(loaded, list)
    assert [name for name in loaded if str(name).partition(".")[0] in FORBIDDEN] == []


def test_a_start_loads_no_background_module() -> None:
    start = "flext_observability.init_observability(exporters='none').unwrap()"
    loaded = _in_new_process(f"import flext_observability; {start}; print(json.dumps(sorted(sys.modules)))")
    assert isinstance(loaded, list)
    assert [name for name in loaded if str(name).removeprefix("flext_observability.").startswith(ON_USE)] == []


@pytest.mark.parametrize("name", ON_USE)
def test_the_modules_for_later_use_exist(name: str) -> None:
    assert find_spec(f"flext_observability.{name}")


@pytest.mark.parametrize("name", ENTITIES)
def test_loading_an_entity_class_registers_no_hook(name: str) -> None:
    code = f"""
import atexit, os
registered = []
atexit.register = lambda function, *_, **__: registered.append(function.__module__)
os.register_at_fork = lambda **hooks: registered.extend(hook.__module__ for hook in hooks.values())
from flext_observability import {name}
print(json.dumps([module for module in registered if module.startswith("flext_observability")]))
"""
    assert _in_new_process(code) == []


@pytest.mark.parametrize("name", flext_observability.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(flext_observability, name) is getattr(flext_observability, name)


def test_public_names_are_listed_once_and_offered_by_dir() -> None:
    names = flext_observability.__all__
    assert sorted(names) == sorted(set(names))
    assert set(names) <= set(dir(flext_observability))


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(flext_observability, "no_such_" + "name")
