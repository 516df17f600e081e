"""Jobs of the ticker run again and again, one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from flext_observability.runtime.scheduler import Scheduler
from tests.programs import run
from tests.waiting import eventually


@pytest.fixture
def ticker() -> Iterator[Scheduler]:
    made = Scheduler()
    yield made
    for name in made.names():
        made.cancel(name)


def ticker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "flext-ticker"]


def test_a_job_runs_again_and_again(ticker: Scheduler) -> None:
    runs = threading.Semaphore(0)
    ticker.every("count", 0.01, runs.release)
    assert all(runs.acquire(timeout=5) for _ in range(3))


def test_the_first_run_is_one_interval_away(ticker: Scheduler) -> None:
    began, ran = time.monotonic(), threading.Event()
    ticker.every("once", 0.05, ran.set)
    assert ran.wait(5)
    assert time.monotonic() - began >= 0.05


def test_a_cancelled_job_runs_no_more_and_without_jobs_there_is_no_thread(ticker: Scheduler) -> None:
    before = len(ticker_threads())
    ran = threading.Event()
    ticker.every("job", 0.01, ran.set)
    assert ran.wait(5)
    ticker.cancel("job")
    ticker.cancel("unknown")
    assert eventually(lambda: len(ticker_threads()) == before)
    assert ticker.names() == ()


def test_a_job_of_the_same_name_takes_the_place_of_the_first(ticker: Scheduler) -> None:
    first, second = threading.Event(), threading.Event()
    ticker.every("job", 0.05, first.set)
    ticker.every("job", 0.01, second.set)
    assert second.wait(5)
    assert ticker.names() == ("job",)
    assert not first.wait(0.1)


def test_a_job_that_raises_is_told_once_and_goes_on(ticker: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    runs = threading.Semaphore(0)

    def fail() -> None:
        runs.release()
        raise SystemExit("leave")

    with caplog.at_level(logging.WARNING, "flext_observability"):
        ticker.every("fails", 0.01, fail)
        assert all(runs.acquire(timeout=5) for _ in range(3))
    assert [record.getMessage() for record in caplog.records] == [
        "The periodic job fails failed: SystemExit: leave; the program goes on without it"
    ]


def test_a_nearer_job_wakes_the_thread(ticker: Scheduler) -> None:
    ran = threading.Event()
    ticker.every("far", 60, lambda: None)
    ticker.every("near", 0.01, ran.set)
    assert ran.wait(5)


def test_a_thread_that_cannot_start_is_told(
    ticker: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with caplog.at_level(logging.WARNING, "flext_observability"):
        ticker.every("job", 0.01, lambda: None)
    assert "Starting the thread for periodic work failed" in caplog.text


def test_in_a_forked_child_the_jobs_go_on() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import SCHEDULER

        ran = threading.Event()
        SCHEDULER.every("job", 0.01, ran.set)
        assert ran.wait(5)
        child = os.fork()
        ran = threading.Event()
        if child == 0:
            SCHEDULER.every("other", 0.01, ran.set)
            print(ran.wait(5), sorted(SCHEDULER.names()), flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1])
    """)
    assert program.out.split("\n")[:2] == ["True ['job', 'other']", "0"]


def test_a_fork_without_jobs_starts_no_thread() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import SCHEDULER

        child = os.fork()
        if child == 0:
            print(threading.active_count(), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    """)
    assert program.out.strip() == "1"


def test_a_job_that_forks_leaves_the_child_one_ticker() -> None:
    program = run("""
        import os, threading
        from flext_observability.runtime.scheduler import SCHEDULER

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

        SCHEDULER.every("job", 0.01, job)
        forked.wait(5)
        print(os.wait()[1])
    """)
    assert program.lines == ["1", "0"], program.err


def test_a_thread_ends_whose_job_finds_the_ticker_begun_again(ticker: Scheduler) -> None:
    threads: list[threading.Thread] = []

    def job() -> None:
        threads.append(threading.current_thread())
        ticker.reinit_after_fork()  # what a forked child calls

    ticker.every("job", 0.01, job)
    assert eventually(lambda: threads)
    threads[0].join(5)
    assert (len(threads), threads[0].is_alive()) == (1, False)
