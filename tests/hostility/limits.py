"""Bounds of a call: a time limit, and a limit of steps of an object that never ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

CALL_SECONDS = 30.0  # under coverage, on a loaded machine
MAX_STEPS = 1_000_000


class NeverEnds(BaseException):
    """A call took too long, or did not stop reading an endless object."""


class _Steps:
    """Steps of the endless objects in the current call."""

    count = 0
    place = ""


def step() -> None:
    """Count one step of an endless object. Beyond the limit, raise."""
    _Steps.count += 1
    if _Steps.count > MAX_STEPS:
        _Steps.place = _caller()
        raise NeverEnds(f"{MAX_STEPS} steps of an endless object at {_Steps.place}")


def _caller() -> str:
    """Return the line of the library that reads an endless object."""
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None and "/src/flext_observability/" not in frame.f_code.co_filename:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename.rpartition('/src/')[2]}:{frame.f_lineno}"


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise NeverEnds(f"{CALL_SECONDS} seconds")


@contextmanager
def interruptible() -> Iterator[None]:
    """Install the handler of the time limit. For the main thread."""
    previous = signal.signal(signal.SIGALRM, _stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


class bounded:  # noqa: N801 - used as a function
    """Run the body within both limits. Raises ``NeverEnds`` for an exceeded one, also when the body caught it."""

    def __enter__(self) -> None:
        """Start the limits."""
        _Steps.count = 0
        signal.setitimer(signal.ITIMER_REAL, CALL_SECONDS)

    def __exit__(self, *_: object) -> None:
        """End the limits."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _Steps.count > MAX_STEPS:
            raise NeverEnds(f"{MAX_STEPS} steps of an endless object at {_Steps.place}")
