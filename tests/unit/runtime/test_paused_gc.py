"""Garbage collection during and after a pause."""

from __future__ import annotations

import gc

import pytest

from flext_observability.runtime.paused_gc import paused_gc


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
