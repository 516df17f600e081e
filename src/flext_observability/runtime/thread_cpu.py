"""CPU time of the background threads of this library (standard library only)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import BuiltinFunctionType
from typing import final

from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime


@final
class ThreadCpu:
    """CPU time of threads, the running ones included. Thread-safe."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._clocks: dict[int, int] = {}
        self._ended = 0.0
        register_fork_aware(self)

    def call(self, work: Callable[[], object]) -> None:
        """Call the work of a thread, and count its CPU time."""
        if not isinstance(threading.get_ident, BuiltinFunctionType):
            # gevent or eventlet has replaced it: the work shares its thread with the program.
            work()
            return
        key = threading.get_ident()
        with self._lock, suppress(AttributeError):  # not on every system: the time then counts at the end
            self._clocks[key] = time.pthread_getcpuclockid(key)
        try:
            work()
        finally:
            with self._lock:  # while `seconds` reads the clock, its thread exists
                self._clocks.pop(key, None)
                self._ended += time.thread_time()

    def seconds(self) -> float:
        """Return the CPU time of all threads since the start of the process, in seconds."""
        with self._lock:
            return self._ended + sum(map(time.clock_gettime, self._clocks.values()))

    def reinit_after_fork(self) -> None:
        """Drop the threads of the parent."""
        self._clocks.clear()
        self._ended = 0.0


def thread_cpu() -> ThreadCpu:
    """Return the CPU time of the process's threads."""
    return current_runtime().get(ThreadCpu)


def cpu_clock() -> tuple[float, float, float]:
    """Return monotonic time, CPU time of our threads, and CPU time of the process, in seconds."""
    return time.monotonic(), thread_cpu().seconds(), time.process_time()
