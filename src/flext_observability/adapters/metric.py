"""FlextMetric, or a name and a value → call of an OTel instrument (API only, never the SDK)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, cast, final

from opentelemetry import metrics

from flext_observability.domain.report import Notice
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.runtime.runtime import current_runtime
from flext_observability.values.foreign import plain_text, type_name
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
"""Maximum number of reported conflicts; a program may generate names or units."""
CONFLICT_FIX = "Use one kind and unit for each name"
RecordFn = Callable[[float, "Attributes", "Context | None"], None]
"""``add``, ``set`` or ``record`` of an instrument."""

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
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)


class InstrumentIdentity(NamedTuple):
    """Name, kind and unit of an instrument.

    Attributes:
        name: Instrument name, as first given. Names are case-insensitive.
        kind: Kind of the instrument.
        unit: UCUM code.
    """

    name: str
    kind: InstrumentKind
    unit: str

    def __str__(self) -> str:
        """Return a description: ``counter "orders" in {order}``."""
        return f'{self.kind} "{self.name}" in {self.unit or "no unit"}'


@final
@dataclass(slots=True, eq=False)
class Conflict:
    """Two kinds or units for one name.

    Attributes:
        first: The instrument in use.
        second: The rejected instrument.
        discarded: Number of measurements of the rejected instrument.
    """

    first: InstrumentIdentity
    second: InstrumentIdentity
    discarded: int = 0

    def __str__(self) -> str:
        """Return a description of both instruments."""
        return f"{self.second} conflicts with {self.first}"


class InstrumentConflict(Exception):
    """The name is in use for another kind or unit.

    Attributes:
        conflict: Both instruments.
    """

    def __init__(self, conflict: Conflict) -> None:
        super().__init__(str(conflict))
        self.conflict = conflict


class _Instruments:
    """Our instruments by lower-case name (OTel's names are case-insensitive)."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.known: dict[str, tuple[InstrumentIdentity, RecordFn]] = {}
        self.conflicts: dict[InstrumentIdentity, Conflict] = {}
        self.discarded = 0


def instrument(
    name: str, kind: InstrumentKind, unit: str = "", *, description: str = "", bounds: Sequence[float] | None = None
) -> RecordFn:
    """Return the record function of an instrument, which is created on first use.

    Args:
        name: OTel instrument name.
        kind: Kind of the instrument.
        unit: Word or UCUM code; stored as UCUM.
        description: Description for people. The first one is used.
        bounds: Histogram bounds, ascending. Default: the bounds for the unit.

    Raises:
        InstrumentConflict: The name is in use for another kind or unit.
    """
    text = plain_text(name)
    if text is None:
        raise TypeError(f"the name is {type_name(name)}, not text")
    identity = InstrumentIdentity(text, kind, to_ucum(unit))
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        known = instruments.known.get(text.lower())
        if known is None:
            record_fn = _create(identity, description, bounds)
            instruments.known[text.lower()] = (identity, record_fn)
            return record_fn
        first, record_fn = known
        if (first.kind, first.unit) == (identity.kind, identity.unit):
            return record_fn
        conflict = instruments.conflicts.get(identity) or Conflict(first, identity)
        if len(instruments.conflicts) < MAX_CONFLICTS:
            instruments.conflicts[identity] = conflict
        raise InstrumentConflict(conflict)


def instrument_of(metric: FlextMetric, *, description: str = "") -> RecordFn:
    """Return the record function of an entity's instrument.

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


def name_of(record_fn: RecordFn) -> str:
    """Return the name of the instrument with this record function; empty for a function that discards."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        return next((identity.name for identity, known in instruments.known.values() if known is record_fn), "")


def record(metric: FlextMetric, record_fn: RecordFn) -> None:
    """Record the entity's value, with its tags as attributes."""
    record_fn(float(metric.value), metric.tags, None)


def discard(conflict: Conflict) -> None:
    """Count one measurement as dropped because of a conflict."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        conflict.discarded += 1
        instruments.discarded += 1


def discarded() -> int:
    """Return the number of measurements dropped because of conflicts."""
    return current_runtime().get(_Instruments).discarded


def conflicts() -> tuple[Conflict, ...]:
    """Return the first ``MAX_CONFLICTS`` conflicts, in order."""
    instruments = current_runtime().get(_Instruments)
    with instruments.lock:
        return tuple(instruments.conflicts.values())


def conflict_notices() -> tuple[Notice, ...]:
    """Return one notice for each conflict, with the number of dropped measurements."""
    return tuple(
        Notice("metrics", f"{conflict} (measurements dropped: {conflict.discarded})", CONFLICT_FIX)
        for conflict in conflicts()
    )


def histogram_bounds(unit: str) -> tuple[float, ...]:
    """Return histogram bounds for a UCUM unit. Unlisted units get the defaults of the specification.

    Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation
    """
    return _BOUNDS.get(unit, _STANDARD_BOUNDS)


def _create(identity: InstrumentIdentity, description: str, bounds: Sequence[float] | None) -> RecordFn:
    meter: Meter = metrics.get_meter(SCOPE_NAME)
    name, unit = identity.name, identity.unit
    if identity.kind == "counter":
        return meter.create_counter(name, unit, description).add
    if identity.kind == "up_down_counter":
        return meter.create_up_down_counter(name, unit, description).add
    if identity.kind == "gauge":
        return meter.create_gauge(name, unit, description).set
    chosen = histogram_bounds(unit) if bounds is None else bounds
    return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=chosen).record
