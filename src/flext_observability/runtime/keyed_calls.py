"""Calls of foreign code on threads of their own: shared by callers, bounded in number, awaited up to a deadline.

A call that never returns keeps its thread. No further one is started for the same group, and callers continue.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from types import FrameType
from typing import Any, Final, Generic, TypeVar, cast, final

from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt

T = TypeVar("T")
Key = tuple[object, ...]

_LIBRARY: Final = __name__.partition(".")[0]


@final
class KeyedCall(Generic[T]):
    """A call in progress.

    Attributes:
        future: Its result, or what it raised.
        started_at: Monotonic seconds.
    """

    __slots__ = ("future", "started_at", "thread")

    def __init__(self, thread: Thread, future: Future[T]) -> None:
        """Record a call that starts now."""
        self.thread = thread
        self.future = future
        self.started_at = time.monotonic()

    def age_seconds(self) -> float:
        """Return the time since the start."""
        return time.monotonic() - self.started_at

    def ended_within(self, seconds: float) -> bool:
        """Wait until the call ends, or until this time after its start; return whether it has ended."""
        return bool(wait([self.future], max(seconds - self.age_seconds(), 0.0)).done)

    def place(self) -> str:
        """Return the foreign function that the call is in, ``shop.database.ping, line 12``; empty if not found."""
        # Documented by Python in spite of its name.
        frames = cast("Callable[[], dict[int, FrameType]]", vars(sys)["_current_frames"])()
        frame = frames.get(self.thread.ident or 0)
        while frame is not None:
            module = _module_of(frame)
            if module.partition(".")[0] not in {_LIBRARY, *sys.stdlib_module_names}:
                return f"{module}.{frame.f_code.co_qualname}, line {frame.f_lineno}"
            frame = frame.f_back
        return ""


@final
class KeyedCalls(Generic[T]):
    """Calls in progress, by key. The first part of a key is its group.

    Args:
        name: Name of the threads.
        limit: Number of calls in progress.
        group_limit: Number of calls in progress of one group.
    """

    __slots__ = ("__weakref__", "_calls", "_group_limit", "_limit", "_lock", "_name")

    def __init__(self, name: str, limit: int, group_limit: int) -> None:
        self._name = name
        self._limit = limit
        self._group_limit = group_limit
        self._lock = ForkSafeLock()
        self._calls: dict[Key, KeyedCall[T]] = {}
        register_fork_aware(self)

    def join(self, key: Key, work: Callable[[], T], late_after_seconds: float) -> KeyedCall[T] | None:
        """Return the call of this key that is in progress, otherwise start one.

        While a call of the same group is late, it is returned: the next one would probably hang as well.

        Returns:
            The call; None when the limit is reached, or when the system cannot start a thread.
        """
        with self._lock:
            group = [call for other, call in self._calls.items() if other[0] == key[0]]
            late = (call for call in group if call.age_seconds() >= late_after_seconds)
            found = self._calls.get(key) or next(late, None)
            if found is not None:
                return found
            if len(self._calls) >= self._limit or len(group) >= self._group_limit:
                return None
            return self._start(key, work)

    def reinit_after_fork(self) -> None:
        """Drop the calls of the parent in a forked child."""
        self._calls.clear()

    def _start(self, key: Key, work: Callable[[], T]) -> KeyedCall[T] | None:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # waiting callers cannot cancel it
        thread = Thread(target=self._run, args=(key, work, future), name=self._name, daemon=True)
        self._calls[key] = call = KeyedCall(thread, future)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # no more threads
            del self._calls[key]
            return None
        return call

    def _run(self, key: Key, work: Callable[[], T], future: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - passed to the waiting callers
            reraise_interrupt(error)
            self._end(key)
            future.set_exception(error)
            return
        self._end(key)
        future.set_result(result)

    def _end(self, key: Key) -> None:
        """Remove the call first: a request after its reply starts a new one."""
        with self._lock:
            self._calls.pop(key, None)


def _module_of(frame: FrameType) -> str:
    name: Any = frame.f_globals.get("__name__")
    return name if type(name) is str else _LIBRARY
