from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from flext_observability.runtime.runtime import Runtime, current_runtime, replace_runtime
from tests.programs import run


class Thing:
    made = 0

    def __init__(self) -> None:
        type(self).made += 1


def test_an_object_is_made_on_first_use_and_kept() -> None:
    runtime = Runtime()
    assert runtime.get(Thing) is runtime.get(Thing)


def test_threads_get_one_object() -> None:
    class Slow(Thing):
        made = 0

        def __init__(self) -> None:
            threading.Event().wait(0.02)
            super().__init__()

    runtime = Runtime()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: runtime.get(Slow), range(8)))
    assert (len(set(map(id, found))), Slow.made) == (1, 1)


def test_an_object_may_need_another() -> None:
    runtime = Runtime()

    def pair() -> tuple[Thing, Thing]:
        return runtime.get(Thing), runtime.get(Thing)

    first, second = runtime.get(pair)
    assert first is second


def test_a_replaced_runtime_makes_its_own_objects() -> None:
    before = current_runtime().get(Thing)
    assert current_runtime().get(Thing) is before
    replace_runtime()
    assert current_runtime().get(Thing) is not before


def test_threads_find_one_runtime() -> None:
    replace_runtime()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: current_runtime(), range(64)))
    assert len(set(map(id, found))) == 1


def test_a_forked_child_keeps_the_objects_and_can_make_more() -> None:
    done = run("""
        import os, threading
        from flext_observability.runtime.runtime import current_runtime

        started, over = threading.Event(), threading.Event()

        def slow():
            started.set()
            over.wait(20)
            return []

        kept = current_runtime().get(dict)
        thread = threading.Thread(target=lambda: current_runtime().get(slow))
        thread.start()
        started.wait(5)  # the lock of the runtime is held
        child = os.fork()
        if child == 0:
            print(current_runtime().get(dict) is kept, current_runtime().get(list), flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        over.set()
    """)
    assert done.lines == ["True []", "0"]
