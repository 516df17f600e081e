"""Entities for plug-ins → one hook call each, on one thread; who fails is counted, who takes too long is switched off."""

from __future__ import annotations

import inspect
import logging
import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextObservabilityError, FlextResult
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import say
from flext_observability.runtime.report_once import report_once
from flext_observability.runtime.scheduler import SCHEDULER
from flext_observability.runtime.work_queue import WorkQueue
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity
    from flext_observability.extensions.plugins.base import Hook
    from flext_observability.extensions.plugins.registered_plugin import RegisteredPlugin
    from flext_observability.runtime.locks import ForkSafeLock

HOOK_TIMEOUT_SECONDS: Final = 1.0
"""How long a hook may take, in seconds."""
CAPACITY: Final = 1000
"""Calls that wait at most, over all plug-ins."""
LOOK_SECONDS: Final = 0.5
"""Time between two looks for a plug-in that hangs, in seconds."""
_STEP_SECONDS: Final = 0.1
_JOB: Final = "plug-ins"
_logger: Final = logging.getLogger("flext_observability")


@dataclass(slots=True, eq=False)
class _Call:
    """One entity on its way to one hook."""

    listener: RegisteredPlugin
    hook: Hook
    entity: Entity
    began: float = 0.0


class _CurrentPlugin(threading.local):
    """The plug-in whose hook runs in this thread."""

    listener: RegisteredPlugin | None = None


@final
class Dispatcher:
    """Calls hooks, one after another, on one thread that starts with the first call and ends when there is nothing to do.

    Attributes:
        lock: Who changes counts of a listener holds it.
    """

    def __init__(self, lock: ForkSafeLock) -> None:
        self.lock = lock
        self._inside = _CurrentPlugin()
        self._current: _Call | None = None
        self._mailbox = WorkQueue[_Call]("plug-ins", self._handle, capacity=CAPACITY)
        register_fork_aware(self)

    def inside(self) -> RegisteredPlugin | None:
        """Return the plug-in whose hook is what runs in this thread."""
        return self._inside.listener

    def call(self, listener: RegisteredPlugin, hook: Hook, entity: Entity) -> None:
        """Have a hook called soon; the entity is dropped and counted when too many wait."""
        if not self._mailbox.put(_Call(listener, hook, entity)):
            with self.lock:
                listener.dropped += 1

    def watch(self) -> None:
        """Look now and, until ``rest``, from time to time for a plug-in that hangs."""
        if _JOB not in SCHEDULER.names():
            SCHEDULER.every(_JOB, LOOK_SECONDS, self.look)
        self.look()

    def rest(self) -> None:
        """Look no more until the next ``watch``."""
        SCHEDULER.cancel(_JOB)

    def look(self) -> None:
        """Switch off a plug-in that hangs, leave its thread to itself, and go on with the others."""
        with self.lock:
            call = self._current
            if call is None or monotonic() - call.began <= HOOK_TIMEOUT_SECONDS:
                return
            self._current = None  # the thread that hangs finds so, should it come back
            self._mailbox.replace_worker()
        self._detach_integrations(call)

    def flush(self, deadline: float) -> bool:
        """Wait until every hook was called for what was told until now; whether that was so before ``deadline`` (monotonic seconds)."""
        if self.inside() is not None:
            return True  # a hook cannot wait for itself
        while not self._mailbox.flush(min(deadline, monotonic() + _STEP_SECONDS)):
            self.look()
            if monotonic() >= deadline:
                return False
        return True

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return self._mailbox.waiting

    def reinit_after_fork(self) -> None:
        """Forget in a forked child what hangs in the parent; the mailbox empties itself."""
        self._current = None

    def _handle(self, call: _Call) -> None:
        with self.lock:
            if call.listener.switched_off:
                call.listener.dropped += 1
                return
            call.began = monotonic()
            self._current = call
        self._inside.listener = call.listener
        failure = _failure(call)
        self._inside.listener = None
        with self.lock:
            if self._current is not call:
                return
            self._current = None
            _count(call, failure)
        if failure is not None:
            report_once(f"{call.hook} of the plug-in {call.listener.name}", failure)
        if monotonic() - call.began > HOOK_TIMEOUT_SECONDS:
            self._detach_integrations(call)

    def _detach_integrations(self, call: _Call) -> None:
        reason = f"{call.hook} took more than {HOOK_TIMEOUT_SECONDS:g} s"
        with self.lock:
            call.listener.switched_off = reason
        say(_logger, f"Plug-in {call.listener.name} is switched off: {reason}; the program goes on without it")


def _failure(call: _Call) -> BaseException | None:
    """Call the hook; return what it raised, or its failed result as an error."""
    try:
        outcome = call.listener.hooks[call.hook](call.entity)
        if inspect.iscoroutine(outcome):
            outcome.close()
            raise TypeError("a hook is a plain function, not a coroutine function")  # noqa: TRY301 - counted like its own
    except BaseException as error:  # noqa: BLE001 - code of others, SystemExit too
        return error
    if isinstance(outcome, FlextResult) and not outcome.success:
        failed = cast("FlextResult[object]", outcome)
        return FlextObservabilityError(failed.error or "", failed.code or "error")
    return None


def _count(call: _Call, failure: BaseException | None) -> None:
    listener = call.listener
    listener.calls += 1
    if failure is not None:
        listener.failures += 1
        listener.last_error = f"{call.hook}: {describe_error(failure)}"
