from __future__ import annotations

import asyncio
from collections.abc import Sequence

from flext_observability import FlextHealthCheck
from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.check_run import CheckRun


class Checks:
    """Checks of a test, the order in which they ran, and the new results."""

    def __init__(self, reported: Sequence[FlextHealthCheck] = ()) -> None:
        self.checks: dict[str, RegisteredCheck] = {}
        self.reported = {check.name: check for check in reported}
        self.ran: list[str] = []
        self.new: list[str] = []

    def add(self, name: str, *depends_on: str, status: str = "healthy") -> None:
        def call() -> str:
            self.ran.append(name)
            return status

        self.checks[name] = RegisteredCheck(name, call, depends_on=depends_on)

    def evaluate(self, *names: str, force: bool = False) -> list[tuple[str, str]]:

        def on_result(result: FlextHealthCheck) -> None:
            self.new.append(result.name)

        async def main() -> list[FlextHealthCheck]:
            check_run = CheckRun(self.checks, self.reported, on_result, own_loop=True)
            return await check_run.evaluate([self.checks[name] for name in names], force=force)

        return [(result.status, result.message) for result in asyncio.run(main())]


def test_dependencies_run_first_and_once() -> None:
    checks = Checks()
    checks.add("page", "cache", "database")
    checks.add("cache", "database")
    checks.add("database")
    assert checks.evaluate("page", "cache", "database") == [("healthy", "")] * 3
    assert checks.ran == checks.new == ["database", "cache", "page"]


def test_a_dependency_is_run_without_a_request() -> None:
    checks = Checks()
    checks.add("page", "database")
    checks.add("database")
    checks.evaluate("page")
    assert checks.ran == ["database", "page"]


def test_a_check_is_not_run_while_a_dependency_is_down() -> None:
    checks = Checks()
    checks.add("page", "cache")
    checks.add("cache", "database")
    checks.add("database", status="unhealthy")
    assert checks.evaluate("page", "cache") == [
        ("unknown", "not run: cache is unknown"),
        ("unknown", "not run: database is unhealthy"),
    ]
    assert checks.ran == ["database"]
    assert checks.new == ["database", "cache", "page"]


def test_a_degraded_dependency_blocks_nothing() -> None:
    checks = Checks()
    checks.add("page", "database")
    checks.add("database", status="degraded")
    assert checks.evaluate("page") == [("healthy", "")]


def test_a_dependency_may_be_a_reported_result_and_an_unknown_one_is_named() -> None:
    checks = Checks([FlextHealthCheck(name="disk", status="unhealthy"), FlextHealthCheck(name="network")])
    checks.add("page", "disk", "network", "missing")
    assert checks.evaluate("page") == [("unknown", "not run: disk is unhealthy, missing is not registered")]


def test_a_check_runs_once_its_dependency_is_registered() -> None:
    checks = Checks()
    checks.add("page", "database")
    assert checks.evaluate("page")[0][0] == "unknown"
    checks.add("database")
    assert checks.evaluate("page") == [("healthy", "")]


def test_force_runs_the_requested_check_and_not_its_dependencies() -> None:
    checks = Checks()
    checks.add("page", "database")
    checks.add("database")
    for _ in range(2):
        checks.evaluate("page", force=True)
    assert checks.ran == ["database", "page", "page"]
