"""Cases of foreign code that raises: exceptions of each kind, and what the cases share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from flext_observability import Observability, init_observability
from tests.fakes import ScriptedExporter
from tests.integration.prometheus_page import QUIET, scrape


class Unreadable(BaseException):
    """An exception of no known kind, without a readable message."""

    def __str__(self) -> str:
        raise SystemExit(9)


KINDS = (
    *(ValueError, asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit),
    *(StopIteration, StopAsyncIteration, RecursionError, MemoryError, Unreadable),
)
Fail = Callable[..., Any]
Case = Callable[[Fail], None]
_numbers = count()


class Table(dict[str, Case]):
    """Cases by name. Each raises with `fail`, and asserts that all other parts work."""

    def __call__(self, case: Case) -> Case:
        """Add a case."""
        self[case.__name__] = case
        return case


def run_case(case: Case, fail: Fail) -> None:
    """Run a case in a thread: in the main thread, KeyboardInterrupt is Ctrl-C."""
    with ThreadPoolExecutor() as threads:
        threads.submit(case, fail).result(60)


def raising(kind: type[BaseException]) -> Fail:
    """Return a function that raises."""

    def fail(*_: object, **__: object) -> None:
        raise kind

    return fail


def start(**settings: Any) -> Observability:
    """Start with a page and no push, unless the settings say otherwise."""
    given: dict[str, Any] = {**QUIET, "exporters": {"traces": [], "metrics": ["prometheus"], "logs": []}, **settings}
    handle = init_observability(**given).unwrap()
    assert isinstance(handle, Observability)
    return handle


def new_name(prefix: str) -> str:
    return f"{prefix}{next(_numbers)}"


def on_page(handle: Observability, name: str) -> bool:
    """Return whether a metric is on the page, which has status 200."""
    page = scrape(handle.ops_address)
    assert page.status == 200
    return any(found == name for found, _ in page.samples())


def exported(*exporters: ScriptedExporter) -> list[list[str]]:
    return [[item.name for batch in each.batches for item in batch] for each in exporters]
