"""Instruments for hot paths: value and attributes → measurement. Their methods never raise (OTel API only)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

from flext_observability.adapters.instrument_table import instrument_table
from flext_observability.engine.metrics.attributes import FORMAT, to_bytes
from flext_observability.engine.metrics.bound import Bound
from flext_observability.engine.metrics.instruments import MISSES, EngineInstrument
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_attributes
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from flext_observability.adapters.instrument_table import RecordFn
    from flext_observability.engine.metrics.stream import Stream

_MAX = (1 << 63) - 1
_NUMBERS = frozenset((int, float))


class _Instrument(Bound):
    """Base of the instruments: a recording function of OpenTelemetry, and bound attributes.

    With bound attributes it holds the series itself, if the instrument is one of the engine; without, the stream,
    in which it finds the series of plain attributes by their bytes.
    """

    __slots__ = ("_record_fn", "_unbound")

    _min: ClassVar[float] = -_MAX

    def __init__(self, record_fn: RecordFn, bound: Attributes = None) -> None:
        instrument: Any = getattr(record_fn, "__self__", None)
        super().__init__(instrument, bound)
        self._record_fn = record_fn
        self._unbound: Any = None
        if isinstance(instrument, EngineInstrument):
            instrument.keep(self)

    def follow(self, stream: Stream | None) -> None:
        """Record in a stream, or with the instrument if there is none."""
        if self._attributes:
            super().follow(stream)
        else:
            self._current = stream.current if stream is not None else self._current
            self._unbound = stream

    def bind(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """Return an instrument that adds these attributes to every measurement, at a lower cost for each.

        Args:
            attributes: Values of any type by name, encoded once.
            more: Further attributes. They take precedence.
        """
        return type(self)(self._record_fn, self._with({**encode_attributes(attributes), **more}))

    def _record(self, value: float, attributes: Mapping[str, object] | None) -> None:
        try:
            if type(value) not in _NUMBERS or not self._min <= value <= _MAX:
                value = self._validate(value)
            self._record_fn(value, self._with(attributes) if attributes else self._attributes, None)
            if attributes and (stream := self._unbound) is not None:
                stream.remember_encoded(attributes, partial(encode_attributes, attributes))
        except BaseException as error:  # noqa: BLE001 - a measurement must not break the program
            reraise_interrupt(error)
            name = instrument_table().name_of(self._record_fn) or "of an unknown instrument"
            report_once(f"Measuring with {type(self).__name__} {name}", error)

    def _complete(self, value: float) -> None:
        """Complete a measurement whose value was appended to the values of the series, if there is one."""
        if self._series is None:
            self._scratch.clear()
            self._record(value, None)
        else:
            super()._complete(value)

    def _record_with(self, value: float, attributes: Mapping[str, object]) -> None:
        """Record a valid value with attributes of this measurement."""
        stream = self._unbound
        try:
            series = stream.encoded[to_bytes(attributes, FORMAT)]
            values = series.values
        except MISSES:
            self._record(value, attributes)
            return
        values.append(value)
        if len(values) > series.limit or self._current():
            stream.after(series, value, attributes)

    def _with(self, attributes: Mapping[str, object]) -> Attributes:
        encoded = encode_attributes(attributes)
        return {**self._attributes, **encoded} if self._attributes else encoded

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
    """Sum that only increases, from ``observability.metrics.counter(…)``."""

    __slots__ = ()
    _min: ClassVar[float] = 0

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add to the sum. Never raises.

        Args:
            value: int, float or Decimal, in the unit of the instrument; finite, 0 or more. Others are dropped, and
                logged once.
            attributes: Values of any type by name. None: those of ``bind`` alone.
        """
        if type(value) not in _NUMBERS or not 0 <= value <= _MAX:
            self._record(value, attributes)
        elif attributes is None:
            values = self._values
            values.append(value)
            if len(values) > self._limit or self._current():
                self._complete(value)
        else:
            self._record_with(value, attributes)


@final
class UpDownCounter(_Instrument):
    """Sum that may decrease, from ``observability.metrics.up_down_counter(…)``."""

    __slots__ = ()

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add to the sum. Never raises.

        Args:
            value: int, float or Decimal, in the unit of the instrument; finite. Others are dropped and logged once.
            attributes: Values of any type by name. None: those of ``bind`` alone.
        """
        if type(value) not in _NUMBERS or not -_MAX <= value <= _MAX:
            self._record(value, attributes)
        elif attributes is None:
            values = self._values
            values.append(value)
            if len(values) > self._limit or self._current():
                self._complete(value)
        else:
            self._record_with(value, attributes)


@final
class Gauge(_Instrument):
    """Latest value, from ``observability.metrics.gauge(…)``."""

    __slots__ = ()

    def set(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Set the value. Never raises.

        Args:
            value: int, float or Decimal, in the unit of the instrument; finite. Others are dropped and logged once.
            attributes: Values of any type by name. None: those of ``bind`` alone.
        """
        if type(value) not in _NUMBERS or not -_MAX <= value <= _MAX:
            self._record(value, attributes)
        elif attributes is None:
            values = self._values
            values.append(value)
            if len(values) > self._limit or self._current():
                self._complete(value)
        else:
            self._record_with(value, attributes)


@final
class Histogram(_Instrument):
    """Distribution of values, from ``observability.metrics.histogram(…)``."""

    __slots__ = ()
    _min: ClassVar[float] = 0

    def record(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Record a value. Never raises.

        Args:
            value: int, float or Decimal, in the unit of the instrument; finite, 0 or more. Others are dropped, and
                logged once.
            attributes: Values of any type by name. None: those of ``bind`` alone.
        """
        if type(value) not in _NUMBERS or not 0 <= value <= _MAX:
            self._record(value, attributes)
        elif attributes is None:
            values = self._values
            values.append(value)
            if len(values) > self._limit or self._current():
                self._complete(value)
        else:
            self._record_with(value, attributes)
