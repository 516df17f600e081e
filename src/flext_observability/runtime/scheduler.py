"""Jobs with intervals → calls on one thread of the process (SCHEDULER); no thread while there are no jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Final, final

from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware, register_restart
from flext_observability.runtime.report_once import report_once


@dataclass(slots=True)
class _Job:
    name: str
    interval_seconds: float
    work: Callable[[], object]
    due: float


@final
class Scheduler:
    """Calls jobs again and again, one after another, on one thread; a job must not block for long.

    Safe from threads; in a forked child the jobs go on, on a thread of its own.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._jobs: dict[str, _Job] = {}
        self._thread: Thread | None = None
        register_fork_aware(self)
        register_restart(self)

    def every(self, name: str, interval_seconds: float, work: Callable[[], object]) -> None:
        """Call ``work`` each ``interval_seconds``, first one interval from now; a job of the same name is replaced."""
        with self._changed:
            self._jobs[name] = _Job(name, interval_seconds, work, monotonic() + interval_seconds)
            self._start_thread()
            self._changed.notify_all()

    def cancel(self, name: str) -> None:
        """Call a job no more; one that runs at this moment ends by itself."""
        with self._changed:
            self._jobs.pop(name, None)
            self._changed.notify_all()

    def names(self) -> tuple[str, ...]:
        """Return the names of the jobs."""
        with self._changed:
            return tuple(self._jobs)

    def reinit_after_fork(self) -> None:
        """Keep the jobs in a forked child, without the parent's thread."""
        now = monotonic()
        self._changed = Condition()
        self._thread = None
        for job in self._jobs.values():
            job.due = now + job.interval_seconds

    def go_on(self) -> None:
        """Call the jobs of the parent in a forked child too."""
        with self._changed:
            if self._jobs:
                self._start_thread()

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = start_daemon("flext-ticker", self._run, what="the thread for periodic work")

    def _run(self) -> None:
        changed = self._changed
        while self._changed is changed:  # a job that forks is no ticker in the child, which has one
            with changed:
                if not self._jobs:
                    self._thread = None
                    return
                job = min(self._jobs.values(), key=lambda each: each.due)
                wait = job.due - monotonic()
                if wait > 0:
                    changed.wait(wait)
                    continue
                # After a pause (a suspended machine) a job runs once, not once for each interval missed.
                job.due = monotonic() + job.interval_seconds
            _call(job)


def _call(job: _Job) -> None:
    try:
        job.work()
    except BaseException as error:  # noqa: BLE001 - SystemExit too: the other jobs go on
        report_once(f"The periodic job {job.name}", error)


SCHEDULER: Final = Scheduler()
