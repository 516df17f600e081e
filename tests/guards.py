"""``python -m tests.guards``: the tests that compare our engine with the SDK, with more random cases, counted for each.

``GUARD_FACTOR`` (10) multiplies the random cases of each test. ``GUARD_WORKERS`` (2) is the number of processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Final

import pytest  # Hypothesis is imported later: pytest rewrites its assertions

ROOT: Final = Path(__file__).resolve().parent.parent
# Guard → patterns of its test modules.
GUARDS: Final = {
    "encoders equal": ("tests/unit/wire/otlp/test_encoder*.py",),
    "spans equal": ("tests/unit/engine/test_span_equal.py",),
    "metrics equal": ("tests/unit/engine/metrics/test_*_equal.py",),
    "logs equal": ("tests/unit/engine/test_log_equal.py", "tests/unit/instrumentation/logging/test_*_equal.py"),
    "engines equal": ("tests/integration/test_engines_equal.py",),
    "page equal": ("tests/unit/wire/prometheus/test_*.py",),
    "totals of racing threads": ("tests/integration/test_exact_totals.py", "tests/**/test_races.py"),
    "re-entrancy": ("tests/**/test_reentran*.py", "tests/**/test_nested_records.py"),
    "fork and workers": ("tests/integration/test_fork.py", "tests/integration/test_shared_page*.py"),
    "programs of the SDK": ("tests/integration/test_sdk_program.py",),
}
_PROPERTY: Final = "random cases"


def files(guard: str) -> list[str]:
    """Return the test modules of a guard."""
    return sorted({str(path.relative_to(ROOT)) for pattern in GUARDS[guard] for path in ROOT.glob(pattern)})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Multiply the number of random cases of each test, and count them."""
    factor = float(os.environ.get("GUARD_FACTOR", "10"))
    for item in items:
        test = getattr(item, "obj", None)
        if isinstance(item, pytest.Function) and hasattr(test, "hypothesis"):
            _enlarge(test, factor)
            _count(item, test)


def _enlarge(test: Any, factor: float) -> None:
    from hypothesis import settings

    name = "_hypothesis_internal_use_settings"  # a second @settings is an error for Hypothesis
    used: settings = getattr(test, name, None) or settings()
    if not hasattr(test, "guard_factor"):  # the items of a parametrised test share the function
        setattr(test, name, settings(used, max_examples=max(1, round(used.max_examples * factor))))
        test.guard_factor = factor


def _count(item: pytest.Function, test: Any) -> None:
    cases = [0]
    inner: Callable[..., object] = getattr(test, "guard_inner", test.hypothesis.inner_test)
    test.guard_inner = inner

    @wraps(inner)
    def counted(*arguments: Any, **named: Any) -> object:
        cases[0] += 1
        return inner(*arguments, **named)

    def install() -> None:
        test.hypothesis.inner_test = counted

    item.stash[_INSTALL] = install
    item.stash[_CASES] = cases


_INSTALL: Final = pytest.StashKey[Callable[[], None]]()
_CASES: Final = pytest.StashKey[list[int]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Add the number of random cases to the report of a test."""
    if install := item.stash.get(_INSTALL, None):
        install()
    try:
        return (yield)
    finally:
        if cases := item.stash.get(_CASES, None):
            item.user_properties.append((_PROPERTY, cases[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tests and the random cases of each guard."""
    reports = [report for each in ("passed", "failed") for report in terminalreporter.stats.get(each, [])]
    terminalreporter.section("guards")
    for guard in GUARDS:
        modules = set(files(guard))
        own = [report for report in reports if report.nodeid.partition("::")[0] in modules]
        cases = sum(number for report in own for name, number in report.user_properties if name == _PROPERTY)
        failed = sum(report.failed for report in own)
        terminalreporter.write_line(f"{guard}: {len(own)} tests, {cases} random cases, {failed} failed")


def main() -> int:
    """Run the guards, and return pytest's exit code."""
    modules = sorted({name for guard in GUARDS for name in files(guard)})
    workers = os.environ.get("GUARD_WORKERS", "2")
    options = [
        "-q",
        "-p",
        "tests.guards",
        "-n",
        workers,
        "--timeout",
        "1200",
        "-o",
        "faulthandler_timeout=1200",
        *sys.argv[1:],
    ]
    return int(pytest.main([*options, *modules]))


if __name__ == "__main__":
    sys.exit(main())
