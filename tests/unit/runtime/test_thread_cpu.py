"""CPU time of threads: while they run, after their end, and in a forked child."""

from __future__ import annotations

import threading
import time

import pytest

from flext_observability.runtime.thread_cpu import ThreadCpu, thread_cpu
from tests.waiting import eventually


def burn(seconds: float) -> None:
    """Use the CPU of this thread for this time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_running_and_ended_threads_count() -> None:
    cpu, leave = ThreadCpu(), threading.Event()

    def work() -> None:
        burn(0.05)
        leave.wait(10)

    thread = threading.Thread(target=cpu.call, args=[work])
    thread.start()
    eventually(lambda: cpu.seconds() >= 0.05)
    leave.set()
    thread.join()
    assert 0.05 <= cpu.seconds() < 5
    before = cpu.seconds()
    burn(0.02)  # not a thread of this library
    assert cpu.seconds() == before


def test_work_that_raises_counts() -> None:
    def work() -> None:
        burn(0.02)
        raise ValueError("broken")

    cpu = ThreadCpu()
    with pytest.raises(ValueError, match="broken"):
        cpu.call(work)
    assert cpu.seconds() >= 0.02


def test_a_forked_child_starts_at_zero() -> None:
    cpu = ThreadCpu()
    cpu.call(lambda: burn(0.01))
    cpu.reinit_after_fork()
    assert cpu.seconds() == 0


def test_threads_of_the_library_count() -> None:
    from flext_observability.runtime.daemon import start_daemon

    before = thread_cpu().seconds()
    thread = start_daemon("flext-busy", lambda: burn(0.03), what="the thread of a test")
    assert thread is not None
    thread.join()
    assert thread_cpu().seconds() - before >= 0.03


def test_work_in_a_thread_of_the_program_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = ThreadCpu()
    with monkeypatch.context() as patch:
        patch.setattr(threading, "get_ident", lambda: 5)  # as gevent does: it is no thread of the system
        cpu.call(lambda: burn(0.01))
    assert cpu.seconds() == 0
