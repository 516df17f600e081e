"""FlextMetric, or a name and a value → call of an OTel instrument (API only, never the SDK)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from opentelemetry import metrics

from flext_observability.adapters.instrument_table import InstrumentIdentity, InstrumentKind, RecordFn, instrument_table
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
    from opentelemetry.metrics import Meter

    from flext_observability.domain.metric import FlextMetric

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
        RefusedInstrument: The name is in use for another kind or unit, or there are too many names.
    """
    text = plain_text(name)
    if text is None:
        raise TypeError(f"the name is {type_name(name)}, not text")
    identity = InstrumentIdentity(text, kind, to_ucum(unit))
    return instrument_table().get_or_create(identity, partial(_create, identity, description, bounds))


def instrument_of(metric: FlextMetric, *, description: str = "") -> RecordFn:
    """Return the record function of an entity's instrument.

    Raises:
        RefusedInstrument: The name is in use for another kind or unit, or there are too many names.
    """
    table, name, kind, unit = instrument_table(), metric.name, metric.metric_type, metric.unit
    record_fn = table.find(name, kind, unit)
    if record_fn is None:
        record_fn = instrument(name, cast("InstrumentKind", kind), unit, description=description)
        table.remember(name, kind, unit, record_fn)
    return record_fn


def function_call_instruments() -> tuple[RecordFn, RecordFn]:
    """Return the histogram (durations, in seconds) and the counter of monitored function calls.

    Raises:
        RefusedInstrument: One of the names is in use for another kind or unit.
    """
    return (
        instrument(FUNCTION_DURATION_NAME, "histogram", "s", description="Duration of monitored functions"),
        instrument(FUNCTION_CALLS_NAME, "counter", FUNCTION_CALLS_UNIT, description=FUNCTION_CALLS_DESCRIPTION),
    )


def record(metric: FlextMetric, record_fn: RecordFn) -> None:
    """Record the entity's value, with its tags as attributes."""
    record_fn(float(metric.value), metric.tags, None)


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
