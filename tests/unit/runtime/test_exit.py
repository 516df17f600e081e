"""The function of an exit hook runs once in each process, however the process ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.programs import run, run_file


def test_it_runs_at_the_end_of_a_program_without_multiprocessing() -> None:
    done = run("""
        import sys
        sys.modules.pop("multiprocessing.util", None)  # something else may have loaded it
        from flext_observability.runtime.exit import ExitHook

        hooks = [ExitHook(at_exit, print) for at_exit in [lambda: print("exit", flush=True)] * 2]
        print("end", flush=True)
    """)
    assert done.lines == ["end", "exit"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_runs_at_the_end_of_a_child_of_multiprocessing(method: str, tmp_path: Path) -> None:
    done = run_file(
        tmp_path,
        f"""
        import multiprocessing
        from flext_observability.runtime.exit import ExitHook

        def at_exit():
            print(multiprocessing.current_process().name, flush=True)

        hook = ExitHook(at_exit, print)

        if __name__ == "__main__":
            child = multiprocessing.get_context("{method}").Process(target=int, name="child")
            child.start()
            child.join()
        """,
    )
    assert done.lines == ["child", "MainProcess"]


INTERRUPTED = """
import os, signal, time
from flext_observability.runtime.exit import ExitHook

def wait():
    print("waiting", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)

calls = []

def stop():
    calls.append(1)
    print("stopping", len(calls), flush=True)
    if len(calls) < 3:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

hook = ExitHook(wait, stop)
"""


def test_each_interrupt_ends_the_step_without_a_traceback() -> None:
    done = run(INTERRUPTED)
    assert (done.code, done.err) == (0, "")
    assert done.lines == ["waiting", "stopping 1", "stopping 2", "stopping 3"]


def test_the_number_of_interrupts_is_bounded() -> None:
    done = run("from flext_observability.runtime import exit\nexit.MAX_INTERRUPTS = 2\n" + INTERRUPTED)
    assert (done.code, done.err, done.lines) == (0, "", ["waiting", "stopping 1"])


@pytest.mark.parametrize("raised", ["SystemExit(3)", "TimeoutError('late')"])
def test_what_a_signal_handler_raises_is_an_interrupt_too(raised: str) -> None:
    done = run(
        f"""
        import os, signal, time
        from flext_observability.runtime.exit import ExitHook

        def handler(*_):
            raise {raised}

        def wait():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

        signal.signal(signal.SIGTERM, handler)
        hook = ExitHook(wait, lambda: print("stopping", flush=True))
        """
    )
    assert (done.code, done.err, done.lines) == (0, "", ["stopping"])


def test_an_error_of_the_function_is_one_line() -> None:
    done = run(
        """
        from flext_observability.runtime.exit import ExitHook

        def broken():
            raise OSError("broken")

        hook = ExitHook(broken, print)
        """
    )
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == ["The exit failed: OSError: broken; the program continues without it"]


IMPORTS_AT_EXIT = """
from flext_observability.runtime.exit import ExitHook
hook = ExitHook(lambda: exec("pass"), print)
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("raise ValueError", 1),
        ("raise SystemExit(3)", 3),
        ("pass", 0),
        # As interactive consoles do; the program goes on and ends without an error.
        ("import code, sys\ncode.InteractiveInterpreter().runcode('raise KeyboardInterrupt')", 0),
        ("import sys\nsys.ps1 = '> '\nraise KeyboardInterrupt", 1),
    ],
)
def test_the_exit_code_is_that_of_the_program_when_the_function_imports(end: str, code: int) -> None:
    assert run(IMPORTS_AT_EXIT + end).code == code


def test_it_runs_before_an_exit_without_handlers() -> None:
    done = run("""
        import os
        from flext_observability.runtime.exit import ExitHook

        hooks = [ExitHook(at_exit, print) for at_exit in (print, lambda: print("exit", flush=True))]
        child = os.fork()
        if child == 0:
            print("child", flush=True)
            os._exit(3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        os._exit(4)
    """)
    assert (done.code, done.lines) == (4, ["child", "exit", "3", "exit"])


def test_a_child_of_multiprocessing_runs_it_once(tmp_path: Path) -> None:
    done = run_file(
        tmp_path,
        """
        import multiprocessing, os
        from flext_observability.runtime.exit import ExitHook

        hook = ExitHook(lambda: print("exit", flush=True), print)
        child = multiprocessing.get_context("fork").Process(target=print, args=["child"])
        child.start()
        child.join()
        os._exit(0)
        """,
    )
    assert done.lines.count("exit") == 2
