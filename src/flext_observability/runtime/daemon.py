"""Daemon threads that may fail to start, or die: ``start_daemon`` for one call, ``DaemonThread`` for a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from threading import RLock, Thread, current_thread, main_thread
from typing import Final, final
from weakref import WeakSet

from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.runtime import current_runtime
from flext_observability.runtime.thread_cpu import thread_cpu
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

REPORT_FIX: Final = "Report this, with the log"
THREAD_FIX: Final = "Raise the limit of processes and threads (ulimit -u, pids.max of the container)"
FIRST_WAIT_SECONDS: Final = 0.1
MAX_START_WAIT_SECONDS: Final = 1.0
MAX_WAIT_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_logger: Final = logging.getLogger("flext_observability")


def start_daemon(name: str, work: Callable[[], object], *, what: str) -> Thread | None:
    """Start a daemon thread.

    Args:
        name: Name of the thread.
        work: Called on the thread.
        what: The thread in the log line of a failed start: "the thread for periodic work".

    Returns:
        The thread, or None when the system cannot start one.
    """
    thread = Thread(target=partial(thread_cpu().call, work), name=name, daemon=True)
    error = _start(thread)
    if error is None:
        return thread
    if main_thread().is_alive():
        report_once(f"Starting {what}", error)
    return None


def _start(thread: Thread) -> BaseException | None:
    """Start the thread, or return why the system cannot: no more threads or memory, or an interpreter that ends."""
    try:
        thread.start()
    except (RuntimeError, MemoryError, OSError) as error:
        return error
    return None


@final
class DaemonThread:
    """The thread of one worker, which is started again after its start failed or its work raised.

    The owner calls ``start`` whenever there is work. A failed start is tried again by later calls, and by
    ``retry_threads``, which all workers call. Work that raises is called again on its thread. The waits between
    attempts grow from ``FIRST_WAIT_SECONDS`` to ``MAX_START_WAIT_SECONDS``, after errors to ``MAX_WAIT_SECONDS``.
    Thread-safe.

    Attributes:
        is_active: Whether a thread is in charge of the work.
        problem: Why the work does not run, or ran into an error; empty when all is well.
        fix: The next action for the problem, without a full stop.
    """

    def __init__(
        self, name: str, work: Callable[[], object], *, what: str, report: Callable[[str], object] | None = None
    ) -> None:
        """Create the object without a thread.

        Args:
            name: Name of the thread.
            work: Called on the thread, and again after it raised. It ends the thread by returning, after ``release``.
            what: The thread in log lines: "the thread for periodic work".
            report: Called once for each new problem, and with an empty text at its end; by default they are logged.
        """
        self.is_active = False
        self.problem = self.fix = ""
        self._name = name
        self._work = work
        self._what = what
        self._report = report or self._log
        self._lock = RLock()
        self._owner: Thread | None = None
        self._reported = ""
        self._failures = 0
        self._not_before = self._since = 0.0

    @property
    def is_restarting(self) -> bool:
        """Whether the work raised, and a later call of ``start`` or ``retry_threads`` starts the thread again."""
        return self.problem != "" and self.fix == REPORT_FIX

    def start(self) -> bool:
        """Start the thread unless it is active; return whether it is active. Never blocks, never raises.

        Call ``report`` afterwards, without the locks of the owner.
        """
        with self._lock:
            if self.is_active or time.monotonic() < self._not_before:
                return self.is_active
            thread = Thread(target=partial(thread_cpu().call, self._run), name=self._name, daemon=True)
            self._owner, self.is_active = thread, True
            error = _start(thread)
            if error is None:
                self._started()
            else:
                self._failed(f"{self._what} cannot be started: {error}", THREAD_FIX, MAX_START_WAIT_SECONDS)
                current_runtime().get(_Waiting).threads.add(self)
            return self.is_active

    def borrow(self) -> bool:
        """Let the calling thread do the work if no thread is active; return whether it may. Call ``release`` after."""
        with self._lock:
            if self.is_active:
                return False
            self._owner, self.is_active = current_thread(), True
            return True

    def release(self) -> None:
        """End the charge of the calling thread, which does the work no longer.

        Call it under the lock of the owner, so that work that comes later starts another thread.
        """
        with self._lock:
            if self._owner is current_thread():
                self._owner, self.is_active = None, False

    def report(self) -> None:
        """Report a change of ``problem``."""
        with self._lock:
            problem, reported = self.problem, self._reported
            self._reported = problem
        if problem != reported and main_thread().is_alive():
            self._report(problem)

    def reinit_after_fork(self) -> None:
        """Drop the thread of the parent; called by the owner in a forked child."""
        self._lock = RLock()
        self._owner, self.is_active = None, False
        self.problem = self._reported = ""
        self._failures = 0
        self._not_before = self._since = 0.0

    def _run(self) -> None:
        me = current_thread()
        self.report()
        while self._owner is me:
            try:
                self._call_work(me)
            except BaseException as error:  # noqa: BLE001 - an error of ours, or of code that we call, ends no worker
                reraise_interrupt(error)  # a greenlet that is killed: the next start creates another one
                self.report()
                time.sleep(self._wait_seconds(MAX_WAIT_SECONDS))
                self._resume(me)

    def _call_work(self, me: Thread) -> None:
        try:
            self._work()
        except BaseException as error:
            self._died(me, error)
            raise
        self.release()

    def _died(self, me: Thread, error: BaseException) -> None:
        with self._lock:
            if time.monotonic() - self._since > _STEADY_SECONDS:
                self._failures = 0
            if self._owner is me:
                self._failed(f"{self._what} failed: {describe_error(error)}", REPORT_FIX, MAX_WAIT_SECONDS)
                current_runtime().get(_Waiting).threads.add(self)

    def _resume(self, me: Thread) -> None:
        """Continue on a thread whose work raised, unless another one has the work now."""
        with self._lock:
            if not self.is_active:
                self._owner, self.is_active = me, True
                self._started()
        self.report()

    def _started(self) -> None:
        self._since = time.monotonic()
        self.problem = ""

    def _failed(self, problem: str, fix: str, limit_seconds: float) -> None:
        self._owner, self.is_active = None, False
        self.problem, self.fix = problem, fix
        self._failures += 1
        self._not_before = time.monotonic() + self._wait_seconds(limit_seconds)

    def _wait_seconds(self, limit_seconds: float) -> float:
        return min(FIRST_WAIT_SECONDS * 2.0 ** min(self._failures - 1, 16), limit_seconds)

    def _log(self, problem: str) -> None:
        text = f"{problem}. {self.fix}." if problem else f"{self._what} runs again"
        log_warning(_logger, text[0].upper() + text[1:])


@final
class _Waiting:
    """Threads that do not run although they should."""

    def __init__(self) -> None:
        self.threads: WeakSet[DaemonThread] = WeakSet()
        register_fork_aware(self)

    def reinit_after_fork(self) -> None:
        """Drop the threads of the parent."""
        self.threads = WeakSet()


def retry_threads() -> None:
    """Start the threads that could not be started before, if their wait is over. Never blocks for long."""
    waiting = current_runtime().get(_Waiting).threads
    for thread in list(waiting) if waiting else ():
        if thread.start():
            waiting.discard(thread)
        thread.report()
