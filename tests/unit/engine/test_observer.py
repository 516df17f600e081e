"""Observer: callbacks run on a thread, late ones are left out, and every collection ends in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest
from opentelemetry.metrics import CallbackOptions, Observation

from flext_observability.engine import observer as module
from flext_observability.engine.callback_states import DEADLINE_SECONDS
from flext_observability.engine.observable_callback import ObservableCallback
from flext_observability.engine.observer import observer, wrap_callbacks
from flext_observability.runtime.runtime import replace_runtime
from tests.callbacks import observing
from tests.ending import ending
from tests.programs import run
from tests.threads import in_threads
from tests.waiting import eventually

OPTIONS = CallbackOptions()
ONE = [Observation(1)]


class Hung:
    """A callback that returns when it is released."""

    def __init__(self) -> None:
        self.calls = 0
        self.released = threading.Event()

    def __call__(self, _: CallbackOptions) -> list[Observation]:
        self.calls += 1
        self.released.wait(30)
        return [Observation(self.calls)]


@pytest.fixture
def hung() -> Iterator[Hung]:
    made = Hung()
    yield made
    made.released.set()


@pytest.fixture
def all_hung() -> Iterator[list[Hung]]:
    made = [Hung() for _ in range(20)]
    yield made
    for each in made:
        each.released.set()


def guard(*callbacks: object) -> tuple[ObservableCallback, ...]:
    """Return guarded callbacks that take part in collections, named by their position."""
    guarded = tuple(each for index, one in enumerate(callbacks) for each in wrap_callbacks(f"n{index}", [one]))
    observer().add(guarded)
    return guarded


def collect(*callbacks: ObservableCallback) -> list[list[float]]:
    """Return the values of each callback in one collection."""
    with observer().collection():
        return [[each.value for each in callback(OPTIONS)] for callback in callbacks]


_earlier: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def earlier_threads() -> Iterator[None]:
    """Remember the threads that hung callbacks of other tests keep."""
    _earlier.update(threading.enumerate())
    yield
    _earlier.clear()


def observer_threads() -> list[threading.Thread]:
    """Return the observer threads of this test."""
    return [each for each in threading.enumerate() if each.name == "flext-observer" and each not in _earlier]


def test_one_thread_calls_all_callbacks_of_a_collection() -> None:
    seen: list[int] = []
    callbacks = guard(*(observing(lambda: seen.append(threading.get_ident())) for _ in range(3)))
    assert collect(*callbacks) == [[1], [1], [1]]
    assert collect(*callbacks) == [[1], [1], [1]]
    assert len(seen) == 6
    assert {observer_threads()[-1].ident} == set(seen)


def test_a_reader_outside_of_a_collection_calls_the_callback() -> None:
    calls: list[int] = []
    (callback,) = guard(observing(lambda: calls.append(1)))
    assert [list(callback(OPTIONS)) for _ in range(2)] == [ONE, ONE]
    assert len(calls) == 2


def test_a_reader_that_asks_for_one_callback_after_another_has_one_deadline(all_hung: list[Hung]) -> None:
    callbacks = guard(*all_hung[:10], observing())
    started = time.monotonic()
    assert [len(callback(OPTIONS)) for callback in callbacks] == [0] * 10 + [1]
    assert time.monotonic() - started < DEADLINE_SECONDS + 4
    late = guard(all_hung[10])[0]
    time.sleep(module.PAUSE_SECONDS + 0.05)
    started = time.monotonic()
    assert list(late(OPTIONS)) == []
    assert time.monotonic() - started >= DEADLINE_SECONDS


def test_an_instrument_created_during_a_collection_is_in_the_next_one() -> None:
    with observer().collection():
        (callback,) = guard(observing())
        assert list(callback(OPTIONS)) == []
    assert collect(callback) == [[1]]


def test_late_callbacks_are_left_out_within_the_deadline(all_hung: list[Hung]) -> None:
    callbacks = guard(*all_hung[:4], *(observing() for _ in range(3)))
    started = time.monotonic()
    assert collect(*callbacks) == [[], [], [], [], [1], [1], [1]]
    assert time.monotonic() - started < DEADLINE_SECONDS + 2
    started = time.monotonic()
    assert collect(*callbacks) == [[], [], [], [], [1], [1], [1]]
    assert time.monotonic() - started < DEADLINE_SECONDS / 2
    assert [each.calls for each in all_hung[:4]] == [1] * 4


def test_a_late_callback_is_named_until_it_returns_in_time(hung: Hung, caplog: pytest.LogCaptureFixture) -> None:
    (callback,) = guard(hung)
    for _ in range(2):
        assert collect(callback) == [[]]
    (notice,) = observer().notices()
    assert notice.degrades
    assert "n0 did not return within 1 s: running for 1 s" in notice.message
    hung.released.set()
    eventually(lambda: "it has returned since" in observer().notices()[0].message)
    assert collect(callback) == [[2]]
    assert observer().notices() == ()
    eventually(lambda: len(caplog.records) == 2)
    first, second = [record.message for record in caplog.records]
    assert "n0 did not return within 1 s: it is left out until it returns" in first
    assert second.endswith("n0 returns in time again: it is used from now on")


def test_a_callback_that_is_always_late_is_reported_one_collection_later(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Semaphore(0)
    number = iter(range(9))

    def slow(_: CallbackOptions) -> list[Observation]:
        value = next(number)
        release.acquire(timeout=30)
        return [Observation(value)]

    (callback,) = guard(slow)
    found: list[list[list[float]]] = []
    for _ in range(3):
        found.append(collect(callback))
        release.release()
        eventually(lambda: not observer()._calls)
    assert found == [[[]], [[0]], [[1]]]
    assert "returned since" in observer().notices()[0].message
    assert len(caplog.records) == 1


def test_a_call_that_had_no_time_to_begin_is_reported_by_the_next_collection() -> None:
    release = threading.Event()
    number = iter(range(9))

    def slow_later(_: CallbackOptions) -> list[Observation]:
        value = next(number)
        if value:
            release.wait(30)
        return [Observation(value)]

    (callback,) = guard(slow_later)
    assert observer()._observe([callback], 0.0) == {callback: ()}
    eventually(lambda: not observer()._calls)
    assert collect(callback) == [[0]]
    release.set()


def test_a_callback_below_the_deadline_is_waited_for() -> None:
    slow, quick = guard(observing(lambda: time.sleep(0.4)), observing())
    assert collect(slow, quick) == [[1], [1]]
    assert len(observer_threads()) == 1


def test_many_hung_callbacks_delay_no_other(all_hung: list[Hung]) -> None:
    callbacks = guard(*all_hung, observing())
    assert collect(*callbacks)[-1] == [1]
    assert len(observer_threads()) == len(all_hung) + 1
    for each in all_hung:
        each.released.set()
    eventually(lambda: len(observer_threads()) == 1)


def test_concurrent_collections_share_the_call_of_a_slow_callback(hung: Hung) -> None:
    (callback,) = guard(hung)
    threading.Timer(0.3, hung.released.set).start()
    found: list[list[list[float]]] = []
    in_threads(lambda _: found.append(collect(callback)))
    assert {each[0][0] for each in found} <= {1, 2}
    assert hung.calls <= 2


def test_a_collection_waits_for_a_call_that_another_one_queued(hung: Hung) -> None:
    first, second = guard(hung, observing())
    other = threading.Thread(target=collect, args=(first, second))
    other.start()
    eventually(lambda: hung.calls)
    assert collect(second) == [[1]]
    hung.released.set()
    other.join(10)


def test_failures_are_named_once_in_the_log_and_in_the_notices(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([5, 5, ONE])
    bad, good = guard(lambda _: next(answers), observing())
    for _ in range(2):
        assert collect(bad, good) == [[], [1]]
    (notice,) = observer().notices()
    assert not notice.degrades
    assert "instrument n0 failed: TypeError: 'int' object is not iterable" in notice.message
    assert ["instrument n0 failed" in eventually(lambda: caplog.records)[0].message] == [True]
    assert collect(bad, good) == [[1], [1]]
    assert observer().notices() == ()


def collect_one() -> object:
    """Ask for observations as a reader of the SDK does."""
    (callback,) = wrap_callbacks("inner", [observing()])
    return callback(OPTIONS)


@pytest.mark.parametrize("reenter", [lambda: observer().is_observing, collect_one])
def test_a_callback_that_collects_gets_nothing(reenter: Callable[[], object]) -> None:
    found: list[object] = []
    (callback,) = guard(observing(lambda: found.append(reenter())))
    assert collect(callback) == [[1]]
    assert found in ([True], [()])
    assert not observer().is_observing


def test_a_callback_runs_in_the_context_of_the_reader() -> None:
    variable: ContextVar[int] = ContextVar("variable")
    (callback,) = guard(lambda _: [Observation(variable.get())])
    variable.set(7)
    assert collect(callback) == [[7]]


def test_without_threads_callbacks_run_in_the_thread_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "start_daemon", lambda *_, **__: None)
    seen: list[bool] = []
    here = threading.get_ident()
    callbacks = guard(*(observing(lambda: seen.append(threading.get_ident() == here)) for _ in range(2)))
    assert collect(*callbacks) == [[1], [1]]
    assert seen == [True, True]
    assert not observer().is_observing


def test_without_threads_callbacks_beyond_the_deadline_are_called_in_the_next_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "start_daemon", lambda *_, **__: None)
    monkeypatch.setattr(module, "DEADLINE_SECONDS", 0.05)
    callbacks = guard(observing(lambda: time.sleep(0.1)), observing())
    assert collect(*callbacks) == [[1], []]
    assert collect(callbacks[1]) == [[1]]


def test_without_another_thread_the_callbacks_after_a_hung_one_are_left_out(
    hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks = guard(hung, observing())
    monkeypatch.setattr(module, "start_daemon", lambda *_, **__: None)
    assert collect(*callbacks) == [[], []]
    hung.released.set()
    eventually(lambda: "returned since" in observer().notices()[0].message)
    assert collect(*callbacks) == [[2], [1]]


def test_a_thread_that_was_ended_is_replaced_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kind = ending(monkeypatch)

    def end(_: CallbackOptions) -> list[Observation]:
        raise kind

    ended, good = guard(end, observing())
    for _ in range(2):
        assert collect(ended, good) == [[], [1]]
    assert "n0 failed: RuntimeError: its thread was ended" in caplog.text


def test_the_end_of_the_runtime_ends_the_thread() -> None:
    guard(observing())
    (thread,) = observer_threads()
    replace_runtime()
    thread.join(10)
    assert not thread.is_alive()


def test_a_thread_that_another_collection_replaced_is_not_replaced_again(hung: Hung) -> None:
    callbacks = guard(hung, observing())
    in_threads(lambda _: collect(*callbacks))
    assert len(observer_threads()) == 2


FORKED = """
import os, threading, time
from opentelemetry.metrics import CallbackOptions, Observation
from flext_observability.engine.observer import observer, wrap_callbacks

