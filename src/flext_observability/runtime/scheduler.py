"""Periodic jobs on one thread; no thread while there are no jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from time import monotonic
from typing import final

from flext_observability.runtime.daemon import DaemonThread, retry_threads
from flext_observability.runtime.fork import register_fork_aware, register_restart
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.interrupts import reraise_interrupt


@dataclass(slots=True)
class _Job:
    name: str
    interval_seconds: float
    work: Callable[[], object]
    due: float


@final
class Scheduler:
    """Calls periodic jobs one after another on one thread; a job must not block for long.

    Thread-safe. A forked child keeps the jobs, on a thread of its own.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._jobs: dict[str, _Job] = {}
        self._thread = DaemonThread("flext-scheduler", self._run, what="the thread for periodic work")
        register_fork_aware(self)
        register_restart(self)

    def schedule(self, name: str, interval_seconds: float, work: Callable[[], object]) -> None:
        """Call ``work`` every ``interval_seconds``, first one interval from now.

        Replaces the job of the same name. A job of the same name and interval keeps its time.
        """
        with self._changed:
            before = self._jobs.get(name)
            if before is not None and before.interval_seconds == interval_seconds:
                before.work = work
            else:
                self._jobs[name] = _Job(name, interval_seconds, work, monotonic() + interval_seconds)
                self._changed.notify_all()
            self._thread.start()
        self._thread.report()

    def cancel(self, name: str) -> None:
        """Remove a job. A call in progress is not interrupted."""
        with self._changed:
            if self._jobs.pop(name, None) is not None:
                self._changed.notify_all()

    def names(self) -> tuple[str, ...]:
        """Return the names of the jobs."""
        with self._changed:
            return tuple(self._jobs)

    def end_with_runtime(self) -> None:
        """Remove all jobs."""
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()

    def reinit_after_fork(self) -> None:
        """Keep the jobs, without the thread of the parent."""
        now = monotonic()
        self._changed = Condition()
        self._thread.reinit_after_fork()
        for job in self._jobs.values():
            job.due = now + job.interval_seconds

    def restart_after_fork(self) -> None:
        """Start the thread for the jobs of the parent."""
        with self._changed:
            if self._jobs:
                self._thread.start()
        self._thread.report()

    def _run(self) -> None:
        changed = self._changed
        while self._changed is changed:  # a job that forks: the child has a thread of its own
            with changed:
                if not self._jobs:
                    self._thread.release()
                    return
                job = min(self._jobs.values(), key=lambda each: each.due)
                wait = job.due - monotonic()
                if wait > 0:
                    changed.wait(wait)
                    continue
                # After a pause (a suspended machine) a job runs once, not once for each interval missed.
                job.due = monotonic() + job.interval_seconds
            _call(job)
            retry_threads()


def _call(job: _Job) -> None:
    try:
        job.work()
    except BaseException as error:  # noqa: BLE001 - SystemExit too: the other jobs continue
        reraise_interrupt(error)
        report_once(f"The periodic job {job.name}", error)


def scheduler() -> Scheduler:
    """Return the scheduler of the process."""
    return current_runtime().get(Scheduler)
