"""A daemon thread starts, or it is said why not: but for the end of the program, where none starts."""

from __future__ import annotations

import threading

import pytest

from flext_observability.runtime.daemon import start_daemon
from tests.programs import run


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_it_does_the_work_and_keeps_no_program_from_ending() -> None:
    done = threading.Event()
    thread = start_daemon("worker", done.set, what="the thread of work")
    assert done.wait(5)
    assert thread is not None
    assert (thread.name, thread.daemon) == ("worker", True)


def test_one_that_cannot_start_is_told_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert start_daemon("worker", print, what="the thread of this test") is None
    assert caplog.messages == [
        "Starting the thread of this test failed: RuntimeError: can't start new thread; the program continues without it"
    ]


def test_at_the_end_of_the_program_nothing_is_said() -> None:
    done = run("""
        import atexit, threading

        @atexit.register
        def late():
            def refuse(_):
                raise RuntimeError("can't create new thread at interpreter shutdown")  # as newer versions of Python do
            threading.Thread.start = refuse
            print(start_daemon("worker", print, what="the thread of work"))

        from flext_observability.runtime.daemon import start_daemon
    """)
    assert (done.out, done.err) == ("None\n", "")
