from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from flext_observability import FlextHealthCheck
from flext_observability.services.dependencies import SystemClock
from flext_observability.services.health.check import RegisteredCheck
from flext_observability.services.health.check_run import CheckRun


class Looked:
    """Checks of a test, what ran in which order, and what was told."""

    def __init__(self, reported: Sequence[FlextHealthCheck] = ()) -> None:
        self.checks: dict[str, RegisteredCheck] = {}
        self.reported = {check.name: check for check in reported}
        self.ran: list[str] = []
        self.told: list[str] = []

    def add(self, name: str, *depends_on: str, status: str = "healthy") -> None:
        def call() -> str:
            self.ran.append(name)
            return status

        self.checks[name] = RegisteredCheck(name, call, depends_on=depends_on)

    def look(self, *names: str, again: bool = False) -> list[tuple[str, str]]:
        tell: Callable[[FlextHealthCheck], None] = lambda found: self.told.append(found.name)  # noqa: E731

        async def main() -> list[FlextHealthCheck]:
            around = CheckRun(self.checks, self.reported, SystemClock(), tell=tell, apart=True)
            return await around.find([self.checks[name] for name in names], again=again)

        return [(found.status, found.message) for found in asyncio.run(main())]


def test_dependencies_run_first_and_once() -> None:
    looked = Looked()
    looked.add("page", "cache", "database")
    looked.add("cache", "database")
    looked.add("database")
    assert looked.look("page", "cache", "database") == [("healthy", "")] * 3
    assert looked.ran == looked.told == ["database", "cache", "page"]


def test_what_a_check_depends_on_is_run_though_nobody_asked_for_it() -> None:
    looked = Looked()
    looked.add("page", "database")
    looked.add("database")
    looked.look("page")
    assert looked.ran == ["database", "page"]


def test_a_check_is_not_run_while_one_that_it_depends_on_is_down() -> None:
    looked = Looked()
    looked.add("page", "cache")
    looked.add("cache", "database")
    looked.add("database", status="unhealthy")
    assert looked.look("page", "cache") == [
        ("unknown", "not run: cache is unknown"),
        ("unknown", "not run: database is unhealthy"),
    ]
    assert looked.ran == ["database"]
    assert looked.told == ["database", "cache", "page"]


def test_a_degraded_dependency_is_no_reason() -> None:
    looked = Looked()
    looked.add("page", "database")
    looked.add("database", status="degraded")
    assert looked.look("page") == [("healthy", "")]


def test_a_dependency_may_be_reported_by_entity_and_one_that_nobody_knows_is_named() -> None:
    looked = Looked([FlextHealthCheck(name="disk", status="unhealthy"), FlextHealthCheck(name="network")])
    looked.add("page", "disk", "network", "nobody")
    assert looked.look("page") == [("unknown", "not run: disk is unhealthy, nobody is not registered")]


def test_a_check_runs_as_soon_as_what_it_waited_for_is_there() -> None:
    looked = Looked()
    looked.add("page", "database")
    assert looked.look("page")[0][0] == "unknown"
    looked.add("database")
    assert looked.look("page") == [("healthy", "")]


def test_again_runs_what_is_asked_for_and_not_its_dependencies() -> None:
    looked = Looked()
    looked.add("page", "database")
    looked.add("database")
    for _ in range(2):
        looked.look("page", again=True)
    assert looked.ran == ["database", "page", "page"]
