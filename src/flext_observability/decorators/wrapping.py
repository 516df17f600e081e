"""Function of any kind → function of the same kind with a span around each call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar, cast

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from flext_observability.decorators.traced import ActiveSpan

P = ParamSpec("P")
R = TypeVar("R")
_CALL = "__call__"


class Around(NamedTuple):
    """Functions around each call of a function.

    Attributes:
        begin: Returns a context manager for each run of a generator.
        enter: Called before each call of another function; returns an argument for ``leave``.
        leave: Called after it, with the exception that it raised.
    """

    begin: Callable[[], ActiveSpan]
    enter: Callable[[], Any]
    leave: Callable[[Any, BaseException | None], object]


def decorate(function: Callable[P, R], around: Around) -> Callable[P, R]:
    """Return a function of the same kind, name and signature that runs each call in a span.

    A generator pauses the span while it waits at a ``yield``. A callable object that raises when its kind or its name
    is read is wrapped as a plain function.
    """
    try:
        return _decorate(function, around)
    except BaseException as error:  # noqa: BLE001 - attributes of a proxy or mock
        reraise_interrupt(error)
        report_once("Reading the decorated function", error)
        return _around_function(function, around)


def _decorate(function: Callable[P, R], around: Around) -> Callable[P, R]:
    target: Any = function
    if isinstance(target, classmethod | staticmethod):
        descriptor = cast("Any", target)
        return cast("Callable[P, R]", type(descriptor)(decorate(descriptor.__func__, around)))
    body = _called_function(target)
    for is_kind, wrap in _WRAPPERS:
        if is_kind(body):
            return cast("Callable[P, R]", wraps(target)(wrap(target, around)))
    return wraps(function)(_around_function(function, around))


def _called_function(target: object) -> object:
    """Return the function that decides the kind of the wrapper: ``__call__`` of an object, ``func`` of a partial."""
    while isinstance(target, partial):
        target = cast("partial[object]", target).func
    return target if inspect.isroutine(target) else getattr(type(target), _CALL, target)


def _around_function(function: Callable[P, R], around: Around) -> Callable[P, R]:
    _, enter, leave = around

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:  # measured: benchmarks, decorated call
        entered = enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            leave(entered, error)
            raise
        leave(entered, None)
        return result

    return wrapper


def _around_coroutine(function: Callable[..., Any], around: Around) -> Callable[..., Any]:
    _, enter, leave = around

    async def wrapper(*args: Any, **kwargs: Any) -> object:  # measured: benchmarks, decorated call
        entered = enter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            leave(entered, error)
            raise
        leave(entered, None)
        return result

    return wrapper


def _around_generator(function: Callable[..., Any], around: Around) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with around.begin() as span:
            body = function(*args, **kwargs)
            step, value = body.send, None
            while True:
                try:
                    item = step(value)
                except StopIteration as stop:
                    return stop.value
                span.pause()
                try:
                    step, value = body.send, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - thrown into the body, including GeneratorExit
                    step, value = body.throw, thrown
                finally:
                    span.resume()

    return wrapper


def _around_async_generator(function: Callable[..., Any], around: Around) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with around.begin() as span:
            body = function(*args, **kwargs)
            step, value = body.asend, None
            while True:
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    return
                span.pause()
                try:
                    step, value = body.asend, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - thrown into the body, including GeneratorExit
                    step, value = body.athrow, thrown
                finally:
                    span.resume()

    return wrapper


_WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[..., Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _around_async_generator),
    (inspect.isgeneratorfunction, _around_generator),
    (inspect.iscoroutinefunction, _around_coroutine),
)
