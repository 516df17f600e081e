"""One call of a function for all threads that wait for its result, with a time limit (standard library only)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from threading import Condition
from time import monotonic
from typing import Generic, TypeVar, cast, final

from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")


class SharedCallTimeout(Exception):
    """The call in progress has reached its time limit.

    Attributes:
        seconds: Its duration until now.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no result after {seconds:.1f} s")
        self.seconds = seconds


@final
class SharedCall(Generic[T]):
    """Calls a function on a thread, once at a time. Each result belongs to a call that began after the request.

    Thread-safe. A forked child has no call in progress.

    Args:
        name: Name of the thread.
        function: The function. A call that hangs keeps its thread.
        limit_seconds: Time limit of one call. While a call exceeds it, requests fail immediately.
    """

    def __init__(self, name: str, function: Callable[[], T], limit_seconds: float) -> None:
        self._name = name
        self._function = function
        self._limit_seconds = limit_seconds
        self.reinit_after_fork()
        register_fork_aware(self)

    def reinit_after_fork(self) -> None:
        """Drop the call in progress."""
        self._changed = Condition()
        self._requested = self._begun = self._ended = 0
        self._began_at: float | None = None  # None: no thread
        self._outcome: tuple[T | None, Exception | None] = None, None

    def result(self) -> T:
        """Return the result of a call that begins now, or after the one in progress.

        Raises:
            SharedCallTimeout: The time limit is reached. Other exceptions are those of the function.
        """
        with self._changed:
            ticket = self._requested = self._begun + 1
        while (outcome := self._wait(ticket)) is None:
            run = partial(copy_context().run, self._run)
            if start_daemon(self._name, run, what=f"the thread {self._name}") is None:
                self._run()
        result, error = outcome
        if error is not None:
            raise error
        return cast("T", result)

    def _wait(self, ticket: int) -> tuple[T | None, Exception | None] | None:
        """Wait for a call, and return its outcome. Return None if the caller must start it."""
        with self._changed:
            while self._ended < ticket:
                if self._began_at is None:
                    self._began_at = monotonic()
                    return None
                seconds = monotonic() - self._began_at
                if seconds >= self._limit_seconds:
                    raise SharedCallTimeout(seconds)
                self._changed.wait(self._limit_seconds - seconds)
            return self._outcome

    def _run(self) -> None:
        """Call the function until there are no more requests."""
        changed = self._changed
        try:
            # A function that forks returns in the child too, where `_changed` was replaced.
            while self._changed is changed and self._begin():
                self._call(changed)
        finally:
            if self._changed is changed:
                with changed:
                    self._began_at = None
                    changed.notify_all()

    def _begin(self) -> bool:
        with self._changed:
            if self._begun == self._requested:
                return False
            self._begun = self._requested
            self._began_at = monotonic()
            return True

    def _call(self, changed: Condition) -> None:
        result: T | None = None
        error: Exception | None = RuntimeError(f"the thread {self._name} was ended")
        try:
            result, error = self._function(), None
        except BaseException as failure:  # noqa: BLE001 - raised in the threads that wait
            reraise_interrupt(failure)
            # Others, such as SystemExit, would end a thread that waits.
            error = failure if isinstance(failure, Exception) else RuntimeError(describe_error(failure))
        finally:
            if self._changed is changed:
                with changed:
                    self._outcome, self._ended = (result, error), self._begun
                    changed.notify_all()
