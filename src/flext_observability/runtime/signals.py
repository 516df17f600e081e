"""Signals that end a process: SIGTERM, SIGHUP and SIGINT, with time for last work before the process ends by them.

A handler of ours stands where the default action would end the process at once, and around each handler of the program,
which it calls. Ignored signals stay ignored, and Ctrl-C raises ``KeyboardInterrupt`` as without it. Programs and
servers that set handlers later, or restore former ones, are covered by wrappers of ``signal.signal`` and
``signal.getsignal``, which show the handlers of the program alone. Standard library only.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast, final

from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import report_once
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from types import FrameType

NAMES: Final = ("SIGTERM", "SIGHUP", "SIGINT")
RELOADING: Final = "SIGHUP"
"""Signal that programs handle in order to continue."""
MAIN_THREAD_SECONDS: Final = 0.1
"""Time that a start in another thread waits for the main thread."""
WATCH_SECONDS: Final = 0.5
"""Time after the limit of the last work until the process ends without its end."""
INIT_PID: Final = 1
"""The first process of a container, which the system protects from the default action."""


class LastWork(NamedTuple):
    """What is done at a signal.

    Attributes:
        begin: Called before a handler of the program. It must not wait.
        finish: Called before the default action. It may take up to the limit.
        limit_seconds: Limit of ``finish``.
    """

    begin: Callable[[], object]
    finish: Callable[[], object]
    limit_seconds: float


@final
class TerminationSignals:
    """Handlers of the signals that end the process. Idempotent. Thread-safe.

    Attributes:
        received: Name of the last signal that was to end the process; empty for none.
        problem: Why the signals are not handled; empty when they are, or after ``uninstall``.
    """

    def __init__(self) -> None:
        self.received = ""
        self.problem = ""
        self._work: LastWork | None = None
        self._pid = os.getpid()
        self._is_ending = False
        self._original: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._wrappers: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._numbers: frozenset[int] = frozenset()
        self._is_set = threading.Event()
        register_fork_aware(self)

    def install(self, work: LastWork) -> None:
        """Handle the signals from now on; from another thread, as soon as the main thread runs Python code."""
        self._work = work
        self.received = self.problem = ""
        self._wrap_functions()
        if threading.current_thread() is threading.main_thread():
            self._set_handlers()
            return
        if not self._wanted():
            return
        self._is_set.clear()
        self.problem = "init_observability ran outside the main thread, which has run no Python code since"
        self._ask_main_thread()
        self._is_set.wait(MAIN_THREAD_SECONDS)

    def uninstall(self) -> None:
        """Leave the signals to the program. In another thread than the main one, our handlers stay without effect."""
        self._work, self.problem = None, ""
        if self._original is None:
            return
        import signal

        if self._wrappers == (signal.signal, signal.getsignal):
            _set_functions(*self._original)
            self._wrappers = None
        if threading.current_thread() is threading.main_thread():
            self._set_handlers()

    def end_with_runtime(self) -> None:
        """Leave the signals to the program."""
        self.uninstall()

    def reinit_after_fork(self) -> None:
        """Handle signals of the child."""
        self._pid = os.getpid()
        self._is_ending = False
        self._is_set = threading.Event()
        self.received = ""

    def observe(self, number: int, name: str, *, is_kept: bool) -> None:
        """Begin the last work before the handler of the program.

        Args:
            number: Number of the signal.
            name: Its name.
            is_kept: Whether the program continues by design.
        """
        if self._work is None or self._pid != os.getpid():
            return
        if not is_kept:
            self.received = name
        try:
            self._work.begin()
        except BaseException as error:  # noqa: BLE001 - the handler of the program is called in any case
            reraise_interrupt(error)
            report_once(f"Handling {name} ({number})", error)

    def end(self, number: int, name: str) -> None:
        """Do the last work, and end the process by the signal. Another signal meanwhile ends it at once."""
        work = self._work
        if work is None or self._is_ending or self._pid != os.getpid():
            self._default_action(number)
            return
        if self._pid == INIT_PID:  # the default action has no effect there
            self.observe(number, name, is_kept=True)
            return
        self._is_ending, self.received = True, name
        try:
            self._watch(number, work.limit_seconds + WATCH_SECONDS)
            work.finish()
        finally:
            self._default_action(number)
            self._is_ending = False

    def handler_for(self, handler: object) -> Any:  # noqa: ANN401 - a handler of the program
        """Return what to set for a handler of the program: it itself, or a handler of ours."""
        import signal

        if type(handler) is _Handler and handler.signals is self and self._work is not None:
            return handler
        host = _host(handler)
        if self._work is None or host is None or host is signal.default_int_handler:
            return host
        if isinstance(host, int):
            return _Handler(self, signal.SIG_DFL) if host == signal.SIG_DFL else host
        return _Handler(self, host) if callable(host) else host

    def _wrap_functions(self) -> None:
        import signal

        if self._wrappers is not None:
            return
        set_handler, get_handler = self._original = signal.signal, signal.getsignal
        self._numbers = frozenset(int(getattr(signal, name)) for name in NAMES if hasattr(signal, name))

        @wraps(set_handler)
        def set_wrapped(signalnum: Any, handler: Any) -> Any:  # noqa: ANN401 - of the standard library
            is_ours = isinstance(signalnum, int) and signalnum in self._numbers
            return _host(set_handler(signalnum, self.handler_for(handler) if is_ours else handler))

        @wraps(get_handler)
        def get_wrapped(signalnum: Any) -> Any:  # noqa: ANN401 - of the standard library
            return _host(get_handler(signalnum))

        self._wrappers = set_wrapped, get_wrapped
        _set_functions(set_wrapped, get_wrapped)

    def _set_handlers(self) -> None:
        """Replace the handlers of the program by ours, or ours by those of the program."""
        set_handler, _ = cast("Any", self._original)
        try:
            for number, wanted in self._wanted().items():
                set_handler(number, wanted)
            self.problem = ""
        except BaseException as error:  # noqa: BLE001 - an interpreter without signals
            reraise_interrupt(error)
            self.problem = describe_error(error)
        self._is_set.set()

    def _wanted(self) -> dict[int, object]:
        """Return the handlers to set."""
        _, get_handler = cast("Any", self._original)
        found = {number: get_handler(number) for number in self._numbers}
        wanted = {number: self.handler_for(current) for number, current in found.items()}
        return {number: handler for number, handler in wanted.items() if handler is not found[number]}

    def _ask_main_thread(self) -> None:
        """Let the main thread set the handlers.

        Source: https://docs.python.org/3/c-api/init.html#c.Py_AddPendingCall
        """
        try:
            import ctypes

            made = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_serve_waiting)
            callback = _callbacks.setdefault("main thread", made)
            _waiting.append(self)
            ctypes.pythonapi.Py_AddPendingCall(callback, None)
        except (ImportError, AttributeError, OSError) as error:  # not in every build of Python
            self.problem = f"init_observability ran outside the main thread ({describe_error(error)})"

    def serve(self) -> None:
        """Set the handlers, in the main thread."""
        if self._work is not None:
            self._set_handlers()

    def _watch(self, number: int, seconds: float) -> None:
        """End the process after this time, also if the main thread waits for something that it holds itself."""

        def watch() -> None:
            time.sleep(seconds)
            if self._is_ending:
                os.kill(self._pid, number)

        start_daemon("flext signal", watch, what="the thread that limits the time at a signal")

    def _default_action(self, number: int) -> None:
        import signal

        cast("Any", self._original)[0](number, signal.SIG_DFL)
        signal.raise_signal(number)


@final
class _Handler:
    """Handler in the place of one of the program.

    Attributes:
        host: The handler of the program.
        signals: The object that set it.
    """

    __slots__ = ("host", "signals")

    def __init__(self, signals: TerminationSignals, host: object) -> None:
        self.signals = signals
        self.host = host

    def __call__(self, number: int, frame: FrameType | None) -> object:
        from signal import Signals

        name = Signals(number).name
        if not callable(self.host):
            self.signals.end(number, name)
            return None
        self.signals.observe(number, name, is_kept=name == RELOADING)
        return self.host(number, frame)


_waiting: Final[deque[TerminationSignals]] = deque()
_callbacks: Final[dict[str, object]] = {}
"""The C function that the main thread calls; one for the whole process, because nothing shows when it was called."""


def _serve_waiting(_: object) -> int:
    while _waiting:
        _waiting.popleft().serve()
    return 0


def _set_functions(set_handler: Callable[..., Any], get_handler: Callable[..., Any]) -> None:
    signal: Any = sys.modules["signal"]
    signal.signal, signal.getsignal = set_handler, get_handler


def _host(handler: object) -> object:
    return handler.host if type(handler) is _Handler else handler


def termination_signals() -> TerminationSignals:
    """Return the handlers of the process."""
    return current_runtime().get(TerminationSignals)
