from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType

import pytest

from flext_observability.values.interrupts import is_interrupt, reraise_interrupt

Handler = Callable[[int, FrameType | None], object]


class TimeLimitExceeded(Exception):
    """Raised by the signal handler of a task queue."""


def exit_program(number: int, frame: FrameType | None) -> None:
    raise SystemExit(3)


def end_task(number: int, frame: FrameType | None) -> None:
    raise TimeLimitExceeded


class Limits:
    """Handlers as other libraries install them: a method, and an object with ``__call__``."""

    def end(self, number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded

    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded


def end_labelled(label: str, number: int, frame: FrameType | None) -> None:
    raise TimeLimitExceeded(label)


@pytest.fixture
def install() -> Iterator[Callable[[Handler], None]]:
    before = signal.getsignal(signal.SIGUSR1)

    def set_handler(handler: Handler) -> None:
        signal.signal(signal.SIGUSR1, handler)

    yield set_handler
    signal.signal(signal.SIGUSR1, before)


def caught(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - the exceptions under test
        return error
    raise AssertionError("nothing was raised")


def in_thread(work: Callable[[], object]) -> object:
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


def send_signal() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


@pytest.mark.parametrize(
    "handler", [exit_program, end_task, Limits().end, Limits(), functools.partial(end_labelled, "x")]
)
def test_what_a_signal_handler_raises_is_an_interrupt(install: Callable[[Handler], None], handler: Handler) -> None:
    install(handler)
    assert is_interrupt(caught(send_signal))


@pytest.mark.parametrize("kind", [ValueError, SystemExit, asyncio.CancelledError, GeneratorExit, BaseException])
def test_what_foreign_code_raises_is_not_an_interrupt(kind: type[BaseException]) -> None:
    assert not is_interrupt(caught(raising(kind())))


def test_ctrl_c_is_an_interrupt_of_the_main_thread_only() -> None:
    assert is_interrupt(caught(raising(KeyboardInterrupt())))
    assert in_thread(lambda: is_interrupt(caught(raising(KeyboardInterrupt())))) is False


def test_the_cancellation_of_the_current_task_is_an_interrupt() -> None:
    found: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            found.append(is_interrupt(error))

    async def main() -> None:
        found.append(is_interrupt(caught(raising(asyncio.CancelledError()))))  # of another task
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await task

    asyncio.run(main())
    assert found == [False, True]


@pytest.mark.parametrize(("module", "name"), [("greenlet", "GreenletExit"), ("gevent", "Timeout")])
def test_the_end_of_a_greenlet_is_an_interrupt(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    fake, kind = ModuleType(module), type(name, (BaseException,), {})
    setattr(fake, name, kind)
    monkeypatch.setitem(sys.modules, module, fake)
    assert is_interrupt(caught(raising(kind())))


def test_without_asyncio_no_cancellation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "asyncio")
    assert not is_interrupt(BaseException())


def test_an_interrupt_is_raised_again() -> None:
    reraise_interrupt(ValueError())
    interrupt = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as raised:
        reraise_interrupt(interrupt)
    assert raised.value is interrupt


def test_without_the_signal_module_no_handler_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "signal")
    assert not is_interrupt(caught(raising(SystemExit())))
