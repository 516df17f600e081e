"""Foreign code on a thread of its own: its outcome, its deadline, its late result."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest

from flext_observability.runtime.bounded_call import BoundedCall, call_at_start
from tests.waiting import eventually

WORD = ContextVar("word", default="")


def soon() -> float:
    return time.monotonic() + 5


def test_the_value_is_available_after_the_wait() -> None:
    call = BoundedCall("work", lambda: 5)
    assert call.wait(soon())
    assert (call.value, call.error, call.done) == (5, None, True)


def test_an_exception_of_any_type_is_kept() -> None:
    call = BoundedCall("work", lambda: sys.exit(3))
    assert call.wait(soon())
    assert (call.value, type(call.error)) == (None, SystemExit)


def test_the_call_sees_the_context_of_the_caller() -> None:
    WORD.set("mine")
    call = BoundedCall("work", WORD.get)
    assert call.wait(soon())
    assert call.value == "mine"


def test_the_wait_ends_at_the_deadline() -> None:
    release = threading.Event()
    call = BoundedCall("work", release.wait)
    assert not call.wait(time.monotonic() + 0.01)
    assert not call.done
    release.set()
    assert call.wait(soon())


def test_a_late_value_is_discarded_once_it_is_there() -> None:
    release, late = threading.Event(), list[object]()
    call = BoundedCall("work", lambda: release.wait(5) and "value")
    call.abandon(late.append)
    assert late == []
    release.set()
    assert eventually(lambda: late == ["value"])


def test_a_value_that_is_there_already_is_discarded_at_once() -> None:
    call, late = BoundedCall("work", lambda: "value"), list[object]()
    assert call.wait(soon())
    call.abandon(late.append)
    assert late == ["value"]


def test_without_a_value_nothing_is_discarded() -> None:
    call, late = BoundedCall("work", lambda: None), list[object]()
    assert call.wait(soon())
    call.abandon(late.append)
    assert late == []


def test_an_error_while_discarding_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    call = BoundedCall("work", lambda: "value")
    assert call.wait(soon())
    call.abandon(lambda _: sys.exit(1))
    assert caplog.messages == [
        "Discarding the late result of work failed: SystemExit: 1; the program continues without it"
    ]


def test_without_threads_the_call_runs_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.stack_size()
    threading.stack_size(2**46)
    try:
        call = BoundedCall("work", threading.get_ident)
    finally:
        threading.stack_size(before)
    assert (call.done, call.value) == (True, threading.get_ident())


def test_a_call_at_the_start_has_a_limit() -> None:
    release = threading.Event()
    began = time.monotonic()
    call = call_at_start("work", release.wait, 0.01)
    assert (call.done, time.monotonic() - began < 2) == (False, True)
    release.set()


def test_a_call_inside_an_import_may_import_the_same_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "calls_at_import"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from flext_observability.runtime.bounded_call import call_at_start\n"
        "def work():\n"
        "    from calls_at_import import later\n"
        "    return later.VALUE\n"
        "call = call_at_start('work', work, 5)\n"
    )
    (package / "later.py").write_text("import calls_at_import\nVALUE = 5\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("calls_at_import")
    assert (module.call.done, module.call.value) == (True, 5)
