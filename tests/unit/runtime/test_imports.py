"""A fork waits for imports of other threads; a child imports again what was cut off all the same."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from flext_observability.runtime import imports
from tests.programs import run


class Slow(Loader):
    """Finds and loads modules named ``needed`` or ``other``; the load waits until ``over``."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in {"pydantic.needed", "other"} else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        self.begun.set()
        assert self.over.wait(10)


@contextmanager
def importing(name: str) -> Iterator[Slow]:
    """Import a module in another thread until the end of the block."""
    slow = Slow()
    sys.meta_path.insert(0, slow)
    thread = threading.Thread(target=import_module, args=(name,))
    try:
        thread.start()
        assert slow.begun.wait(10)
        yield slow
    finally:
        slow.over.set()
        thread.join(10)
        sys.meta_path.remove(slow)
        sys.modules.pop(name, None)


def waited(limit_seconds: float) -> float:
    began = time.monotonic()
    imports.wait_for_imports(limit_seconds)
    return time.monotonic() - began


def test_without_imports_there_is_no_wait() -> None:
    assert waited(5) < 1


def test_it_waits_for_the_end_of_a_needed_import() -> None:
    with importing("pydantic.needed") as slow:
        threading.Timer(0.1, slow.over.set).start()
        assert 0.05 < waited(5) < 4


def test_it_does_not_wait_for_modules_of_the_program() -> None:
    with importing("other"):
        assert waited(5) < 1
        assert [each.module for each in imports.running_imports()] == ["other"]


def test_an_import_that_does_not_end_is_waited_for_once() -> None:
    with importing("pydantic.needed"):
        assert waited(0.2) >= 0.2
        assert waited(5) < 1


def test_imports_of_the_own_thread_are_not_waited_for() -> None:
    found: list[list[imports.RunningImport]] = []

    class Inside(Slow):
        def exec_module(self, module: ModuleType) -> None:
            found.append(imports.running_imports())

    inside = Inside()
    sys.meta_path.insert(0, inside)
    try:
        import_module("pydantic.needed")
    finally:
        sys.meta_path.remove(inside)
        del sys.modules["pydantic.needed"]
    assert found == [[]]


@pytest.mark.parametrize("name", ["json.decoder", "flext_observability.api", "opentelemetry", "google.protobuf"])
def test_the_standard_library_and_the_dependencies_are_needed(name: str) -> None:
    assert imports.is_needed(name)


def test_every_dependency_is_needed() -> None:
    from importlib.metadata import requires

    names = {
        each.partition(">")[0].partition("[")[0]
        for each in requires("flext-observability") or ()
        if "extra" not in each
    }
    modules = {"opentelemetry-": "opentelemetry", "protobuf": "google", "googleapis-": "google", "grpcio": "grpc"}
    for name in names:
        module = next((module for prefix, module in modules.items() if name.startswith(prefix)), name)
        assert imports.is_needed(module.replace("-", "_")), name


CUT_OFF = """
import os, signal, sys, threading, time
from importlib.machinery import ModuleSpec
from flext_observability.runtime import imports
from flext_observability.runtime.fork_barrier import ForkBarrier

imports.MAX_WAIT_SECONDS = 0.2
imports.wait_for_imports.__defaults__ = (0.2,)

class Finder:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == PLACE else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        module.value = os.getpid()
        if os.getpid() == parent:
            begun.set()
            time.sleep(60)
        module.complete = True

parent, begun, barrier = os.getpid(), threading.Event(), ForkBarrier()
sys.meta_path.insert(0, Finder())

def hang():
    with barrier.section():
        __import__(PLACE)

class Unneeded:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == "unneeded" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        unneeded.set()
        time.sleep(60)

unneeded = threading.Event()
sys.meta_path.insert(0, Unneeded())
threading.Thread(target=__import__, args=("unneeded",), daemon=True).start()
unneeded.wait()

threading.Thread(target=hang, daemon=True).start()
begun.wait()
child = os.fork()
if child == 0:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(10)
    __import__(PLACE)
    module = sys.modules[PLACE]
    print(module.complete, module.value == os.getpid(), "unneeded" in sys.modules, flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1], flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("place", ["json.never", "of_an_exporter"])
def test_a_child_imports_again_what_the_limit_cut_off(place: str) -> None:
    """A needed module, and any module that a section imports."""
    done = run(f"PLACE = {place!r}\n{CUT_OFF}")
    assert done.lines == ["True True True", "0"], done.err


def test_a_child_is_not_blocked_by_the_lock_of_a_module_that_was_not_created_yet() -> None:
    hang = """
        if os.getpid() == parent:
            begun.set()
            time.sleep(60)"""
    program = CUT_OFF.replace("create_module(self, spec):", f"create_module(self, spec):{hang}", 1)
    done = run(f"PLACE = 'json.never'\n{program}")
    assert done.lines == ["True True True", "0"], done.err


def test_without_the_private_names_forks_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["_frozen_importlib"], "_module_locks")
    assert imports.running_imports() == []
