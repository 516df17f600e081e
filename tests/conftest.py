"""Settings of all tests: a clean environment, an isolated context, a fresh runtime, and a list of skips."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextvars import copy_context
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.disks import read_only_folder, small_disk
from tests.programs import ENGINE, SETTING_PREFIXES

__all__ = ["read_only_folder", "small_disk"]  # fixtures

UNUSUAL_VARIABLES = ("PYTHONUNBUFFERED",)  # child processes run with Python's defaults, as they do for most users
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
STACK_PREFIX = "FLEXT_STACK_"  # addresses of the back ends, which do not configure telemetry
SHUTDOWN_TIMEOUT_SECONDS = 0.5


def _is_removed(name: str) -> bool:
    is_setting = name.startswith(SETTING_PREFIXES) and not name.startswith(STACK_PREFIX)
    return is_setting or name in UNUSUAL_VARIABLES or name.lower() in PROXY_VARIABLES


for _name in filter(_is_removed, list(os.environ)):
    del os.environ[_name]
os.environ.update(ENGINE)

# Every run uses the same examples. There is no deadline, because machines differ in speed.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Let Ctrl-C end the programs of the tests, also when a shell runs the tests in the background and ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test marked ``alone`` while no other test of this repository runs, in any worker."""
    folder = item.config.rootpath / ".cache" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "entry").open("w") as entry, (folder / "running").open("w") as running:
        flock(entry, LOCK_EX)  # held while a test waits for the running ones, so that no new test starts first
        flock(running, LOCK_EX if item.get_closest_marker("alone") else LOCK_SH)
        flock(entry, LOCK_UN)
        try:
            return (yield)
        finally:
            flock(running, LOCK_UN)  # closing is not enough: a forked child may hold the file open


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Run each test in a copy of the context, so that its active spans and ids do not reach the next test."""
    function = pyfuncitem.obj

    @wraps(function)
    def in_own_context(**arguments: Any) -> object:
        return copy_context().run(partial(function, **arguments))

    pyfuncitem.obj = in_own_context
    try:
        return (yield)
    finally:
        pyfuncitem.obj = function


@pytest.fixture(autouse=True)
def _shut_down_afterwards() -> Iterator[None]:
    """Shut down, and create a fresh runtime for the next test."""
    yield
    if start := sys.modules.get("flext_observability.api.start"):
        start.shutdown_observability(timeout_seconds=SHUTDOWN_TIMEOUT_SECONDS)
    if owner := sys.modules.get("flext_observability.runtime.runtime"):
        owner.replace_runtime()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Append each skip with its reason to the file named by SKIPS_FILE."""
    if not (target := os.environ.get("SKIPS_FILE")):
        return
    with Path(target).open("a", encoding="utf-8") as file:
        for report in terminalreporter.stats.get("skipped", []):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            file.write(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}\n")
