"""Import of OpenTelemetry modules that raise on a wrong environment variable, or where no thread can be started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

from flext_observability.runtime.deferred_import import deferred_import
from flext_observability.values.interrupts import reraise_interrupt

_PREFIX = "OTEL_"
_DETECTORS = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
_EXECUTOR = "ThreadPoolExecutor"


def import_without_otel_env(module: str) -> ModuleType:
    """Import a module; if it raises, import it without the ``OTEL_*`` variables and without threads.

    The variables are restored afterwards. The resolved settings hold the valid values, and the status names the invalid
    ones.

    Args:
        module: Full name, such as ``opentelemetry.propagate``.
    """
    try:
        return import_module(module)
    except BaseException as error:  # noqa: BLE001 - the second attempt decides
        reraise_interrupt(error)
        with _without_variables(), _without_threads():
            return import_module(module)


def defer_psutil() -> AbstractContextManager[None]:
    """Return a context in which OpenTelemetry's resources are imported without psutil, which they import on use.

    Not if a variable names detectors: they run during the import.
    """
    if os.environ.get(_DETECTORS):
        return nullcontext()
    return deferred_import("psutil", by="opentelemetry.sdk.resources")


@contextmanager
def _without_variables() -> Iterator[None]:
    hidden = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _without_threads() -> Iterator[None]:
    """Let executors run in the calling thread: the SDK detects a resource in one while it is imported."""
    from concurrent import futures

    class CallingThreadExecutor(futures.Executor):
        def __init__(self, max_workers: int | None = None) -> None:
            """Ignore the number of threads."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
            future: futures.Future[Any] = futures.Future()
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - the future holds it
                reraise_interrupt(error)
                future.set_exception(error)
            return future

    executor: object = getattr(futures, _EXECUTOR)
    setattr(futures, _EXECUTOR, CallingThreadExecutor)
    try:
        yield
    finally:
        setattr(futures, _EXECUTOR, executor)
