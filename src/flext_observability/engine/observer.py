"""Callbacks of observable instruments → their observations within a deadline, on a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from functools import partial
from math import inf
from threading import Condition, Thread, local
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, final

from opentelemetry.metrics import CallbackOptions

from flext_observability.engine.callback_states import DEADLINE_SECONDS, CallbackStates, log_returned
from flext_observability.engine.observable_callback import ObservableCallback, Observed
from flext_observability.runtime.daemon import start_daemon
from flext_observability.runtime.fork import register_fork_aware, register_restart
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation

    from flext_observability.domain.report import Notice

SLOW_SECONDS: Final = 0.1
"""Age of a call at which another thread continues with the other callbacks. It halves with each such thread."""
MIN_SLOW_SECONDS: Final = 0.01
PAUSE_SECONDS: Final = 0.2
"""Time after which a reader that asks for callbacks one by one is taken to begin another collection."""
MIN_SECONDS: Final = 0.1
"""Time for a callback when earlier ones of the same collection have used up the deadline."""
_OPTIONS: Final = CallbackOptions(timeout_millis=DEADLINE_SECONDS * 1e3)
Observations = Mapping[ObservableCallback, "Sequence[Observation]"]


@final
class _Call:
    """One call of one callback, for all collections that wait for it."""

    __slots__ = ("began_at", "callback", "context", "is_last", "late", "left_out", "observed")

    def __init__(self, callback: ObservableCallback) -> None:
        self.callback = callback
        self.context: Context = copy_context()
        self.began_at: float | None = None
        self.observed: Observed | None = None
        self.late = False  # whether it had begun when a deadline passed
        self.left_out = False  # whether a collection ended without it, begun or not
        self.is_last = False  # whether a collection waits for nothing else


@final
class _Worker:
    """The thread that takes queued calls; one at a time.

    Attributes:
        thread: The thread; None while it starts.
        former: The replaced worker, while the thread starts.
        blocked: The call of the replaced worker, while the thread starts.
    """

    __slots__ = ("blocked", "former", "thread")

    def __init__(self, former: _Worker | None, blocked: _Call | None) -> None:
        self.former = former
        self.blocked = blocked
        self.thread: Thread | None = None

    @property
    def has_ended(self) -> bool:
        return self.thread is not None and not self.thread.is_alive()


class _ThreadState(local):
    """State of one thread.

    Attributes:
        observing: Whether it runs callbacks.
        prepared: Observations of the collection that it makes.
        spent_seconds: Time that a reader of another package has spent on callbacks, one by one.
        ended_at: When the last of them ended.
    """

    observing = False
    prepared: Observations | None = None
    spent_seconds = 0.0
    ended_at = 0.0


@final
class Observer:
    """Calls the callbacks of one collection one after another on one thread, which a hung callback keeps for itself.

    Another thread then continues. A callback is never called while an earlier call of it runs: collections share the
    call, and leave it out after ``DEADLINE_SECONDS``. Thread-safe. A forked child has a thread of its own.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._callbacks: dict[ObservableCallback, None] = {}
        self._calls: dict[ObservableCallback, _Call] = {}  # queued and running ones
        self._queue: deque[_Call] = deque()
        self._worker: _Worker | None = None
        self._current: _Call | None = None  # the call on the thread of ``_worker``
        self._thread = _ThreadState()
        self._states = CallbackStates()
        self._last: Observations = {}
        register_fork_aware(self)
        register_restart(self)

    def add(self, callbacks: Iterable[ObservableCallback]) -> None:
        """Include callbacks in every collection. The thread starts now: at the exit of a program none can start."""
        with self._changed:
            self._callbacks.update(dict.fromkeys(callbacks))
        self.restart_after_fork()

    @property
    def is_observing(self) -> bool:
        """Whether a callback runs in this thread. It must not wait for a collection."""
        return self._thread.observing

    @contextmanager
    def collection(self, *, repeat: bool = False) -> Iterator[None]:
        """Call all callbacks. In the body, readers of this thread get these observations.

        Args:
            repeat: Whether to repeat the observations of the last collection instead.
        """
        if not repeat:
            with self._changed:
                callbacks = list(self._callbacks)
            self._last = self._observe(callbacks, DEADLINE_SECONDS)
        former, self._thread.prepared = self._thread.prepared, self._last
        try:
            yield
        finally:
            self._thread.prepared = former

    def observations(self, callback: ObservableCallback) -> Sequence[Observation]:
        """Return the observations of the collection of this thread; outside of ``collection``, call the callback."""
        thread = self._thread
        if thread.prepared is not None:
            return thread.prepared.get(callback, ())
        began_at = monotonic()
        if began_at - thread.ended_at > PAUSE_SECONDS:
            thread.spent_seconds = 0.0  # another collection begins
        seconds = max(DEADLINE_SECONDS - thread.spent_seconds, MIN_SECONDS)
        found = self._observe([] if thread.observing else [callback], seconds)
        thread.ended_at = monotonic()
        thread.spent_seconds += thread.ended_at - began_at
        return found.get(callback, ())

    def notices(self) -> tuple[Notice, ...]:
        """Return a notice for each callback that is late or fails."""
        return tuple(self._states.notices(lambda callback: callback in self._calls))

    def end_with_runtime(self) -> None:
        """End the thread when its current call ends."""
        with self._changed:
            self._worker = None
            self._changed.notify_all()

    def reinit_after_fork(self) -> None:
        """Drop the calls and the thread of the parent."""
        self._changed = Condition()
        self._calls.clear()
        self._queue.clear()
        self._worker = self._current = None
        self._last = {}
        self._states.reset()

    def restart_after_fork(self) -> None:
        """Start the thread if there are callbacks."""
        with self._changed:
            worker = self._replace_worker() if self._callbacks and self._worker is None else None
        if worker is not None:
            self._start_worker(worker)

    def _observe(self, callbacks: Sequence[ObservableCallback], seconds: float) -> Observations:
        deadline = monotonic() + seconds
        with self._changed:
            calls = [call for callback in callbacks if not (call := self._call(callback)).late]
            if not calls:
                return {}
            calls[-1].is_last = True
            self._changed.notify_all()
        self._wait(calls, deadline)
        found: dict[ObservableCallback, Sequence[Observation]] = {}
        for call in calls:
            observed = self._observed_in_time(call)
            kept = self._states.pop_kept(call.callback)
            found[call.callback] = kept if observed is None else observed.observations
        return found

    def _call(self, callback: ObservableCallback) -> _Call:
        """Return the queued or running call of a callback, or queue one."""
        call = self._calls.get(callback)
        if call is None:
            call = self._calls[callback] = _Call(callback)
            self._queue.append(call)
        return call

    def _observed_in_time(self, call: _Call) -> Observed | None:
        with self._changed:
            call.left_out = call.left_out or call.observed is None
            call.late = call.observed is None and call.began_at is not None
            began_at = call.began_at
        if call.late and began_at is not None:
            self._states.set_late(call.callback, began_at)
        return call.observed

    def _wait(self, calls: Sequence[_Call], deadline: float) -> None:
        """Wait for calls. Replace a thread that has ended, or that a slow call keeps from the next ones."""
        patience = min(SLOW_SECONDS, (deadline - monotonic()) / 4)
        while True:
            with self._changed:
                left = deadline - monotonic()
                if left <= 0 or all(call.observed is not None for call in calls):
                    return
                worker = self._worker
                has_ended = worker is None or worker.has_ended
                if not self._queue or not (has_ended or self._is_slow(patience)):
                    self._changed.wait(min(patience, left))
                    continue
                worker = self._replace_worker()
            if self._start_worker(worker):
                patience = max(patience / 2, MIN_SLOW_SECONDS)
            elif has_ended:
                self._run_queue(deadline)
            else:
                patience = inf  # the other callbacks are left out

    def _is_slow(self, patience: float) -> bool:
        current = self._current
        return current is not None and monotonic() - cast("float", current.began_at) >= patience

    def _replace_worker(self) -> _Worker:
        """Replace the worker, which ends after its current call. Call ``_start_worker`` after, without the lock."""
        self._worker = worker = _Worker(self._worker, self._current)
        self._current = None
        return worker

    def _start_worker(self, worker: _Worker) -> bool:
        """Start a worker. Return False if the system cannot start a thread: the former worker remains."""
        what = "the thread for callbacks of observable instruments"
        worker.thread = start_daemon("flext-observer", partial(self._work, worker), what=what)
        if worker.thread is None:
            with self._changed:
                self._worker, self._current = worker.former, worker.blocked
            return False
        worker.former = worker.blocked = None
        return True

    def _work(self, worker: _Worker) -> None:
        changed = self._changed
        self._thread.observing = True
        # A callback that forks returns in the child too, where `_changed` was replaced.
        while self._changed is changed and (call := self._next_call(worker)) is not None:
            self._run(call, changed)

    def _next_call(self, worker: _Worker) -> _Call | None:
        """Wait for a queued call. Return None when the worker was replaced."""
        with self._changed:
            while self._worker is worker and not self._queue:
                self._changed.wait()
            if self._worker is not worker:
                return None
            self._current = call = self._pop()
            return call

    def _run_queue(self, deadline: float) -> None:
        """Run the queued calls in the thread of the caller."""
        former, self._thread.observing = self._thread.observing, True
        changed = self._changed
        try:
            while self._changed is changed and monotonic() < deadline:
                with changed:
                    call = self._pop() if self._queue else None
                if call is None:
                    return
                self._run(call, changed)
        finally:
            self._thread.observing = former

    def _pop(self) -> _Call:
        call = self._queue.popleft()
        call.began_at = monotonic()
        return call

    def _run(self, call: _Call, changed: Condition) -> None:
        observed = Observed(failure=RuntimeError("its thread was ended"))
        try:
            observed = call.context.run(call.callback.call, _OPTIONS)
        finally:
            if self._changed is changed:
                self._settle(call, observed)

    def _settle(self, call: _Call, observed: Observed) -> None:
        problem = "" if observed.failure is None else describe_error(observed.failure)
        with self._changed:
            was_late = self._states.set_returned(call.callback, observed.observations, problem, kept=call.left_out)
            call.observed = observed
            del self._calls[call.callback]
            replaced = self._current is not call
            self._current = None if not replaced else self._current
            # One wake-up for each collection, unless something is unusual.
            if call.is_last or call.late or replaced or not self._queue:
                self._changed.notify_all()
        log_returned(call.callback, observed.failure, was_late=was_late)


def observer() -> Observer:
    """Return the observer of the process."""
    return current_runtime().get(Observer)


def wrap_callbacks(instrument: object, callbacks: Iterable[object] | None) -> tuple[ObservableCallback, ...]:
    """Return the callbacks of an instrument as plain functions, which never raise and never hang."""
    return tuple(ObservableCallback(instrument, each, _ask) for each in callbacks or ())


def _ask(callback: ObservableCallback) -> Sequence[Observation]:
    return observer().observations(callback)
