"""Outcomes of callbacks of observable instruments → log lines at each change, and notices for the status."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, final

from flext_observability.domain.report import Notice
from flext_observability.domain.result import compose_message
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation

    from flext_observability.engine.observable_callback import ObservableCallback

DEADLINE_SECONDS: Final = 1.0
"""Time that one collection gives to all callbacks."""
_LATE_FIX: Final = "Give the calls in it a timeout below 1 s, or observe a value that a thread of the program updates"
_FAILED_FIX: Final = "Correct the callback"
_logger: Final = logging.getLogger("flext_observability")


@final
class CallbackStates:
    """Late and failing callbacks. A late one that returned keeps its observations for the next collection."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._late: dict[ObservableCallback, float] = {}
        self._kept: dict[ObservableCallback, Sequence[Observation]] = {}
        self._failures: dict[ObservableCallback, str] = {}

    def set_late(self, callback: ObservableCallback, began_at: float) -> None:
        """Record that a call, begun at this monotonic time, missed the deadline. Logged at the first one in a row."""
        with self._lock:
            is_new = callback not in self._late
            self._late[callback] = began_at
        if is_new:
            log_warning(_logger, compose_message(_late_message(callback, "it is left out until it returns"), _LATE_FIX))

    def set_returned(
        self, callback: ObservableCallback, observations: Sequence[Observation], problem: str, *, kept: bool
    ) -> bool:
        """Record the outcome of a call. Return whether the callback was late before, and is not any more.

        Args:
            callback: The callback.
            observations: What it returned.
            problem: How it failed; empty if it has not.
            kept: Whether a collection ended without the call, so that the next one gets its observations.
        """
        with self._lock:
            if kept:
                self._kept[callback] = observations
            if problem:
                self._failures[callback] = problem
            else:
                self._failures.pop(callback, None)
            return not kept and self._late.pop(callback, None) is not None

    def pop_kept(self, callback: ObservableCallback) -> Sequence[Observation]:
        """Return the observations of a late call that returned since the last collection, once."""
        with self._lock:
            return self._kept.pop(callback, ())

    def notices(self, is_running: Callable[[ObservableCallback], bool]) -> Iterator[Notice]:
        """Yield a notice for each late callback, which degrades metrics, and for each failing one."""
        with self._lock:
            late, failures = dict(self._late), dict(self._failures)
        for callback, began_at in late.items():
            state = f"running for {monotonic() - began_at:.0f} s" if is_running(callback) else "it has returned since"
            yield Notice("metrics", _late_message(callback, state), _LATE_FIX, degrades=True)
        for callback, problem in failures.items():
            yield Notice("metrics", f"{_subject(callback)} failed: {problem}", _FAILED_FIX)

    def reset(self) -> None:
        """Drop the late calls, in a forked child."""
        self._late.clear()
        self._kept.clear()


def log_returned(callback: ObservableCallback, failure: BaseException | None, *, was_late: bool) -> None:
    """Log the outcome of a call."""
    if was_late:
        log_warning(_logger, f"{_subject(callback)} returns in time again: it is used from now on")
    if failure is not None:
        report_once(_subject(callback), failure)


def _subject(callback: ObservableCallback) -> str:
    return f"The callback of the observable instrument {callback.instrument}"


def _late_message(callback: ObservableCallback, state: str) -> str:
    return f"{_subject(callback)} did not return within {DEADLINE_SECONDS:g} s: {state}"
