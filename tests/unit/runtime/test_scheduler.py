"""Jobs of the scheduler run periodically, one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from flext_observability.runtime import scheduler as module
from flext_observability.runtime.daemon import retry_threads
from flext_observability.runtime.runtime import replace_runtime
from flext_observability.runtime.scheduler import Scheduler, scheduler
from tests.ending import ending
from tests.programs import run
from tests.waiting import eventually


@pytest.fixture
def jobs() -> Iterator[Scheduler]:
    made = Scheduler()
    yield made
    for name in made.names():
        made.cancel(name)


def scheduler_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "flext-scheduler"]


def test_a_job_runs_again_and_again(jobs: Scheduler) -> None:
    runs = threading.Semaphore(0)
    jobs.schedule("count", 0.01, runs.release)
    assert all(runs.acquire(timeout=5) for _ in range(3))


def test_the_first_run_is_one_interval_away(jobs: Scheduler) -> None:
    began, ran = time.monotonic(), threading.Event()
    jobs.schedule("once", 0.05, ran.set)
    assert ran.wait(5)
    assert time.monotonic() - began >= 0.05


def test_a_cancelled_job_runs_no_more_and_without_jobs_there_is_no_thread(jobs: Scheduler) -> None:
    before = len(scheduler_threads())
    ran = threading.Event()
    jobs.schedule("job", 0.01, ran.set)
    assert ran.wait(5)
    jobs.cancel("job")
    jobs.cancel("unknown")
    assert eventually(lambda: len(scheduler_threads()) == before)
    assert jobs.names() == ()


def test_a_job_replaces_the_job_of_the_same_name(jobs: Scheduler) -> None:
    first, second = threading.Event(), threading.Event()
    jobs.schedule("job", 0.05, first.set)
    jobs.schedule("job", 0.01, second.set)
    assert second.wait(5)
    assert jobs.names() == ("job",)
    assert not first.wait(0.1)


def test_a_job_of_the_same_name_and_interval_keeps_its_time(jobs: Scheduler) -> None:
    first, second = threading.Event(), threading.Event()
    jobs.schedule("job", 0.1, first.set)

    def is_called_although_scheduled_again() -> bool:
        jobs.schedule("job", 0.1, second.set)
        return second.is_set()

    assert eventually(is_called_although_scheduled_again)
    assert not first.is_set()


def test_a_job_that_raises_is_logged_once_and_continues(jobs: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    runs = threading.Semaphore(0)

    def fail() -> None:
        runs.release()
        raise SystemExit("leave")

    with caplog.at_level(logging.WARNING, "flext_observability"):
        jobs.schedule("fails", 0.01, fail)
        assert all(runs.acquire(timeout=5) for _ in range(3))
    assert [record.getMessage() for record in caplog.records] == [
        "The periodic job fails failed: SystemExit: leave; the program continues without it"
    ]


def test_a_nearer_job_wakes_the_thread(jobs: Scheduler) -> None:
    ran = threading.Event()
    jobs.schedule("far", 60, lambda: None)
    jobs.schedule("near", 0.01, ran.set)
    assert ran.wait(5)


def test_a_thread_that_cannot_start_is_logged(
    jobs: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with caplog.at_level(logging.WARNING, "flext_observability"):
        jobs.schedule("job", 0.01, lambda: None)
    assert "The thread for periodic work cannot be started" in caplog.text


def test_the_jobs_end_with_their_runtime() -> None:
    ran = threading.Semaphore(0)
    scheduler().schedule("job", 0.01, ran.release)
    assert ran.acquire(timeout=5)
    former = scheduler()
    replace_runtime()
    assert (former.names(), scheduler().names()) == ((), ())


def test_a_forked_child_continues_the_jobs() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import scheduler

        ran = threading.Event()
        scheduler().schedule("job", 0.01, ran.set)
        assert ran.wait(5)
        child = os.fork()
        ran = threading.Event()
        if child == 0:
            scheduler().schedule("other", 0.01, ran.set)
            print(ran.wait(5), sorted(scheduler().names()), flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1])
    """)
    assert program.out.split("\n")[:2] == ["True ['job', 'other']", "0"]


def test_a_fork_without_jobs_starts_no_thread() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import scheduler

        scheduler().schedule("job", 60, print)
        scheduler().cancel("job")
        child = os.fork()
        if child == 0:
            print(threading.active_count(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    """)
    assert program.out.strip() == "1"


def test_a_job_that_forks_leaves_the_child_one_thread() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import scheduler

        parent, threads, forked = os.getpid(), [], threading.Event()

        def job():
            if os.getpid() != parent:
                threads.append(threading.get_ident())
                if len(threads) == 20:
                    print(len(set(threads)), flush=True)
                    os._exit(0)
            elif not forked.is_set():
                os.fork()
                forked.set()

        scheduler().schedule("job", 0.01, job)
        forked.wait(5)
        print(os.wait()[1])
    """)
    assert program.lines == ["1", "0"], program.err


def test_a_thread_ends_whose_job_finds_the_scheduler_reinitialised(jobs: Scheduler) -> None:
    threads: list[threading.Thread] = []

    def job() -> None:
        threads.append(threading.current_thread())
        jobs.reinit_after_fork()  # what a forked child calls

    jobs.schedule("job", 0.01, job)
    assert eventually(lambda: threads)
    threads[0].join(5)
    assert (len(threads), threads[0].is_alive()) == (1, False)


def test_a_thread_that_was_ended_is_started_again(
    jobs: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kind = ending(monkeypatch)
    runs = iter([kind()])
    done = threading.Event()

    def work() -> None:
        for error in runs:
            raise error
        done.set()

    jobs.schedule("job", 0.01, work)

    def is_done_after_retry() -> bool:
        retry_threads()
        return done.is_set()

    eventually(is_done_after_retry)
    assert "The thread for periodic work failed: GreenletExit" in caplog.text


def test_an_error_of_the_scheduler_itself_does_not_end_its_thread(
    jobs: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([MemoryError("none")])
    ran = threading.Event()

    def call(job: object) -> None:
        for error in failures:
            raise error
        ran.set()

    monkeypatch.setattr(module, "_call", call)
    jobs.schedule("job", 0.01, lambda: None)
    assert ran.wait(5)
    assert "The thread for periodic work failed: MemoryError: none" in caplog.text
