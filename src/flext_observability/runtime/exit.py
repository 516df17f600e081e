"""Exit of the process: one callback when the interpreter or a child ends, also by ``os._exit``."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn, final

from flext_observability.runtime.fork import register_restart
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import is_interrupt

MAX_INTERRUPTS: Final = 100


@final
class ExitHook:
    """Calls a function at exit.

    ``multiprocessing`` children skip ``atexit``; there the function runs as a finalizer. Children of task queues and of
    pre-forking servers call ``os._exit``, which is wrapped. Nothing is raised: the interpreter would print a traceback.
    The exit code stays that of the program.

    Args:
        at_exit: Called once in each process. It must return within its own deadline.
        on_interrupt: Called instead of the rest of ``at_exit``, and of itself, when Ctrl-C or a signal handler
            interrupts it. It must not wait.
    """

    def __init__(self, at_exit: Callable[[], object], on_interrupt: Callable[[], object]) -> None:
        self._at_exit = at_exit
        self._on_interrupt = on_interrupt
        self._registered_after_fork = False
        self._ended_in = 0  # the process in which the function has run
        atexit.unregister(_run)  # of a former runtime
        atexit.register(_run, at_exit, on_interrupt)
        register_restart(self)
        self._register_multiprocessing()
        system: Any = os
        former = system._exit  # noqa: SLF001 - a public function
        exit_now = former.exit_now if type(former) is _LastExit else former
        system._exit = _LastExit(self.run_once, exit_now)  # noqa: SLF001 - a public function

    def run_once(self) -> None:
        """Call the function, unless this process has called it."""
        if self._ended_in != os.getpid():
            self._ended_in = os.getpid()
            _run(self._at_exit, self._on_interrupt)

    def restart_after_fork(self) -> None:
        """Cover a child that becomes a ``multiprocessing`` child."""
        self._register_multiprocessing()

    def _register_multiprocessing(self) -> None:
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None:  # not a program of multiprocessing
            return
        if not self._registered_after_fork:
            # A child clears its finalizers before it calls these.
            self._registered_after_fork = True
            util.register_after_fork(self, ExitHook._add_finalizer)
        if sys.modules["multiprocessing.process"].parent_process() is not None:
            self._add_finalizer()  # this child has called them already

    def _add_finalizer(self) -> None:
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, self.run_once, exitpriority=0)


@final
class _LastExit:
    """``os._exit`` with a call before it.

    Attributes:
        exit_now: The former function.
    """

    __slots__ = ("_before", "exit_now")

    def __init__(self, before: Callable[[], object], exit_now: Callable[[int], NoReturn]) -> None:
        self._before = before
        self.exit_now = exit_now

    def __call__(self, status: int) -> NoReturn:
        try:
            self._before()
        finally:
            self.exit_now(status)


def _run(at_exit: Callable[[], object], on_interrupt: Callable[[], object]) -> None:
    step = at_exit
    for _ in range(MAX_INTERRUPTS):
        try:
            step()
            break
        except BaseException as thrown:  # noqa: BLE001 - no caller receives it
            if not is_interrupt(thrown):
                report_once("The exit", thrown)
                break
            step = on_interrupt
    _restore_exit_code()


def _restore_exit_code() -> None:
    """Let a program that ended by Ctrl-C exit as it would without this library.

    The interpreter notes an unhandled ``KeyboardInterrupt``, for an exit by the signal SIGINT (130 in a shell). Every
    ``exec`` of a text clears the note, and every module with a named tuple or a dataclass calls one when it is
    imported. An ``exec`` that raises ``KeyboardInterrupt`` sets the note again; its text is constant.

    Source: https://github.com/python/cpython/blob/v3.13.0/Python/pythonrun.c (run_eval_code_obj)
    """
    if not is_interrupted_exit():
        return
    try:
        exec("raise KeyboardInterrupt")  # noqa: S102  # nosec B102
    except KeyboardInterrupt:
        return


def is_interrupted_exit() -> bool:
    """Return whether an unhandled ``KeyboardInterrupt`` ends the program."""
    trace = getattr(sys, "last_traceback", None)
    if trace is None or sys.last_type is not KeyboardInterrupt or hasattr(sys, "ps1"):
        return False
    return trace.tb_frame.f_back is None  # otherwise an interactive console of the program printed it
