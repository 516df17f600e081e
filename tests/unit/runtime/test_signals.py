"""Signals that end the process: the last work, the handlers of the program, and the wrapped functions."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from flext_observability.runtime.signals import LastWork, TerminationSignals
from tests.programs import UNMEASURED, run
from tests.waiting import eventually

NUMBERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
SET, GET = signal.signal, signal.getsignal
Handler = Callable[..., object]


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Restore the handlers of the test run."""
    former = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    signal.signal, signal.getsignal = SET, GET
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.fixture
def calls() -> list[str]:
    """Return the calls in their order."""
    return []


def installed(calls: list[str], limit_seconds: float = 5.0) -> TerminationSignals:
    found = TerminationSignals()
    found.install(LastWork(lambda: calls.append("begin"), lambda: calls.append("finish"), limit_seconds))
    return found


@contextmanager
def blocked(number: int) -> Iterator[None]:
    """Let the default action of a signal wait, and discard it at the end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        SET(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])


def send(number: int) -> None:
    """Call the handler that is set, as the interpreter does after a signal."""
    handler: Any = GET(number)
    handler(number, None)


def test_the_default_action_follows_the_last_work(calls: list[str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = installed(calls)
    with blocked(signal.SIGTERM):
        send(signal.SIGTERM)
        assert signal.SIGTERM in signal.sigpending()
        assert GET(signal.SIGTERM) == signal.SIG_DFL
    assert (calls, found.received) == (["finish"], "SIGTERM")


def test_a_second_signal_during_the_last_work_ends_the_process_at_once() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    calls: list[str] = []

    def finish() -> None:
        calls.append("finish")
        send(signal.SIGTERM)
        calls.append("after" if signal.SIGTERM in signal.sigpending() else "alive")

    TerminationSignals().install(LastWork(calls.clear, finish, 5.0))
    with blocked(signal.SIGTERM):
        send(signal.SIGTERM)
    assert calls == ["finish", "after"]


def test_last_work_that_does_not_end_is_ended_by_its_limit() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    waited: list[bool] = []

    def finish() -> None:
        waited.append(eventually(lambda: signal.SIGTERM in signal.sigpending()))

    TerminationSignals().install(LastWork(waited.clear, finish, 0.0))
    with blocked(signal.SIGTERM):
        send(signal.SIGTERM)
    assert waited == [True]


def test_the_limit_has_no_effect_after_the_end_of_the_last_work(calls: list[str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    installed(calls, -0.4)
    others = threading.enumerate()
    with blocked(signal.SIGTERM):
        send(signal.SIGTERM)
        (watcher,) = [each for each in threading.enumerate() if each not in others]
        SET(signal.SIGTERM, lambda *_: calls.append("killed"))
        watcher.join(5)
    assert calls == ["finish"]


def test_a_handler_of_the_program_is_called_after_the_beginning(calls: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: calls.append("earlier"))
    found = installed(calls)
    send(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: calls.append("later"))
    send(signal.SIGTERM)
    assert (calls, found.received) == (["begin", "earlier", "begin", "later"], "SIGTERM")


def test_a_handler_is_called_although_the_beginning_fails(calls: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: calls.append("host"))
    TerminationSignals().install(LastWork(lambda: 1 / 0, calls.clear, 1.0))
    send(signal.SIGTERM)
    assert calls == ["host"]


def test_a_program_that_reloads_is_not_one_that_ends(calls: list[str]) -> None:
    signal.signal(signal.SIGHUP, lambda *_: calls.append("reload"))
    found = installed(calls)
    send(signal.SIGHUP)
    assert (calls, found.received) == (["begin", "reload"], "")


def test_programs_see_their_own_handlers(calls: list[str]) -> None:
    def own(*_: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    installed(calls)
    assert signal.getsignal(signal.SIGTERM) is own
    assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is own
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert callable(GET(signal.SIGTERM))
    assert signal.signal(signal.SIGTERM, 0) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGALRM) == GET(signal.SIGALRM)
    with pytest.raises(TypeError):
        signal.signal(signal.SIGTERM, "pigeon")  # type: ignore[arg-type]  # what a program may pass


def test_a_handler_that_is_restored_is_covered(calls: list[str]) -> None:
    installed(calls)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ours = GET(signal.SIGTERM)
    SET(signal.SIGTERM, lambda *_: None)  # a program that imported the function earlier
    signal.signal(signal.SIGTERM, ours)
    assert GET(signal.SIGTERM) is ours
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_ignored_signals_and_ctrl_c_are_left_alone(calls: list[str]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    installed(calls)
    assert (GET(signal.SIGHUP), GET(signal.SIGINT)) == (signal.SIG_IGN, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert GET(signal.SIGTERM) == signal.SIG_IGN


def test_asyncio_restores_its_handler_of_ctrl_c(calls: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main() -> None:
        installed(calls)
        send(signal.SIGINT)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(5)

    asyncio.run(main())
    assert calls == ["begin"]
    assert GET(signal.SIGINT) is signal.default_int_handler


def test_handlers_of_an_event_loop_are_called(calls: list[str]) -> None:
    async def main() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        installed(calls)
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopped.wait(), 5)
        loop.remove_signal_handler(signal.SIGTERM)

    asyncio.run(main())
    assert calls == ["begin"]
    assert callable(GET(signal.SIGTERM))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_uninstalling_leaves_the_signals_to_the_program(calls: list[str]) -> None:
    def own(*_: object) -> None: ...

    signal.signal(signal.SIGHUP, own)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = installed(calls)
    found.uninstall()
    found.uninstall()
    TerminationSignals().uninstall()
    assert (GET(signal.SIGHUP), GET(signal.SIGTERM)) == (own, signal.SIG_DFL)
    assert (signal.signal, signal.getsignal) == (SET, GET)


def test_uninstalling_keeps_functions_that_another_library_wrapped(calls: list[str]) -> None:
    found = installed(calls)
    signal.signal = other = partial(signal.signal)
    found.uninstall()
    assert signal.signal is other
    found.install(LastWork(calls.clear, calls.clear, 1.0))
    assert signal.signal is other
    found.end_with_runtime()


def test_handlers_without_work_only_call_those_of_the_program(calls: list[str]) -> None:
    signal.signal(signal.SIGHUP, lambda *_: calls.append("host"))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = installed(calls)
    thread = threading.Thread(target=found.uninstall)
    thread.start()
    thread.join()
    send(signal.SIGHUP)
    with blocked(signal.SIGTERM):
        send(signal.SIGTERM)
        assert signal.SIGTERM in signal.sigpending()
    assert calls == ["host"]


def test_handlers_of_a_former_runtime_are_replaced(calls: list[str]) -> None:
    signal.signal(signal.SIGHUP, lambda *_: calls.append("host"))
    former = installed([])
    thread = threading.Thread(target=former.uninstall)
    thread.start()
    thread.join()
    installed(calls)
    send(signal.SIGHUP)
    assert calls == ["begin", "host"]


def in_another_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_another_thread_lets_the_main_thread_set_the_handlers(calls: list[str]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    found = TerminationSignals()
    work = LastWork(lambda: calls.append("begin"), lambda: calls.append("finish"), 5.0)
    in_another_thread(lambda: found.install(work))
    eventually(lambda: callable(GET(signal.SIGTERM)) and not found.problem)
    thread = in_another_thread(lambda: found.install(work))  # all set: nothing to wait for
    thread.join()
    assert found.problem == ""


def test_a_main_thread_that_waits_is_reported(calls: list[str]) -> None:
    found = TerminationSignals()
    problems: list[str] = []

    def install() -> None:
        time.sleep(0.05)  # most often the main thread waits then; otherwise this is repeated
        found.install(LastWork(calls.clear, calls.clear, 5.0))
        problems.append(found.problem)
        found.uninstall()

    def report() -> str:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        in_another_thread(install).join()
        found.uninstall()
        return problems[-1]

    waiting = eventually(report)
    assert waiting == "init_observability ran outside the main thread, which has run no Python code since"
    assert GET(signal.SIGTERM) == signal.SIG_DFL


def test_a_python_without_ctypes_is_reported(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setitem(sys.modules, "ctypes", None)
    found = TerminationSignals()
    in_another_thread(lambda: found.install(LastWork(calls.clear, calls.clear, 5.0))).join()
    assert found.problem.startswith("init_observability ran outside the main thread (ModuleNotFoundError")


def test_an_interpreter_without_signals_is_reported(calls: list[str]) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("signal only works in main thread of the main interpreter")

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal = refuse  # type: ignore[assignment]  # as in a sub-interpreter
    assert "main interpreter" in installed(calls).problem


def test_a_child_does_the_work_of_its_own(calls: list[str]) -> None:
    signal.signal(signal.SIGHUP, lambda *_: calls.append("host"))
    found = installed(calls)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        send(signal.SIGHUP)
        os.write(write, " ".join(calls).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"begin host"
    found._pid = child  # a child before its fork handlers ran
    send(signal.SIGHUP)
    assert calls == ["host"]
    os.close(read)
    os.close(write)


FIRST_PROCESS = """
import os, signal, sys, time
from flext_observability.runtime.signals import LastWork, TerminationSignals

TerminationSignals().install(LastWork(lambda: print("begin"), lambda: print("finish"), 1.0))
os.kill(os.getpid(), signal.SIGTERM)
print(os.getpid(), "goes on")
"""


def test_the_first_process_of_a_container_continues_as_without_us(calls: list[str]) -> None:
    command = ["unshare", "--pid", "--fork", "--user", "--map-root-user", sys.executable, "-c", FIRST_PROCESS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **UNMEASURED})
    if done.returncode != 0 and "unshare" in done.stderr:
        pytest.skip(f"namespaces: {done.stderr.strip()}")
    assert done.stdout.split("\n")[:2] == ["begin", "1 goes on"]


def test_the_first_process_begins_the_last_work(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr("flext_observability.runtime.signals.INIT_PID", os.getpid())
    installed(calls)
    send(signal.SIGTERM)
    assert calls == ["begin"]


def test_the_process_ends_by_the_signal() -> None:
    done = run(
        """
        import os, signal, time
        from flext_observability.runtime.signals import LastWork, TerminationSignals

        TerminationSignals().install(LastWork(print, lambda: print("finish", flush=True), 5.0))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        """
    )
    assert (done.code, done.lines, done.err) == (-signal.SIGTERM, ["finish"], "")
