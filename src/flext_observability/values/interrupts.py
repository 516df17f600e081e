"""Interrupts: exceptions raised into a thread by Ctrl-C, a signal handler or a cancellation, not by the code it called.

A blind ``except BaseException`` calls ``reraise_interrupt`` first. So an exception of foreign code, of any type, costs
only that code, and an interrupt reaches the program. Standard library only.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, TracebackType
from typing import Any, cast


def reraise_interrupt(error: BaseException) -> None:
    """Raise the exception again if it is an interrupt; otherwise do nothing."""
    if is_interrupt(error):
        raise error


def is_interrupt(error: BaseException) -> bool:
    """Return whether the exception was raised into this thread, not by the code that the thread called.

    Interrupts are, in the main thread, ``KeyboardInterrupt`` and everything that a signal handler raises
    (``SystemExit``, time limits of task queues); in any thread the cancellation of the current asyncio task, and the
    end or the timeout of a greenlet.
    """
    if threading.get_ident() == threading.main_thread().ident and (
        isinstance(error, KeyboardInterrupt) or _is_raised_in(error.__traceback__, set(_signal_handlers()))
    ):
        return True
    return not isinstance(error, Exception) and (_is_cancellation(error) or _is_greenlet_end(error))


def is_interrupted(function: CodeType | None = None) -> bool:
    """Return whether the caller runs in a signal handler, a destructor, or a callback of the garbage collector.

    Args:
        function: Only what has interrupted the latest call of this function counts; by default, anything.
    """
    interrupting = {code for each in gc.callbacks if (code := getattr(each, "__code__", None)) is not None}
    interrupting.update(_signal_handlers())
    here = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as collections does
    frame = here.f_back if here.f_code is function else here
    while frame is not None and frame.f_code is not function:
        if frame.f_code in interrupting or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _is_raised_in(traceback: TracebackType | None, codes: set[CodeType]) -> bool:
    while codes and traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _signal_handlers() -> Iterator[CodeType]:
    """Yield the code of the signal handlers that the program has installed."""
    if "signal" not in sys.modules:  # no handler is installed before its import
        return
    signal: Any = sys.modules["_signal"]  # the functions of ``signal`` itself call ``repr`` of the handler
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        while type(handler).__name__ == "partial":
            handler = handler.func
        kind = type(cast("object", handler))
        # By exact types: a handler may be an object that raises at any attribute.
        for candidate in (handler.__func__ if kind is MethodType else handler, vars(kind).get("__call__")):
            if type(candidate) is FunctionType:
                yield candidate.__code__


def _is_cancellation(error: BaseException) -> bool:
    asyncio: Any = sys.modules.get("asyncio")  # slow to import, and no task runs before its import
    if asyncio is None or not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return False
    return task is not None and task.cancelling() > 0


def _is_greenlet_end(error: BaseException) -> bool:
    kinds = (("greenlet", "GreenletExit"), ("gevent", "Timeout"))
    return any(isinstance(error, getattr(sys.modules.get(module), name, ())) for module, name in kinds)
