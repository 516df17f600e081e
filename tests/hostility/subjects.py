"""Every public callable, found from the public names and from what the callables return."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any, cast

import flext_observability as root
from flext_observability import FlextObservabilityError, FlextResult, PendingResult, get_observability
from tests.hostility.arguments import call, parameters_of, valid_arguments

PACKAGE = "flext_observability"
SPECIAL = ("__call__", "__bool__")
ENDING = ("close", "stop", "disconnect")  # callables that end their object, which are driven last
EXCLUDED: Mapping[str, str] = {
    "FlextObservabilityTypes": "type aliases",
    "FlextObservabilityProtocols": "protocols, which programs implement",
    "OpsServer": "programs get it from start_ops_server",
    **dict.fromkeys(("Counter", "Gauge", "Histogram", "UpDownCounter"), "programs get it from the metrics service"),
    **dict.fromkeys(("FlushReport", "ShutdownReport", "SignalStatus"), "programs get it from the handle"),
    **dict.fromkeys(("ops_asgi_app()", "ops_wsgi_app()"), "the server calls it; driven over HTTP"),
    **{f"{name}.follow": "the engine calls it" for name in ("Counter", "Gauge", "Histogram", "UpDownCounter")},
    "EngineSpan.set_links": "the tracer calls it",
    "EngineSpan.to_json": "it raises as the SDK's does",
    "MemoryStore.add": "the exporter calls it",
    "MetricsCriteria.select": "a storage adapter calls it, with all its entities",
    "Observability": "programs get it from init_observability",
    "FlextStructuredLogger": "programs get it from get_logger",
    "TraceContextFormatter": "its constructor raises as logging.Formatter does",
    "Observability.shutdown": "driven by the test of start and shutdown",
    "shutdown_observability": "driven by the test of start and shutdown",
    "SpanTemplate.begin": "the decorators call it",
    "init_observability": "driven by the test of start and shutdown",
}


@dataclass(frozen=True)
class Subject:
    """One callable with valid arguments.

    Attributes:
        label: Name, such as ``FlextAlertService.create``.
        function: The callable.
        parameters: Its parameters.
        valid: Functions that make valid arguments.
        owner: The class of a constructor, otherwise None.
    """

    label: str
    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    valid: Mapping[str, Callable[[], object]]
    owner: type | None = None

    def call(self, **hostile: object) -> Any:
        """Call with valid arguments, except for these."""
        given = {name: make() for name, make in self.valid.items() if name not in hostile}
        return call(self.function, self.parameters, {**given, **hostile})


@dataclass
class Discovery:
    """Public callables found so far, and the types whose methods are among them."""

    subjects: dict[str, Subject] = field(default_factory=dict[str, Subject])
    types: dict[type, object] = field(default_factory=dict[type, object])
    problems: list[str] = field(default_factory=list[str])

    def run(self) -> Discovery:
        """Find all callables."""
        for name in root.__all__:
            self._add_public(name, getattr(root, name))
        self._add_instance("Observability", get_observability().unwrap())
        for result in (FlextResult.ok(1), FlextResult[int].fail("message", fix="fix")):
            self._add_methods(f"FlextResult {'success' if result.success else 'failure'}", result)
        ending = [label for label in self.subjects if label.rpartition(".")[2] in ENDING]
        self.subjects |= {label: self.subjects.pop(label) for label in ending}
        return self

    def _add_public(self, name: str, value: object) -> None:
        if not isinstance(value, type):
            self._add(name, cast("Callable[..., Any]", value))
        elif getattr(value, "_is_protocol", False):
            return  # programs implement it
        elif name in EXCLUDED:
            return
        else:
            self._add(name, value, owner=value)

    def _add(self, label: str, function: Callable[..., Any], owner: type | None = None) -> None:
        if label in self.subjects or label in EXCLUDED:
            return
        parameters = parameters_of(function)
        try:
            valid = valid_arguments(label, parameters)
        except LookupError as error:
            self.problems.append(str(error))
            return
        subject = self.subjects[label] = Subject(label, function, parameters, valid, owner)
        if label.rpartition(".")[2] in ENDING:
            return
        try:
            results = returned(subject.call())
        except FlextObservabilityError:  # ``unwrap`` of a failure
            return
        except Exception as error:  # noqa: BLE001 - reported together
            self.problems.append(f"{label} raises with valid arguments: {error!r}")
            return
        for result in results:
            self._add_result(label, result)

    def _add_result(self, label: str, result: object) -> None:
        if inspect.isfunction(result) and result.__module__.startswith(PACKAGE):
            self._add(f"{label}()", result)
        else:
            self._add_instance(type(result).__name__, result)

    def _add_instance(self, label: str, instance: object) -> None:
        kind = type(instance)
        if kind in self.types or not kind.__module__.startswith(PACKAGE) or isinstance(instance, FlextResult):
            return
        self.types[kind] = instance
        self._add_methods(label, instance)

    def _add_methods(self, label: str, instance: object) -> None:
        for name, value in public_attributes(instance):
            if callable(value):
                self._add(f"{label}.{name}", cast("Callable[..., Any]", value))
            else:
                for result in returned(value):
                    self._add_result(f"{label}.{name}", result)


def public_attributes(instance: object) -> Iterator[tuple[str, object]]:
    """Yield the methods and property values that our classes define."""
    owners: dict[str, type] = {}
    for owner in reversed(type(instance).__mro__):
        owners |= dict.fromkeys(vars(owner), owner)
    for name, owner in owners.items():
        shown = not name.startswith("_") or name in SPECIAL
        if shown and owner.__module__.startswith(PACKAGE) and name != "model_post_init":
            value = getattr(instance, name)
            if not issubclass(type(value), type):
                yield name, value


def returned(value: object) -> list[object]:
    """Return the objects in a result, a tuple or a list. A coroutine is closed, and a pending result done."""
    if isinstance(value, PendingResult):
        return returned(asyncio.run(_wait(cast("PendingResult[object]", value))))
    if inspect.iscoroutine(value):
        value.close()
        return []
    if isinstance(value, FlextResult):
        return returned(cast("FlextResult[object]", value).data)
    if isinstance(value, tuple | list):
        return list(cast("list[object]", value))[:1]
    return [value]


async def _wait(result: PendingResult[object]) -> FlextResult[object]:
    return await result


def discover() -> Discovery:
    """Return every public callable. Telemetry must be started."""
    return Discovery().run()
