"""Settings that every test shares: a clean environment, a context of its own, nothing left behind, skips written down."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextvars import copy_context
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.programs import OURS

UNUSUAL = ("PYTHONUNBUFFERED",)  # children are to behave as they do for most users
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OF_THE_STACK = "FLEXT_STACK_"  # these say where the back ends are, and steer no telemetry
LAST_SHUTDOWN_SECONDS = 0.5

for _name in list(os.environ):
    if (_name.startswith(OURS) and not _name.startswith(OF_THE_STACK)) or _name in UNUSUAL or _name.lower() in PROXIES:
        del os.environ[_name]

# The same examples in every run; no deadline, because machines differ.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test marked ``alone`` wait until no other worker of this tree runs one, and keep new ones from beginning."""
    folder = item.config.rootpath / ".cache" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "turnstile").open("w") as turnstile, (folder / "room").open("w") as room:
        flock(turnstile, LOCK_EX)  # whoever waits for an empty room holds this: nobody slips in before
        flock(room, LOCK_EX if item.get_closest_marker("alone") else LOCK_SH)
        flock(turnstile, LOCK_UN)
        try:
            return (yield)
        finally:
            flock(room, LOCK_UN)  # closing would not do: a forked child may hold the file open


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Run each test in a copy of the context, so that ids and spans which it leaves active end with it."""
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
    """Shut down, and give the next test a fresh runtime."""
    yield
    if start := sys.modules.get("flext_observability.api.start"):
        start.shutdown_observability(timeout_seconds=LAST_SHUTDOWN_SECONDS)
    if owner := sys.modules.get("flext_observability.runtime.owner"):
        owner.replace_runtime()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Append every skip with its reason to the file that SKIPS_FILE names."""
    if not (target := os.environ.get("SKIPS_FILE")):
        return
    with Path(target).open("a", encoding="utf-8") as file:
        for report in terminalreporter.stats.get("skipped", []):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            file.write(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}\n")