def numbers():
    options = yield
    for number in range(9):
        options = yield [Observation(number)]

hang, forked = threading.Event(), threading.Event()
parent = os.getpid()
def hung(_):
    if os.getpid() == parent:
        hang.wait(30)
    return [Observation(7)]

def forking(_):
    if os.getpid() == parent and not forked.is_set():
        forked.set()
        if (child := os.fork()) == 0:
            os._exit(0 if observer().is_observing else 1)
        assert os.waitpid(child, 0)[1] == 0
    return [Observation(5)]

callbacks = [each for one in (CALLBACKS) for each in wrap_callbacks("n", [one])]
observer().add(callbacks)

def collect():
    with observer().collection():
        return [[each.value for each in one(CallbackOptions())] for one in callbacks]

print(os.getpid() == parent, collect(), flush=True)
child = os.fork()
if child == 0:
    threads = [thread.name for thread in threading.enumerate()].count("flext-observer")
    print(threads, collect(), len(observer().notices()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(collect())
"""


def test_a_forked_child_continues_with_generators_and_calls_hung_callbacks_again() -> None:
    done = run(FORKED.replace("CALLBACKS", "numbers(), hung, forking"))
    assert done.lines == ["True [[0], [], [5]]", "1 [[1], [7], [5]] 0", "[[1], [], [5]]"], done.err


def test_a_child_that_a_callback_forks_does_not_continue_the_collection() -> None:
    done = run(
        """
        import os, threading, time
        from opentelemetry.metrics import CallbackOptions, Observation
        from flext_observability.engine.observer import observer, wrap_callbacks
        calls = []
        def forks(_):
            calls.append(os.fork())
            if not calls[0]:
                threading.Timer(0.5, os._exit, (0,)).start()
            return [Observation(1)]
        callbacks = wrap_callbacks("n", [forks, lambda _: print("next", bool(calls[0])) or []])
        observer().add(callbacks)
        with observer().collection():
            print([len(each(CallbackOptions())) for each in callbacks])
        """
    )
    assert done.lines == ["next True", "[1, 0]"], done.err


def test_a_thread_ends_after_a_call_during_which_the_observer_was_reinitialised() -> None:
    threads: list[threading.Thread] = []

    def fork() -> None:
        if not threads:
            threads.append(threading.current_thread())
            observer().reinit_after_fork()  # what a forked child calls

    (callback,) = guard(observing(fork))
    assert collect(callback) == [[]]
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert collect(callback) == [[1]]
