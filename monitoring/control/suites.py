"""Commands that run tests: they use the running stack, or start it before and stop it after."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from monitoring.control.context import Context
from monitoring.control.prerequisites import check_engine
from monitoring.control.secret_files import make_secrets
from monitoring.native.parts import built_parts, running_parts
from monitoring.native.places import StackError

_NOT_CHECKED: Final = 2
"""Exit code of the validation without a fault, but with checks that were not possible."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Test files of one command, as patterns in the repository."""

    subject: str
    patterns: tuple[str, ...]


SUITES: Final[Mapping[str, Suite]] = {
    "test-observability": Suite("all tests against the running stack", ("tests/stack",)),
    "test-monitoring": Suite(
        "configuration, runner and commands of the stack, and an outage",
        (
            "tests/monitoring",
            "tests/stack/test_configuration.py",
            "tests/stack/test_control*.py",
            "tests/stack/test_outage.py",
        ),
    ),
    "test-metrics-e2e": Suite(
        "metrics from the program to Prometheus: push, scrape, Pushgateway, formats",
        (
            "tests/stack/test_push_and_scrape.py",
            "tests/stack/test_pushgateway.py",
            "tests/stack/test_prometheus*.py",
            "tests/stack/test_page_formats.py",
        ),
    ),
    "test-tracing-distributed": Suite(
        "traces of several processes in Jaeger, over each protocol",
        ("tests/stack/test_demo_read_back.py", "tests/stack/test_protocols.py", "tests/stack/test_trac*.py"),
    ),
    "test-alerts-integration": Suite(
        "alerts from rule or program to Alertmanager and its receiver", ("tests/stack/test_alert*.py",)
    ),
    "test-health-monitoring": Suite(
        "health checks, probes and the health of the stack",
        ("tests/stack/test_health*.py", "tests/stack/test_ops*.py", "tests/stack/test_entities.py"),
    ),
}


def run_suite(context: Context, name: str) -> int:
    """Run the tests of one command. Return the exit code of pytest."""
    suite = SUITES[name]
    files = _files(context, suite)
    context.report.done(f"{name}: {suite.subject}")
    for file in files:
        context.report.note(file)
    with_stack = _StackForTests(context)
    with_stack.start()
    try:
        code = _python(context, "pytest", *files, *context.arguments)
    finally:
        with_stack.stop()
    if code == 0:
        kept = "make health-monitor   the stack after the tests"
        context.report.next("make monitoring-setup   start a stack that stays" if with_stack.started else kept)
    else:
        context.report.next(f"make {name} ARGS='-x -vv'   stop at the first failure, with all details")
    return code


def observability_test(context: Context) -> int:
    """Run the tester: load, then every query against the real back ends."""
    _require_module("monitoring.tester")
    with_stack = _StackForTests(context)
    with_stack.start()
    try:
        return _python(context, "monitoring.tester", *context.arguments)
    finally:
        with_stack.stop()


def observability_validate(context: Context) -> int:
    """Check all configuration files with the programs that read them, and build missing programs before."""
    missing = [part for part in built_parts() if not context.engine.places.installed(part)]
    if missing and not context.docker:
        check_engine(context)
        context.engine.prepare(context.report.console)
    code = _python(context, "monitoring.validation", *context.arguments)
    if code == _NOT_CHECKED and context.docker:
        names = ", ".join(part.name for part in missing)
        context.report.note(f"not built here: {names}. In Docker the parts check their files at their start instead;")
        context.report.note("to check them before, install Go and run `make stack-install`")
        return 0
    return code


class _StackForTests:
    """Starts the stack unless it runs, and then stops what it started."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.started: tuple[str, ...] = ()

    def start(self) -> None:
        self.started = tuple(self._context.down())
        if not self.started:
            self._context.report.done("the stack was running, and is left running")
            return
        make_secrets(self._context.engine.places.repository)
        self._context.start(())
        self._context.report.done(f"started for the tests: {', '.join(self.started)}")

    def stop(self) -> None:
        if not self.started:
            return
        everything = {part.name for part in running_parts()} <= set(self.started)
        parts = () if everything else tuple(part for part in running_parts() if part.name in self.started)
        self._context.engine.stop(parts, self._context.report.console)


def _files(context: Context, suite: Suite) -> list[str]:
    repository = context.engine.places.repository
    found = {str(path.relative_to(repository)) for pattern in suite.patterns for path in repository.glob(pattern)}
    if not found:
        raise StackError(f"No test file matches {', '.join(suite.patterns)}. Restore tests/: git checkout -- tests.")
    return sorted(found)


def _python(context: Context, module: str, *arguments: str) -> int:
    """Run a module with this interpreter and the output of this command. Return the exit code."""
    environment = os.environ | {"FLEXT_STACK_REQUIRED": "1", "FLEXT_STACK_ENGINE": context.engine.name}
    context.report.console.file.flush()
    argv = [sys.executable, "-m", module, *arguments]
    return subprocess.run(argv, cwd=context.engine.places.repository, env=environment, check=False).returncode


def _require_module(name: str) -> None:
    if find_spec(name) is None:
        raise StackError(f"{name} is not in this repository: it is incomplete. Restore it: git checkout -- monitoring.")
