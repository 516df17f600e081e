"""Queued entities → hook calls on one thread. Failures are counted, and a plug-in that hangs is switched off."""

from __future__ import annotations

import inspect
import logging
import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from flext_observability.domain.result import FlextObservabilityError, FlextResult, compose_message
from flext_observability.extensions.plugins.active_plugin import SLOW_FIX
from flext_observability.runtime.fork import register_fork_aware
from flext_observability.runtime.internal_log import log_warning, report_once
from flext_observability.runtime.scheduler import scheduler
from flext_observability.runtime.work_queue import WorkQueue
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.domain.entity import Entity
    from flext_observability.extensions.plugins.active_plugin import ActivePlugin
    from flext_observability.extensions.plugins.base import Hook
    from flext_observability.runtime.locks import ForkSafeLock

HOOK_TIMEOUT_SECONDS: Final = 1.0
CAPACITY: Final = 1000
"""Queued calls of all plug-ins."""
WATCHDOG_INTERVAL_SECONDS: Final = 0.5
_FLUSH_STEP_SECONDS: Final = 0.1
_JOB: Final = "plug-ins"
_logger: Final = logging.getLogger("flext_observability")


@dataclass(slots=True, eq=False)
class _Call:
    plugin: ActivePlugin
    hook: Hook
    entity: Entity
    started_at: float = 0.0


class _CurrentPlugin(threading.local):
    """The plug-in whose hook runs in this thread."""

    plugin: ActivePlugin | None = None


@final
class Dispatcher:
    """Calls hooks in order on one thread, which starts with the first call and ends when idle.

    Attributes:
        lock: Guards the counts of the plug-ins.
    """

    def __init__(self, lock: ForkSafeLock) -> None:
        self.lock = lock
        self._thread_state = _CurrentPlugin()
        self._running: _Call | None = None
        self._queue = WorkQueue[_Call]("plug-ins", self._process, capacity=CAPACITY)
        register_fork_aware(self)

    def current_plugin(self) -> ActivePlugin | None:
        """Return the plug-in whose hook runs in this thread."""
        return self._thread_state.plugin

    def enqueue(self, plugin: ActivePlugin, hook: Hook, entity: Entity) -> None:
        """Queue a hook call. A full queue drops and counts it."""
        if not self._queue.put(_Call(plugin, hook, entity)):
            with self.lock:
                plugin.counts.dropped += 1

    def start_watchdog(self) -> None:
        """Check for a hook that hangs, now and periodically until ``stop_watchdog``."""
        scheduler().schedule(_JOB, WATCHDOG_INTERVAL_SECONDS, self.check)
        self.check()

    def stop_watchdog(self) -> None:
        """Stop the periodic check."""
        scheduler().cancel(_JOB)

    def check(self) -> None:
        """Switch off a plug-in whose hook hangs, and serve the others on a new thread."""
        with self.lock:
            call = self._running
            if call is None or monotonic() - call.started_at <= HOOK_TIMEOUT_SECONDS:
                return
            self._running = None  # a late return of this hook is not counted
            self._queue.replace_worker()
        self._switch_off(call)

    def flush(self, deadline: float) -> bool:
        """Wait for the queued calls; return whether they completed before ``deadline`` (monotonic seconds)."""
        if self.current_plugin() is not None:
            return True  # a hook cannot wait for itself
        while not self._queue.flush(min(deadline, monotonic() + _FLUSH_STEP_SECONDS)):
            self.check()
            if monotonic() >= deadline:
                return False
        return True

    @property
    def queued(self) -> int:
        """Number of queued calls."""
        return self._queue.waiting

    def reinit_after_fork(self) -> None:
        """Drop the parent's running call in a forked child. The queue resets itself."""
        self._running = None

    def _process(self, call: _Call) -> None:
        with self.lock:
            if call.plugin.counts.switched_off:
                call.plugin.counts.dropped += 1
                return
            call.started_at = monotonic()
            self._running = call
        self._thread_state.plugin = call.plugin
        failure = _call_hook(call)
        self._thread_state.plugin = None
        with self.lock:
            if self._running is not call:
                return
            self._running = None
            _count(call, failure)
        if failure is not None:
            report_once(f"{call.hook} of the plug-in {call.plugin.counts.name}", failure)
        if monotonic() - call.started_at > HOOK_TIMEOUT_SECONDS:
            self._switch_off(call)

    def _switch_off(self, call: _Call) -> None:
        reason = f"{call.hook} took more than {HOOK_TIMEOUT_SECONDS:g} s"
        with self.lock:
            call.plugin.counts.switched_off = reason
        message = f"Plug-in {call.plugin.counts.name} is switched off: {reason}"
        log_warning(_logger, compose_message(message, SLOW_FIX))


def _call_hook(call: _Call) -> BaseException | None:
    """Call the hook; return its exception, or its failed result as an exception."""
    try:
        outcome = call.plugin.hooks[call.hook](call.entity)
        if inspect.iscoroutine(outcome):
            outcome.close()
            return TypeError("a hook must be a plain function, not a coroutine function")
    except BaseException as error:  # noqa: BLE001 - foreign code, SystemExit included
        reraise_interrupt(error)
        return error
    if isinstance(outcome, FlextResult) and not outcome.success:
        failed = cast("FlextResult[object]", outcome)
        return FlextObservabilityError(failed.message or "", failed.code or "error", failed.fix)
    return None


def _count(call: _Call, failure: BaseException | None) -> None:
    counts = call.plugin.counts
    counts.calls += 1
    if failure is not None:
        counts.failures += 1
        counts.last_error = f"{call.hook}: {describe_error(failure)}"
