"""Instruments that a program holds: measurements → series of the engine, or an instrument of another provider.

An instrument stays the same object when the provider changes: ``point_to`` replaces its target. The methods that
record reach the series in their own frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from opentelemetry.metrics import Counter, Histogram, UpDownCounter

from flext_observability.engine.compat import Gauge
from flext_observability.engine.metrics.attributes import FORMAT, to_bytes
from flext_observability.engine.metrics.bound import Bound, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter
from flext_observability.engine.metrics.stream import MAX_NUMBER, NUMBERS, Stream

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

MISSES = (KeyError, ValueError, AttributeError, MemoryError)
"""Exceptions of the fast path: a new series, or attributes that are not plain."""


class EngineInstrument:
    """Base of the synchronous instruments: the target, and the bound handles, which follow it."""

    _method: ClassVar[str] = "add"
    _stream: Stream | None
    _forward: Callable[..., object] | None

    def _begin(self) -> None:
        self._handles: dict[int, ref[Bound]] = {}
        self._stream = self._forward = None

    @property
    def stream(self) -> Stream | None:
        """The series; None for an instrument of another provider."""
        return self._stream

    def point_to(self, target: object) -> None:
        """Replace the target: a stream, an instrument with one, or an instrument of another provider."""
        stream = target.stream if isinstance(target, EngineInstrument) else target
        if isinstance(stream, Stream):
            self._stream, self._forward = stream, None
        else:
            self._forward, self._stream = getattr(target, self._method), None
        for handle in [reference() for reference in list(self._handles.values())]:
            if handle is not None:
                handle.follow(self._stream)

    def record_any(self, value: float, attributes: Attributes, context: Context | None = None) -> None:
        """Record a value of any type with attributes of any type, the complete way."""
        stream, forward = self._stream, self._forward
        if stream is not None:
            stream.record(value, attributes, context)
        elif forward is not None:
            forward(value, attributes, context)

    def keep(self, handle: Bound) -> None:
        """Let a handle follow the target, for as long as it lives."""
        key, handles = id(handle), self._handles
        handles[key] = ref(handle, lambda _: handles.pop(key, None))
        handle.follow(self._stream)


class EngineCounter(EngineInstrument, Counter):
    """Counter."""

    def __init__(self, stream: Stream | None = None) -> None:
        self._begin()
        self._stream = stream

    def add(  # measured: benchmarks, counter with 3 attributes
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None:
        """Add a value. See OTel's ``Counter.add``."""
        stream = self._stream
        if stream is None or context is not None or type(amount) not in NUMBERS or not 0 <= amount <= MAX_NUMBER:
            self.record_any(amount, attributes, context)
            return
        try:
            series: Any = stream.bare if attributes is None else stream.cache[to_bytes(attributes, FORMAT)]
            values = series.values
        except MISSES:
            stream.record(amount, attributes)
            return
        values.append(amount)
        if len(values) > series.limit or stream.current():
            stream.after(series, amount, attributes)

    def bind(self, attributes: Attributes = None) -> BoundCounter:
        """Return a handle that adds with these attributes, the cheapest way. It follows changes of the provider."""
        handle = BoundCounter(self, attributes)
        self.keep(handle)
        return handle


class EngineUpDownCounter(EngineInstrument, UpDownCounter):
    """Up-down counter."""

    def __init__(self, stream: Stream | None = None) -> None:
        self._begin()
        self._stream = stream

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add a value. See OTel's ``UpDownCounter.add``."""
        stream = self._stream
        if (
            stream is None
            or context is not None
            or type(amount) not in NUMBERS
            or not -MAX_NUMBER <= amount <= MAX_NUMBER
        ):
            self.record_any(amount, attributes, context)
            return
        try:
            series: Any = stream.bare if attributes is None else stream.cache[to_bytes(attributes, FORMAT)]
            values = series.values
        except MISSES:
            stream.record(amount, attributes)
            return
        values.append(amount)
        if len(values) > series.limit or stream.current():
            stream.after(series, amount, attributes)

    def bind(self, attributes: Attributes = None) -> BoundUpDownCounter:
        """Return a handle that adds with these attributes, the cheapest way. It follows changes of the provider."""
        handle = BoundUpDownCounter(self, attributes)
        self.keep(handle)
        return handle


class EngineHistogram(EngineInstrument, Histogram):
    """Histogram."""

    _method: ClassVar[str] = "record"

    def __init__(self, stream: Stream | None = None) -> None:
        self._begin()
        self._stream = stream

    def record(  # measured: benchmarks, histogram with 3 attributes
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None:
        """Record a value. See OTel's ``Histogram.record``."""
        stream = self._stream
        if stream is None or context is not None or type(amount) not in NUMBERS or not 0 <= amount <= MAX_NUMBER:
            self.record_any(amount, attributes, context)
            return
        try:
            series: Any = stream.bare if attributes is None else stream.cache[to_bytes(attributes, FORMAT)]
            values = series.values
        except MISSES:
            stream.record(amount, attributes)
            return
        values.append(amount)
        if len(values) > series.limit or stream.current():
            stream.after(series, amount, attributes)

    def bind(self, attributes: Attributes = None) -> BoundHistogram:
        """Return a handle that records with these attributes, the cheapest way. It follows changes of the provider."""
        handle = BoundHistogram(self, attributes)
        self.keep(handle)
        return handle


class EngineGauge(EngineInstrument, Gauge):
    """Gauge."""

    _method: ClassVar[str] = "set"

    def __init__(self, stream: Stream | None = None) -> None:
        self._begin()
        self._stream = stream

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Set the value. See OTel's ``Gauge.set``."""
        stream = self._stream
        if (
            stream is None
            or context is not None
            or type(amount) not in NUMBERS
            or not -MAX_NUMBER <= amount <= MAX_NUMBER
        ):
            self.record_any(amount, attributes, context)
            return
        try:
            series: Any = stream.bare if attributes is None else stream.cache[to_bytes(attributes, FORMAT)]
            values = series.values
        except MISSES:
            stream.record(amount, attributes)
            return
        values.append(amount)
        if len(values) > series.limit or stream.current():
            stream.after(series, amount, attributes)

    def bind(self, attributes: Attributes = None) -> BoundGauge:
        """Return a handle that sets with these attributes, the cheapest way. It follows changes of the provider."""
        handle = BoundGauge(self, attributes)
        self.keep(handle)
        return handle
