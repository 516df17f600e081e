"""A daemon thread starts, or it is said why not: but for the end of the program, where none starts."""

from __future__ import annotations

import threading

import pytest

from flext_observability.runtime.daemon import start_daemon
from tests.programs import run


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_it_works_and_does_not_keep_the_program_alive() -> None:
    done = threading.Event()
    thread = start_daemon("worker", done.set, what="the thread of work")
    assert done.wait(5)
    assert thread is not None
    assert (thread.name, thread.daemon) == ("worker", True)


def test_a_thread_that_cannot_start_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert start_daemon("worker", print, what="the test thread") is None
    assert caplog.messages == [
        "Starting the test thread failed: RuntimeError: can't start new thread; the program continues without it"
    ]


def test_at_exit_nothing_is_logged() -> None:
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
