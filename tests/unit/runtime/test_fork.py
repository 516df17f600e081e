"""Phases of a fork, in real children."""

from __future__ import annotations

from tests.programs import run

CHILD = """
import os, threading
from flext_observability.runtime.fork import register_fork_aware, register_holder, register_restart
from flext_observability.runtime.locks import ForkSafeLock

class Recorded:
    def __init__(self, name, fail=False):
        self.name, self.fail = name, fail
    def __getattr__(self, method):
        def call():
            print(self.name, method, flush=True)
            if self.fail:
                raise ValueError("broken")
        return call

def fork(in_child):
    child = os.fork()
    if child == 0:
        in_child()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_the_phases_run_in_order() -> None:
    done = run(
        CHILD
        + """
parent = os.getpid()
class Apart(Recorded):
    def __getattr__(self, method):
        return lambda: print("parent" if os.getpid() == parent else "child", self.name, method, flush=True)

things = [Apart("restart"), Apart("aware"), Apart("first"), Apart("second")]
register_restart(things[0])
register_fork_aware(things[1])
register_holder(things[2])
register_holder(things[3])
fork(lambda: print("child works", flush=True))
"""
    )
    assert [line for line in done.lines if line.startswith("parent")] == [
        "parent first hold_for_fork",
        "parent second hold_for_fork",
        "parent second release_after_fork",
        "parent first release_after_fork",
    ]
    assert [line for line in done.lines if line.startswith("child")] == [
        "child second release_after_fork",
        "child first release_after_fork",
        "child aware reinit_after_fork",
        "child restart restart_after_fork",
        "child works",
    ]


def test_locks_that_another_thread_held_are_free_before_objects_are_reinitialised() -> None:
    done = run(
        CHILD
        + """
class Locking:
    def reinit_after_fork(self):
        with lock:
            print("again", flush=True)

locking = Locking()
register_fork_aware(locking)
lock = ForkSafeLock()
held, over = threading.Event(), threading.Event()

def hold():
    with lock:
        held.set()
        over.wait(20)

threading.Thread(target=hold).start()
held.wait()
fork(lambda: None)
over.set()
""",
        20,
    )
    assert (done.lines, done.code) == (["again"], 0)


def test_an_object_that_fails_stops_no_other() -> None:
    done = run(
        CHILD
        + """
things = [Recorded("bad", fail=True), Recorded("good"), Recorded("worse", fail=True)]
for thing in things:
    register_fork_aware(thing)
fork(lambda: None)
"""
    )
    assert (done.lines, done.code) == ([f"{name} reinit_after_fork" for name in ("bad", "good", "worse")], 0)
    assert done.err == "Handling a fork failed: ValueError: broken; the program continues without it\n"


def test_an_object_that_is_gone_is_not_called() -> None:
    done = run(
        CHILD
        + """
register_fork_aware(Recorded("gone"))
fork(lambda: print("child", flush=True))
"""
    )
    assert done.lines == ["child"]
