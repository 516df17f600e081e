"""Function of any kind → function of the same kind with a scope around each call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar, cast

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")
_CALL = "__call__"


class SpanScope(Protocol):
    """Scope of one call. Entered and left once. A generator pauses and resumes it around each ``yield``."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def pause(self) -> None: ...  # noqa: D102 - see the class

    def resume(self) -> None: ...  # noqa: D102 - see the class


def decorate(function: Callable[P, R], begin: Callable[[], SpanScope]) -> Callable[P, R]:
    """Return a function of the same kind, name and signature that runs each call in a scope from ``begin``."""
    target: Any = function
    if isinstance(target, classmethod | staticmethod):
        descriptor = cast("Any", target)
        return cast("Callable[P, R]", type(descriptor)(decorate(descriptor.__func__, begin)))
    body = _called_function(target)
    for is_kind, wrap in _WRAPPERS:
        if is_kind(body):
            return cast("Callable[P, R]", wraps(target)(wrap(target, begin)))
    return wraps(function)(_around_function(function, begin))


def _called_function(target: object) -> object:
    """Return the function that decides the kind of the wrapper: ``__call__`` of an object, ``func`` of a partial."""
    while isinstance(target, partial):
        target = cast("partial[object]", target).func
    return target if inspect.isroutine(target) else getattr(type(target), _CALL, target)


def _around_function(function: Callable[P, R], begin: Callable[[], SpanScope]) -> Callable[P, R]:
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with begin():
            return function(*args, **kwargs)

    return wrapper


def _around_coroutine(function: Callable[..., Any], begin: Callable[[], SpanScope]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> object:
        with begin():
            return await function(*args, **kwargs)

    return wrapper


def _around_generator(function: Callable[..., Any], begin: Callable[[], SpanScope]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with begin() as scope:
            body = function(*args, **kwargs)
            step, value = body.send, None
            while True:
                try:
                    item = step(value)
                except StopIteration as stop:
                    return stop.value
                scope.pause()
                try:
                    step, value = body.send, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - thrown into the body, including GeneratorExit
                    step, value = body.throw, thrown
                finally:
                    scope.resume()

    return wrapper


def _around_async_generator(function: Callable[..., Any], begin: Callable[[], SpanScope]) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with begin() as scope:
            body = function(*args, **kwargs)
            step, value = body.asend, None
            while True:
                try:
                    item = await step(value)
                except StopAsyncIteration:
                    return
                scope.pause()
                try:
                    step, value = body.asend, (yield item)
                except BaseException as thrown:  # noqa: BLE001 - thrown into the body, including GeneratorExit
                    step, value = body.athrow, thrown
                finally:
                    scope.resume()

    return wrapper


_WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[..., Callable[..., Any]]], ...] = (
    (inspect.isasyncgenfunction, _around_async_generator),
    (inspect.isgeneratorfunction, _around_generator),
    (inspect.iscoroutinefunction, _around_coroutine),
)
