"""Instruments for hot paths: value and attributes → measurement. Their methods never raise (OTel API only)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Self, final

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_attributes
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from flext_observability.adapters.instrument_table import RecordFn

_MAX = (1 << 63) - 1
_NUMBERS = frozenset((int, float))


class _Instrument:
    """Base of the instruments: a recording function of OpenTelemetry, and bound attributes."""

    __slots__ = ("_bound", "_record_fn")

    _min: ClassVar[float] = -_MAX

    def __init__(self, record_fn: RecordFn, bound: Attributes = None) -> None:
        self._record_fn = record_fn
        self._bound = bound

    def bind(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """Return an instrument that adds these attributes to every measurement.

        Args:
            attributes: Values of any type by name, encoded once.
            more: Further attributes. They take precedence.
        """
        return type(self)(self._record_fn, self._with({**encode_attributes(attributes), **more}))

    def _record(self, value: float, attributes: Mapping[str, object] | None) -> None:
        try:
            if type(value) not in _NUMBERS or not self._min <= value <= _MAX:
                value = self._validate(value)
            self._record_fn(value, self._with(attributes) if attributes else self._bound, None)
        except BaseException as error:  # noqa: BLE001 - a measurement must not break the program
            reraise_interrupt(error)
            name = instrument_table().name_of(self._record_fn) or "of an unknown instrument"
            report_once(f"Measuring with {type(self).__name__} {name}", error)

    def _with(self, attributes: Mapping[str, object]) -> Attributes:
        encoded = encode_attributes(attributes)
        return {**self._bound, **encoded} if self._bound else encoded

    def _validate(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise TypeError(f"{type(value).__name__} is not an int, float or Decimal")
        number = float(value)
        if not isfinite(number) or (self._min == 0 and number < 0):
            allowed = "a finite number of 0 or more" if self._min == 0 else "a finite number"
            raise ValueError(f"{number} is not {allowed}")
        return number


@final
class Counter(_Instrument):
    """Monotonic sum."""

    __slots__ = ()
    _min: ClassVar[float] = 0

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add a finite value, 0 or more. Others are dropped and logged once."""
        self._record(value, attributes)


@final
class UpDownCounter(_Instrument):
    """Sum that may decrease."""

    __slots__ = ()

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add a finite value. Others are dropped and logged once."""
        self._record(value, attributes)


@final
class Gauge(_Instrument):
    """Latest value."""

    __slots__ = ()

    def set(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Set a finite value. Others are dropped and logged once."""
        self._record(value, attributes)


@final
class Histogram(_Instrument):
    """Distribution of values."""

    __slots__ = ()
    _min: ClassVar[float] = 0

    def record(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Record a finite value, 0 or more. Others are dropped and logged once."""
        self._record(value, attributes)
