"""Library names → OpenTelemetry's instrumentations, switched on and off (API only)."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from flext_observability.domain.report import Notice
from flext_observability.engine.compat import prefer_stable_http
from flext_observability.instrumentation.asgi_messages import MessageSpans
from flext_observability.runtime.bounded_call import call_at_start
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.exceptions import describe_error
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

_logger: Final = logging.getLogger("flext_observability.instrumentation")
INSTRUMENT_SECONDS = 5.0
"""Limit of switching on one instrumentation."""
_GROUP: Final = "opentelemetry_instrumentor"


class _Instrumentor(Protocol):
    """The used part of OpenTelemetry's ``BaseInstrumentor``."""

    @property
    def is_instrumented_by_opentelemetry(self) -> bool: ...

    def instrument(self, *, raise_exception_on_conflict: bool) -> object: ...

    def uninstrument(self) -> object: ...


class _Active:
    """Instrumentations that ``instrument`` switched on. Only atomic calls of the table are used, without a lock."""

    def __init__(self) -> None:
        self.by_name: dict[str, _Instrumentor] = {}
        self.message_spans = MessageSpans()


def instrument(names: Iterable[str], *, asgi_message_spans: bool = False) -> tuple[Notice, ...]:
    """Switch on the instrumentation of each library, with the stable names of HTTP.

    Args:
        names: Names of OpenTelemetry instrumentations, such as ``starlette``, ``httpx``, ``grpc_client``; case, ``-``
            and ``_`` do not matter.
        asgi_message_spans: Whether ASGI instrumentations create a span for each message of a request.

    Returns:
        One notice for each failure, with the ``pip install`` line of a missing package.
    """
    notices = [_instrument_in_time(_normalize(name)) for name in names]
    if not asgi_message_spans:
        current_runtime().get(_Active).message_spans.exclude()
    return tuple(notice for notice in notices if notice is not None)


def any_active() -> bool:
    """Return whether ``instrument`` has switched on an instrumentation."""
    return bool(current_runtime().get(_Active).by_name)


def uninstrument() -> None:
    """Switch off the instrumentations of ``instrument``, last first. Those that the program switched on stay."""
    state = current_runtime().get(_Active)
    state.message_spans.restore()
    active = state.by_name
    for name in reversed(tuple(active)):
        try:
            active.pop(name).uninstrument()
        except BaseException as error:  # noqa: BLE001 - foreign code must not affect the others
            reraise_interrupt(error)
            log_warning(_logger, f"Instrumentation {name!r} cannot be switched off: {describe_error(error)}")


def _normalize(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _instrument_in_time(name: str) -> Notice | None:
    call = call_at_start(f"the instrumentation {name}", partial(_instrument, name), INSTRUMENT_SECONDS)
    if not call.done:
        return _degraded(f"Instrumentation {name!r} does not return", f"Upgrade it, or remove {name!r}")
    return call.value


def _instrument(name: str) -> Notice | None:
    if name == "logging":
        return Notice("logs", "Instrumentation 'logging' is not needed: records of logging are collected without it")
    from importlib.metadata import entry_points

    point = next((found for found in entry_points(group=_GROUP) if _normalize(found.name) == name), None)
    if point is None:
        package = f"opentelemetry-instrumentation-{name}"
        return _degraded(f"Instrumentation {name!r} is not installed", f"pip install {package}")
    try:
        return _activate(name, point)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        return _degraded(
            f"Instrumentation {name!r} cannot be loaded: the package {missing} is not installed",
            f"pip install {missing}, or remove {name!r}",
        )
    except BaseException as error:  # noqa: BLE001 - foreign code must not stop the start
        reraise_interrupt(error)
        return _from_error(name, error)


def _activate(name: str, point: EntryPoint) -> Notice | None:
    active = current_runtime().get(_Active).by_name
    instrumentor = cast("type[_Instrumentor]", point.load())()
    prefer_stable_http()
    if instrumentor.is_instrumented_by_opentelemetry:
        if name in active:
            return None
        return Notice("all", f"Instrumentation {name!r} is not changed: the program switched it on")
    instrumentor.instrument(raise_exception_on_conflict=True)
    active[name] = instrumentor
    return None


def _from_error(name: str, error: BaseException) -> Notice:
    """Return a notice. OpenTelemetry's ``DependencyConflictError`` means that the library is missing or too old."""
    conflict: object = getattr(error, "conflict", None)
    if conflict is None:
        return _degraded(f"Instrumentation {name!r} failed: {describe_error(error)}", f"Upgrade it, or remove {name!r}")
    required = _packages(conflict, "required") or [name]
    found = " and ".join(_packages(conflict, "found")) or "nothing"
    return _degraded(
        f"Instrumentation {name!r} needs {' or '.join(required)}: found {found}",
        f"pip install '{required[0]}', or remove {name!r}",
    )


def _packages(conflict: object, field: str) -> list[str]:
    """Return the requirements or versions of a field and of ``<field>_any``, without extras."""
    single: object = getattr(conflict, field, None)
    alternatives: Iterable[object] = getattr(conflict, f"{field}_any", None) or ()
    return [str(package).partition(";")[0].strip() for package in (single, *alternatives) if package]


def _degraded(message: str, fix: str) -> Notice:
    return Notice("traces", message, fix, degrades=True)
