"""Calls every public callable with hostile arguments, and collects the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from traceback import extract_tb
from types import CoroutineType, FunctionType
from typing import Any

from pydantic import ValidationError

from flext_observability import FlextObservabilityError, FlextResult, Observability, OpsServer, PendingResult
from flext_observability.decorators.traced import SpanTemplate
from flext_observability.domain.entity import Entity
from tests.hostility.limits import NeverEnds, bounded
from tests.hostility.objects import Make
from tests.hostility.subjects import Subject, public_attributes

STRIDE = 24
MANY_PARAMETERS = 20  # a class of settings, whose parameters are only stored
CORE = (
    *("everything raises", "raises at __class__", "raises at __bool__", "raises at __eq__", "raises at __hash__"),
    *("raises at __len__", "raises at __iter__", "raises at __str__", "raises at __repr__", "raises at __lt__"),
    *("raises at __getattr__", "raises at __call__", "function, raises at __qualname__"),
    *("function, raises at __doc__", "function, raises at __dict__", "SystemExit at __class__", "Custom at __bool__"),
    *("CancelledError at __eq__", "NamelessError at __str__", "str, raises at all", "int, raises at all"),
    *("float, raises at all", "dict, raises at all", "list, raises at all", "LocalProxy", "LazyText", "array"),
    *("dead proxy", "endless iterator", "endless mapping", "endless dict", "endless attributes", "lying mapping"),
    *("negative length", "dict in itself", "MagicMock", "Mock of a metric", "list of hostile", "mapping to hostile"),
    *("returns hostile", "exits when called", "unreadable when called", "claims to be str", "claims to be FlextMetric"),
    *("None", "minus one", "nan", "huge int", "surrogate", "object", "nameless"),
)
RUNNING = (Observability, OpsServer)
"""Context managers that stay open, because leaving them would end telemetry."""
RUNS_PROGRAM = ("map", "flat_map", "map_error", "or_else", "tap")
"""Methods of a result, which call a function of the program. Its exceptions propagate."""


@dataclass
class Driver:
    """Counts of calls, and faults by place.

    Attributes:
        objects: Hostile objects by name.
        all_objects: Whether each argument gets all of them, rather than ``CORE`` and some others.
        restore: Called after each call.
        calls: Number of calls.
        faults: Calls that raised or did not end, by the line of the library.
    """

    objects: Mapping[str, Make]
    all_objects: bool = False
    restore: Callable[[], object] = tuple
    calls: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def drive(self, subject: Subject) -> None:
        """Call with each object as each argument, and with core objects as all arguments."""
        few = len(subject.parameters) > MANY_PARAMETERS
        for parameter in subject.parameters:
            for name, make in self._core(stop=8) if few else self._selected():
                self.attempt(subject, name, {parameter: make})
        for name, make in self._core() if len(subject.parameters) > 1 else ():
            self.attempt(subject, name, dict.fromkeys(subject.parameters, make))
        if not subject.parameters:
            self.attempt(subject, "no argument", {})

    def drive_one_in(self, step: int, start: int, subject: Subject) -> None:
        """Call with a share of the objects as the only argument."""
        for name, make in list(self.objects.items()) if self.all_objects else self._core(start % step, step=step):
            self.attempt(subject, name, dict.fromkeys(subject.parameters, make))

    def drive_instances(self, subject: Subject, subjects: Mapping[str, Subject]) -> None:
        """Create instances with a hostile argument, and call their methods with valid ones."""
        for number, parameter in enumerate(subject.parameters):
            for name, make in self._core() if self.all_objects else self._core(number % 3, step=3):
                with suppress(BaseException):  # a fault of the constructor is found by ``drive``
                    instance = subject.call(**{parameter: make()})
                    self._drive_methods(instance, subject.label, subjects, f"{name} as {parameter}")
                    use(instance)

    def attempt(self, subject: Subject, name: str, hostile: Mapping[str, Make]) -> None:
        """Make one call in its own context, and use its result."""
        self.calls += 1
        arguments = {parameter: make() for parameter, make in hostile.items()}
        try:
            with bounded():
                copy_context().run(lambda: _call(subject, arguments))
        except BaseException as error:  # noqa: BLE001 - the fault that is searched for
            if not allowed(subject, error, arguments):
                self._report(f"{subject.label}({', '.join(hostile)})", name, error)
        self.restore()

    def _drive_methods(self, instance: object, label: str, subjects: Mapping[str, Subject], name: str) -> None:
        try:
            attributes = list(public_attributes(instance))
        except BaseException as error:  # noqa: BLE001 - the fault that is searched for
            self._report(f"a property of {label}", name, error)
            return
        for method, value in attributes:
            known = subjects.get(f"{label}.{method}")
            if known is not None and callable(value):
                self.attempt(replace(known, label=f"({name}) {known.label}", function=value), "valid arguments", {})

    def _core(self, start: int = 0, stop: int | None = None, step: int = 1) -> list[tuple[str, Make]]:
        return [(name, self.objects[name]) for name in CORE[start:stop:step]]

    def _selected(self) -> Iterator[tuple[str, Make]]:
        for index, (name, make) in enumerate(self.objects.items()):
            if self.all_objects or name in CORE or (index + self.calls) % STRIDE == 0:
                yield name, make

    def _report(self, place: str, name: str, error: BaseException) -> None:
        frames = [frame for frame in extract_tb(error.__traceback__) if "/src/flext_observability/" in frame.filename]
        line = f"{frames[-1].filename.rpartition('/src/')[2]}:{frames[-1].lineno}" if frames else "outside the library"
        line = str(error) if isinstance(error, NeverEnds) else line
        self.faults.setdefault(line, []).append(f"{place} with {name}: {type.__repr__(type(error))}")


def _call(subject: Subject, arguments: Mapping[str, object]) -> None:
    result = subject.call(**arguments)
    if not any(result is argument for argument in arguments.values()):
        use(result)


def use(value: Any) -> None:
    """Use a result as programs do: read a result, enter a context manager, call a decorator, await a coroutine."""
    kind = type(value)
    if kind is PendingResult or kind is CoroutineType:
        asyncio.run(_wait(value))
    elif issubclass(kind, FlextResult):
        _read(value)
    elif kind is SpanTemplate or (kind is FunctionType and value.__name__ == "decorator"):
        assert value(lambda: 5)() == 5
    if hasattr(kind, "__exit__") and kind not in RUNNING:
        with value:
            pass


async def _wait(value: Any) -> None:
    await value


def _read(result: FlextResult[Any]) -> None:
    assert isinstance(result.error, str | None)
    assert isinstance(result.message, str | None)
    assert isinstance(result.success, bool)
    if type(result.data) is OpsServer:
        result.data.stop()


def allowed(subject: Subject, error: BaseException, arguments: Mapping[str, object]) -> bool:
    """Return whether the documentation allows this exception."""
    method = subject.label.rpartition(".")[2]
    if method == "unwrap":
        return type(error) is FlextObservabilityError
    if subject.owner is not None and issubclass(subject.owner, Entity):
        return type(error) is ValidationError
    return method in RUNS_PROGRAM and "fn" in arguments
