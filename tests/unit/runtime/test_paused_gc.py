"""Garbage collection during and after a pause."""

from __future__ import annotations

import gc

import pytest

from flext_observability.runtime.paused_gc import paused_gc
from tests.programs import run


def test_garbage_is_collected_again_after_the_body() -> None:
    with paused_gc():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_is_collected_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="body"), paused_gc():
        raise ValueError("body")
    assert gc.isenabled()


def test_a_program_without_garbage_collection_keeps_it_off() -> None:
    gc.disable()
    try:
        with paused_gc():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


IMPORTS = """
import gc, sys
from flext_observability.runtime.paused_gc import MIN_MODULES, paused_gc

class Node: pass

def made(count):
    with paused_gc():
        for number in range(count):
            sys.modules[f"made_{number}"] = sys
        node = Node()
        node.itself = node
    for number in range(count):
        del sys.modules[f"made_{number}"]
    return any(each is node for each in gc.get_objects(generation=2))

print(made(MIN_MODULES), made(MIN_MODULES + 1), gc.get_freeze_count())
print(gc.collect() > 0)
gc.freeze()
frozen = gc.get_freeze_count()
print(made(MIN_MODULES + 1), gc.get_freeze_count() == frozen)
"""


@pytest.mark.skipif(gc.get_freeze_count() > 0, reason="Python 3.12 starts with frozen objects, which stay so")
def test_objects_of_many_imports_count_as_old_ones() -> None:
    """They stay subject to collection; objects that the program has frozen stay frozen."""
    done = run(IMPORTS)
    assert done.lines == ["False True 0", "True", "False True"], done.err
