"""Every public name, loaded in a fresh process: it registers nothing, starts nothing and loads nothing heavy."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

import flext_observability
from flext_observability.settings.config import FIELDS

HEAVY = ("grpc", "requests", "google", "rich", "waitress", "prometheus_client", "ssl", "sqlite3", "asyncio")
# What the library behind a name imports by itself.
ALLOWED = {
    "SQLiteStorage": {"sqlite3"},
    "FlextStructuredLogger": {"asyncio", "rich", "ssl"},
    "get_logger": {"asyncio", "rich", "ssl"},
}
PROGRAM = """
import atexit, json, os, sys, threading

registered = []
atexit_register, fork_register = atexit.register, os.register_at_fork

def record_exit(function, *arguments, **keywords):
    registered.append(f"atexit {getattr(function, '__module__', '')}")
    return atexit_register(function, *arguments, **keywords)

def record_fork(**hooks):
    registered.append(f"fork {sorted(str(getattr(hook, '__module__', '')) for hook in hooks.values())}")
    return fork_register(**hooks)

atexit.register, os.register_at_fork = record_exit, record_fork

import flext_observability

getattr(flext_observability, sys.argv[1])
ours = [each for each in registered if "flext_observability" in each]
print(json.dumps({"hooks": ours, "threads": threading.active_count(), "modules": sorted(sys.modules)}))
"""


def _load(name: str) -> dict[str, Any]:
    command = [sys.executable, "-I", "-c", PROGRAM, name]
    run = subprocess.run(command, env={}, capture_output=True, text=True, check=True, timeout=60)
    loaded: dict[str, Any] = json.loads(run.stdout)
    return loaded


@pytest.mark.parametrize("name", flext_observability.__all__)
def test_loading_a_name_registers_starts_and_loads_nothing_heavy(name: str) -> None:
    loaded = _load(name)
    assert loaded["hooks"] == []
    assert loaded["threads"] == 1
    heavy = {module.partition(".")[0] for module in loaded["modules"]} & set(HEAVY)
    assert heavy - ALLOWED.get(name, set[str]()) == set()


def test_a_use_of_the_library_registers_its_hooks_once() -> None:
    program = PROGRAM.replace(
        "getattr(flext_observability, sys.argv[1])",
        "[flext_observability.init_observability(exporters='none', console=False) for _ in range(2)]",
    )
    command = [sys.executable, "-I", "-c", program]
    run = subprocess.run(command, env={}, capture_output=True, text=True, check=True, timeout=60)
    hooks = json.loads(run.stdout)["hooks"]
    assert sorted(hook.partition(" ")[0] for hook in hooks) == ["atexit", "fork"]


def test_help_shows_every_argument_of_the_start() -> None:
    parameters = inspect.signature(flext_observability.init_observability).parameters
    names = {*FIELDS, *(alias for field in FIELDS.values() for alias in field.aliases)}
    assert set(parameters) == {"config", *names}
    assert parameters["service_name"].kind is inspect.Parameter.KEYWORD_ONLY
    assert "service_name: str | None" in str(inspect.signature(flext_observability.init_observability))
