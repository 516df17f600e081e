"""FlextMetric, or a name and a value → OTel instrument call (API only, never the SDK)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, final

from opentelemetry import metrics

from flext_observability.domain.report import Notice
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.owner import current_runtime
from flext_observability.values.names import (
    FUNCTION_CALLS_DESCRIPTION,
    FUNCTION_CALLS_NAME,
    FUNCTION_CALLS_UNIT,
    FUNCTION_DURATION_NAME,
    SCOPE_NAME,
)
from flext_observability.values.units import to_ucum

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.util.types import Attributes

    from flext_observability.domain.metric import FlextMetric

InstrumentKind = Literal["counter", "up_down_counter", "gauge", "histogram"]
MAX_CONFLICTS = 100
"""Conflicts that are remembered: a program that makes up units or names is told so by the first ones."""
RecordFn = Callable[[float, "Attributes", "Context | None"], None]

_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_BOUNDS: Mapping[str, tuple[float, ...]] = {
    "s": _SECONDS,
    "ms": tuple(round(bound * 1e3, 6) for bound in _SECONDS),
    "us": tuple(round(bound * 1e6, 6) for bound in _SECONDS),
    "By": tuple(float(4**power) for power in range(3, 17)),
    "1": (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
}
_STANDARD_BOUNDS = (
    0.0,
    5.0,
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1000.0,
    2500.0,
    5000.0,
    7500.0,
    10000.0,
)


class InstrumentIdentity(NamedTuple):
    """What one metric name stands for in this process.

    Attributes:
        name: As given first; names are the same in any case.
        kind: Of the instrument.
        unit: UCUM.
    """

    name: str
    kind: InstrumentKind
    unit: str

    def __str__(self) -> str:
        """Say it in words: ``counter "orders" in {order}``."""
        return f'{self.kind} "{self.name}" in {self.unit or "no unit"}'


@final
class Conflict:
    """A second definition under a name that is taken, and how many measurements were given up because of it."""

    __slots__ = ("discarded", "first", "second")

    def __init__(self, first: InstrumentIdentity, second: InstrumentIdentity) -> None:
        self.first = first
        self.second = second
        self.discarded = 0

    def __str__(self) -> str:
        """Name both definitions."""
        return f"{self.second} conflicts with {self.first}"


class InstrumentConflict(Exception):
    """A name is in use for another kind or unit.

    Attributes:
        conflict: Both definitions.
    """

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(f"{conflict}: use another name, or the same kind and unit")
        self.conflict = conflict


class _Instruments:
    """Every instrument made here, by lower-case name: OTel's names are the same in any case."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.known: dict[str, tuple[InstrumentIdentity, RecordFn]] = {}
        self.conflicts: dict[InstrumentIdentity, Conflict] = {}
        self.discarded = 0


def instrument(
    name: str,
    kind: InstrumentKind,
    unit: str = "",
    *,
    description: str = "",
    bounds: Sequence[float] | None = None,
) -> RecordFn:
    """Return the writing call of the instrument with this name; the same call for the same definition.

    Args:
        name: OTel instrument name.
        kind: Of the instrument.
        unit: In words or UCUM; kept as UCUM.
        description: For people; the first one given stays.
        bounds: Histogram bounds, ascending; by default those of the unit.

    Raises:
        InstrumentConflict: The name is in use for another kind or unit.
    """
    asked = InstrumentIdentity(name, kind, to_ucum(unit))
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        known = instruments.known.get(name.lower())
        if known is None:
            write = _make(asked, description, bounds)
            instruments.known[name.lower()] = (asked, write)
            return write
        first, write = known
        if (first.kind, first.unit) == (asked.kind, asked.unit):
            return write
        conflict = instruments.conflicts.get(asked) or Conflict(first, asked)
        if len(instruments.conflicts) < MAX_CONFLICTS:
            instruments.conflicts[asked] = conflict
        raise InstrumentConflict(conflict)


def instrument_of(metric: FlextMetric, *, description: str = "") -> RecordFn:
    """Return the writing call of an entity's instrument.

    Raises:
        InstrumentConflict: The name is in use for another kind or unit.
    """
    return instrument(metric.name, cast("InstrumentKind", metric.metric_type), metric.unit, description=description)


def function_call_instruments() -> tuple[RecordFn, RecordFn]:
    """Return the histogram (durations, in seconds) and the counter of monitored function calls.

    Raises:
        InstrumentConflict: One of the names is in use for another kind or unit.
    """
    return (
        instrument(FUNCTION_DURATION_NAME, "histogram", "s", description="Duration of monitored functions"),
        instrument(FUNCTION_CALLS_NAME, "counter", FUNCTION_CALLS_UNIT, description=FUNCTION_CALLS_DESCRIPTION),
    )


def name_of(write: RecordFn) -> str:
    """Return the name of the instrument with this writing call; empty when there is none, as for a call that discards."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        return next((definition.name for definition, known in instruments.known.values() if known is write), "")


def record(metric: FlextMetric, write: RecordFn) -> None:
    """Record the entity's value, tags as attributes, with its instrument's call."""
    write(float(metric.value), metric.tags, None)


def discard(conflict: Conflict) -> None:
    """Count one measurement given up because of a conflict."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        conflict.discarded += 1
        instruments.discarded += 1


def discarded() -> int:
    """Return how many measurements this process has given up because of conflicts."""
    return current_runtime().get(_Instruments).discarded


def conflicts() -> tuple[Conflict, ...]:
    """Return the first ``MAX_CONFLICTS`` conflicts met in this process, in order."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        return tuple(instruments.conflicts.values())


def conflict_notices() -> tuple[Notice, ...]:
    """Return one notice for each conflict: both definitions, and how many measurements were discarded."""
    return tuple(
        Notice(
            "metrics",
            f"{conflict} (measurements discarded: {conflict.discarded})",
            "Use one kind and unit for each name",
        )
        for conflict in conflicts()
    )


def histogram_bounds(unit: str) -> tuple[float, ...]:
    """Return histogram bounds that resolve usual values of a UCUM unit.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation (units not listed).
    """
    return _BOUNDS.get(unit, _STANDARD_BOUNDS)


def _make(definition: InstrumentIdentity, description: str, bounds: Sequence[float] | None) -> RecordFn:
    meter: Meter = metrics.get_meter(SCOPE_NAME)
    name, unit = definition.name, definition.unit
    if definition.kind == "counter":
        return meter.create_counter(name, unit, description).add
    if definition.kind == "up_down_counter":
        return meter.create_up_down_counter(name, unit, description).add
    if definition.kind == "gauge":
        return meter.create_gauge(name, unit, description).set
    chosen = histogram_bounds(unit) if bounds is None else bounds
    return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=chosen).record
