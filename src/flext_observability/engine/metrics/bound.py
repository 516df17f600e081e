"""Instruments with fixed attributes: a measurement is appended to the values of its series, without any look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast, final

from flext_observability.engine.metrics.stream import MAX_NUMBER, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

    from flext_observability.engine.metrics.series import Series
    from flext_observability.engine.metrics.stream import Stream


class Recorder(Protocol):
    """The instrument of a handle."""

    def record_any(self, value: float, attributes: Attributes, context: Context | None = None) -> None:
        """Record a value the complete way."""
        ...


def _nothing() -> None:
    """Stand for the current context while there is no stream."""


class Bound:
    """Base of the bound handles. They follow their instrument to another provider.

    Args:
        instrument: The instrument.
        attributes: Attributes of all measurements. Later changes of the mapping have no effect.
    """

    __slots__ = (
        *("__weakref__", "_attributes", "_current", "_instrument", "_limit"),
        *("_scratch", "_series", "_stream", "_values"),
    )

    def __init__(self, instrument: Recorder, attributes: Attributes) -> None:
        self._instrument = instrument
        copied = cast("dict[str, Any]", attributes).copy() if type(attributes) is dict else attributes
        self._attributes: Attributes = copied
        self._stream: Stream | None = None
        self._series: Series | None = None
        self._scratch: list[Any] = []
        self._values = self._scratch
        self._limit = -1
        self._current: Callable[[], object] = _nothing

    def follow(self, stream: Stream | None) -> None:
        """Record in a stream, or with the instrument if there is none.

        Another thread may record meanwhile: each list is read, and beyond the limit ``_complete`` decides.
        """
        if stream is None:
            self._limit = -1
            self._stream = self._series = None
            self._values = self._scratch
            return
        series = stream.series(self._attributes)
        self._stream, self._series = stream, series
        self._values = series.values
        self._limit = series.limit
        self._current = stream.current

    def _complete(self, value: float) -> None:
        """Complete a measurement after its value was appended."""
        stream, series = self._stream, self._series
        if stream is not None and series is not None:
            stream.after(series, value, self._attributes)
        else:
            self._scratch.clear()
            self._instrument.record_any(value, self._attributes)


@final
class BoundCounter(Bound):
    """Counter with fixed attributes."""

    __slots__ = ()

    def add(self, amount: float) -> None:  # measured: benchmarks, bound counter
        """Add a value, 0 or more."""
        if type(amount) in NUMBERS and 0 <= amount <= MAX_NUMBER:
            values = self._values
            values.append(amount)
            if len(values) > self._limit or self._current():
                self._complete(amount)
        else:
            self._instrument.record_any(amount, self._attributes)


@final
class BoundUpDownCounter(Bound):
    """Up-down counter with fixed attributes."""

    __slots__ = ()

    def add(self, amount: float) -> None:
        """Add a value."""
        if type(amount) in NUMBERS and -MAX_NUMBER <= amount <= MAX_NUMBER:
            values = self._values
            values.append(amount)
            if len(values) > self._limit or self._current():
                self._complete(amount)
        else:
            self._instrument.record_any(amount, self._attributes)


@final
class BoundGauge(Bound):
    """Gauge with fixed attributes."""

    __slots__ = ()

    def set(self, amount: float) -> None:
        """Set the value."""
        if type(amount) in NUMBERS and -MAX_NUMBER <= amount <= MAX_NUMBER:
            values = self._values
            values.append(amount)
            if len(values) > self._limit or self._current():
                self._complete(amount)
        else:
            self._instrument.record_any(amount, self._attributes)


@final
class BoundHistogram(Bound):
    """Histogram with fixed attributes."""

    __slots__ = ()

    def record(self, amount: float) -> None:  # measured: benchmarks, bound histogram
        """Record a value, 0 or more."""
        if type(amount) in NUMBERS and 0 <= amount <= MAX_NUMBER:
            values = self._values
            values.append(amount)
            if len(values) > self._limit or self._current():
                self._complete(amount)
        else:
            self._instrument.record_any(amount, self._attributes)
