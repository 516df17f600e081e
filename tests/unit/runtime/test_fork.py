"""What a forked child begins with: free locks first, then what things remember, threads at the end."""

from __future__ import annotations

from tests.programs import run

CHILD = """
import os, threading
from flext_observability.runtime.fork import defer_threads, register_fork_aware, register_restart, start_threads
from flext_observability.runtime.locks import ForkSafeLock

class Thing:
    def __init__(self, reinit_after_fork):
        self.reinit_after_fork = self.go_on = reinit_after_fork

def fork(in_child):
    child = os.fork()
    if child == 0:
        in_child()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_what_begins_again_finds_locks_free_that_another_thread_held() -> None:
    done = run(
        CHILD
        + """
def reinit_after_fork():
    with lock:
        print("again", flush=True)

thing = Thing(reinit_after_fork)
register_fork_aware(thing)
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


def test_one_that_fails_keeps_no_other_from_beginning_again() -> None:
    done = run(
        CHILD
        + """
def fail():
    raise ValueError("broken")

things = [Thing(fail), Thing(lambda: print("again", flush=True)), Thing(fail)]
for thing in things:
    register_fork_aware(thing)
fork(lambda: None)
"""
    )
    assert (done.lines, done.code) == (["again"], 0)
    assert done.err == "Beginning again in a forked child failed: ValueError: broken; the program goes on without it\n"


def test_threads_go_on_after_everything_has_begun_again() -> None:
    done = run(
        CHILD
        + """
one, other = Thing(lambda: print("on", flush=True)), Thing(lambda: print("again", flush=True))
register_restart(one)
register_fork_aware(other)
fork(lambda: print("child", flush=True))
"""
    )
    assert done.lines == ["again", "on", "child"]


def test_threads_that_are_held_back_go_on_when_they_are_let_go() -> None:
    done = run(
        CHILD
        + """
one, other = Thing(lambda: print("on", flush=True)), Thing(lambda: print("again", flush=True))
register_restart(one)
register_fork_aware(other)
defer_threads()
os.register_at_fork(after_in_child=lambda: (print("session", flush=True), start_threads()))
fork(lambda: print("child", flush=True))
"""
    )
    assert done.lines == ["again", "session", "on", "child"]
