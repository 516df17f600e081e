"""Names of libraries → OpenTelemetry's own instrumentations of them, switched on and off (API only)."""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol, cast

from flext_observability.domain.report import Notice
from flext_observability.runtime.internal_log import log_warning
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.owner import current_runtime
from flext_observability.values.exceptions import describe_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

_LOG: Final = logging.getLogger("flext_observability.instrumentation")
_GROUP: Final = "opentelemetry_instrumentor"


class _Instrumentor(Protocol):
    """What OpenTelemetry's ``BaseInstrumentor`` offers."""

    @property
    def is_instrumented_by_opentelemetry(self) -> bool: ...

    def instrument(self, *, raise_exception_on_conflict: bool) -> object: ...

    def uninstrument(self) -> object: ...


class _Active:
    """Instrumentations that ``instrument`` switched on."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.by_name: dict[str, _Instrumentor] = {}


def instrument(names: Iterable[str]) -> tuple[Notice, ...]:
    """Switch on the instrumentation of each library.

    Args:
        names: Names of OpenTelemetry instrumentations, such as ``starlette``, ``httpx``, ``grpc_client``; case, ``-`` and ``_`` do not
            matter.

    Returns:
        One notice for each that could not be switched on: what is missing and the ``pip install`` line, or why it failed.
    """
    with current_runtime().get(_Active).lock:
        notices = [_instrument(_plain(name)) for name in names]
    return tuple(notice for notice in notices if notice is not None)


def uninstrument() -> None:
    """Switch off what ``instrument`` switched on, last first; what the program switched on by itself stays."""
    active = current_runtime().get(_Active)
    with active.lock:
        while active.by_name:
            name, instrumentor = active.by_name.popitem()
            try:
                instrumentor.uninstrument()
            except Exception as error:  # noqa: BLE001 - foreign code must not stop the others, nor the host
                log_warning(_LOG, f"The instrumentation {name!r} could not be switched off: {describe_error(error)}")


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _instrument(name: str) -> Notice | None:
    if name == "logging":
        return Notice("logs", "Standard-library logging is recorded already, without the instrumentation 'logging'")
    point = next((found for found in entry_points(group=_GROUP) if _plain(found.name) == name), None)
    if point is None:
        package = f"opentelemetry-instrumentation-{name}"
        return _failed(f"No instrumentation named {name!r} is installed", f"pip install {package}")
    try:
        return _activate(name, point)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        return _failed(
            f"The instrumentation {name!r} needs the package {missing!r}, which is not installed",
            f"pip install {missing}, or leave {name!r} out",
        )
    except Exception as error:  # noqa: BLE001 - foreign code must not stop the start
        return _explain(name, error)


def _activate(name: str, point: EntryPoint) -> Notice | None:
    active = current_runtime().get(_Active).by_name
    instrumentor = cast("type[_Instrumentor]", point.load())()
    if instrumentor.is_instrumented_by_opentelemetry:
        if name in active:
            return None
        return Notice("all", f"The program has switched on the instrumentation {name!r} itself; it is left as it is")
    instrumentor.instrument(raise_exception_on_conflict=True)
    active[name] = instrumentor
    return None


def _explain(name: str, error: Exception) -> Notice:
    """Read OpenTelemetry's ``DependencyConflictError``: the library is missing or too old; anything else is a plain failure."""
    conflict: object = getattr(error, "conflict", None)
    if conflict is None:
        return _failed(
            f"The instrumentation {name!r} failed: {describe_error(error)}", f"Upgrade it, or leave {name!r} out"
        )
    wanted = _packages(conflict, "required") or [name]
    found = " and ".join(_packages(conflict, "found")) or "nothing"
    return _failed(
        f"The instrumentation {name!r} needs the package {' or '.join(wanted)}; found: {found}",
        f"pip install '{wanted[0]}', or leave {name!r} out",
    )


def _packages(conflict: object, field: str) -> list[str]:
    """Return the requirements or versions in a field and its twin for alternatives, without the name of the extra."""
    one: object = getattr(conflict, field, None)
    several: Iterable[object] = getattr(conflict, f"{field}_any", None) or ()
    return [str(package).partition(";")[0].strip() for package in (one, *several) if package]


def _failed(message: str, fix: str) -> Notice:
    return Notice("traces", message, fix, degrades=True)
