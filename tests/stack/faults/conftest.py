"""Fixtures of the fault tests, and their table at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from rich.console import Console
from rich.table import Table

from monitoring.native import processes
from monitoring.native.parts import ALERTMANAGER, JAEGER, PROMETHEUS, VICTORIALOGS, Part, running_parts
from monitoring.native.places import Places, StackError, places_from
from monitoring.native.targets import prometheus_folder
from tests.stack.clients import Jaeger, Prometheus, VictoriaLogs
from tests.stack.faults.measuring import Count, Ledger, Load, Stores
from tests.stack.faults.own_stack import OwnStack

_LEDGER = Ledger()
_OFFSET = 20000
"""Distance to the ports of the user's stack."""


class Measure(Protocol):
    """End a load, wait for its items at most so long, and add them to the table."""

    def __call__(self, fault: str, running: Load, within_seconds: float = 40.0) -> list[Count]:
        """Return the counts of the three signals."""
        ...


def pytest_terminal_summary() -> None:
    """Print the table of all faults."""
    if not _LEDGER.rows:
        return
    table = Table("fault", "signal", "sent", "received", "duplicates", "lost", title="Counts at both ends")
    last = ""
    for fault, count in _LEDGER.rows:
        numbers = (count.sent, count.received, count.duplicates, count.lost)
        table.add_row(fault if fault != last else "", count.signal, *map(str, numbers))
        last = fault
    console = Console(width=120)
    console.print()
    console.print(table)
    for note in _LEDGER.notes:
        console.print(note, highlight=False)


@pytest.fixture(scope="session")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStack]:
    """Return a running stack of its own. Without its programs, skip, or fail if FLEXT_STACK_REQUIRED=1."""
    user = places_from()
    state = tmp_path_factory.mktemp("stack")
    places = Places(cache=user.cache, state=state, port_offset=user.port_offset + _OFFSET)
    stack = OwnStack(places)
    try:
        stack.start()
    except StackError as problem:
        _stop_all(places)
        if os.environ.get("FLEXT_STACK_REQUIRED") == "1":
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    yield stack
    _stop_all(places)


@pytest.fixture(scope="session")
def stores(own_stack: OwnStack) -> Iterator[Stores]:
    """Return the clients of the back ends."""
    places = own_stack.places
    with _client(places, JAEGER) as jaeger, _client(places, PROMETHEUS) as prom, _client(places, VICTORIALOGS) as logs:
        folder: Path = prometheus_folder(places) / "applications"
        yield Stores(Jaeger(jaeger), Prometheus(prom, folder), VictoriaLogs(logs))


@pytest.fixture
def measure(stores: Stores) -> Measure:
    """Return a function that ends a load, waits for its items, and adds them to the table."""

    def measured(fault: str, running: Load, within_seconds: float = 40.0) -> list[Count]:
        answer = running.end()
        assert answer["dropped"] == {}, answer
        assert (answer["complete"], answer["queued"]) == (True, 0), answer
        found = stores.settled(running.service, answer["total"], within_seconds)
        _LEDGER.rows.extend((fault, count) for count in found)
        return found

    return measured


@pytest.fixture(scope="session")
def alertmanager(own_stack: OwnStack) -> str:
    """Return the base URL of Alertmanager."""
    return f"http://{own_stack.places.address(ALERTMANAGER, 'http')}"


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Return the table of all faults."""
    return _LEDGER


@pytest.fixture(scope="session")
def note() -> Callable[[str], None]:
    """Return a function that adds a line below the table."""
    return _LEDGER.notes.append


def _stop_all(places: Places) -> None:
    for part in reversed(running_parts()):
        processes.stop(part, places, grace_seconds=20.0)


def _client(places: Places, part: Part) -> httpx.Client:
    # trust_env=False: a proxy of the environment must not be used for loopback.
    return httpx.Client(base_url=f"http://{places.address(part, 'http')}", timeout=30.0, trust_env=False)
