"""Measurements of one instrument → its series by attributes, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from logging import getLogger
from operator import index
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final

from flext_observability.engine.metrics.attributes import FORMAT, clean, is_plain, series_key, to_bytes
from flext_observability.engine.metrics.limits import metric_limits
from flext_observability.engine.metrics.series import (
    FEW_VALUES,
    MANY_SERIES,
    MAX_VALUES,
    BucketSeries,
    ExponentialSeries,
    GaugeSeries,
    Series,
    SumSeries,
)
from flext_observability.runtime.internal_log import report_once, warn_once
from flext_observability.values.interrupts import reraise_interrupt
from flext_observability.values.named_tuple import NamedTuple

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from flext_observability.engine.metrics.attributes import Clean, Key
    from flext_observability.engine.metrics.exemplars import ExemplarFilter

_logger: Final = getLogger("opentelemetry.sdk.metrics")
Kind = Literal["counter", "up_down_counter", "gauge", "histogram"]
MAX_ORDERS: Final = 4
"""Number of orders of the attributes of a series that ``cache`` has room for, on average."""
OVERFLOW: Final[Clean] = {"otel.metric.overflow": True}
MAX_NUMBER: Final = 1.7976931348623157e308
"""Greatest float. Comparing with it rejects the infinite, NaN, and integers beyond the floats."""
NUMBERS: Final = frozenset({int, float})
_FINITE: Final = "a finite number", "Correct the value"
_NOT_NEGATIVE: Final = "a finite number of 0 or more", "For negative values, use an up-down counter or a gauge"
STANDARD_BOUNDS: Final = (
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)


class Identity(NamedTuple):
    """What identifies an instrument in its meter.

    Attributes:
        name: Name in lower case.
        kind: Kind.
        unit: Unit.
        description: Description.
    """

    name: str
    kind: str
    unit: str
    description: str


@final
class Stream:
    """Series of one synchronous instrument. Thread-safe; recording never waits.

    Args:
        identity: Identity of the instrument.
        create_series: Creates a series from attributes, lock and maximum number of values.
        limit: Maximum number of series besides that of the overflow.
        exemplars: Filter of exemplars.
        cleaned: Attributes as given → as exported.

    Attributes:
        by_key: All series by key.
        cache: Series by the bytes of plain attributes (``marshal``), for the fast path.
        encoded: The same, by attributes that this library's instruments encode before they are recorded.
        bare: The series without attributes, as soon as it is used.
        current: The getter of the filter, for the fast path.
    """

    __slots__ = (
        *("_clean", "_limit", "_lock", "_lowest", "_new_series", "_numbers"),
        *("_unused_numbers", "bare", "by_key", "cache", "current", "encoded", "exemplars", "identity"),
    )

    def __init__(
        self,
        identity: Identity,
        create_series: Callable[[Clean, Lock, int], Series],
        limit: int,
        exemplars: ExemplarFilter,
        cleaned: Callable[[object], Clean] = clean,
    ) -> None:
        self._clean = cleaned
        self.identity = identity
        self.exemplars = exemplars
        self.current = exemplars.current
        self.cache: dict[bytes, Series] = {}
        self.encoded: dict[bytes, Series] = {}
        self.by_key: dict[Key, Series] = {}
        self.bare: Series | None = None
        self._new_series = create_series
        self._lock = Lock()
        self._limit = limit
        self._numbers = count(1)
        self._unused_numbers: list[int] = []
        self._lowest = 0.0 if identity.kind in {"counter", "histogram"} else -MAX_NUMBER

    def record(self, value: object, attributes: object = None, context: Context | None = None) -> None:
        """Record a value of any type with attributes of any type. Never raises."""
        try:
            number = self._number(value)
            if number is not None:
                series = self.series(attributes)
                series.add(number)
                if not series.is_full:
                    self.offer(series, number, context, attributes)
        except BaseException as error:  # noqa: BLE001 - values of the program
            reraise_interrupt(error)
            report_once(f"Measuring with {self.identity.kind} {self.identity.name}", error)

    def after(self, series: Series, value: float, attributes: object = None) -> None:
        """Complete a measurement of the fast path: compact a long list, and keep an exemplar. Never raises."""
        try:
            if len(series.values) > series.limit:
                series.compact()
            if not series.is_full and self.current():
                self.offer(series, value, None, attributes)
        except BaseException as error:  # noqa: BLE001 - no memory, or a span of the program
            reraise_interrupt(error)
            report_once(f"Measuring with {self.identity.kind} {self.identity.name}", error)

    def offer(self, series: Series, value: float, context: Context | None, attributes: object) -> None:
        """Keep an exemplar if the filter wants one; in the series of the overflow, with its attributes."""
        others = self._clean(attributes) if series.attributes is OVERFLOW else None
        kept = self.exemplars.keep(value, context, others)
        if kept is not None:
            series.keep(kept)

    def series(self, attributes: object) -> Series:
        """Return the series of attributes, or that of the overflow."""
        if attributes is None:
            return self.bare or self._remember_bare()
        try:
            return self.cache[to_bytes(attributes, FORMAT)]
        except (KeyError, ValueError):  # new ones, or of other types
            return self._series_of(attributes)

    def _series_of(self, attributes: object) -> Series:
        raw = to_bytes(attributes, FORMAT) if is_plain(attributes) else None
        series = self._find(self._clean(attributes))
        if raw is None or series.attributes is OVERFLOW or len(self.cache) >= MAX_ORDERS * self._limit:
            return series
        if raw == to_bytes(attributes, FORMAT):  # no other thread has changed them
            self.cache[raw] = series
        return series

    def _remember_bare(self) -> Series:
        found = self._find({})
        if found.attributes is not OVERFLOW:
            self.bare = found
        return found

    def _find(self, attributes: Clean) -> Series:
        key = series_key(attributes)
        series = self.by_key.get(key)
        if series is None:
            try:
                number = self._unused_numbers.pop()
            except IndexError:
                number = next(self._numbers)
            if number > self._limit:
                return self._overflow(number)
            series = self._create(key, attributes, number)
            if series.attributes is not attributes:  # another thread has created it
                self._unused_numbers.append(number)
        return series

    def remember_encoded(self, attributes: object, encode: Callable[[], object]) -> None:
        """Find the series of attributes by their bytes from now on, before they are encoded.

        Args:
            attributes: Attributes as given by the program.
            encode: Returns them as they are recorded.
        """
        if len(self.encoded) >= MAX_ORDERS * self._limit or not is_plain(attributes):
            return
        raw = to_bytes(attributes, FORMAT)
        series = self.series(encode())
        if series.attributes is not OVERFLOW and raw == to_bytes(attributes, FORMAT):
            self.encoded[raw] = series

    def _overflow(self, number: int) -> Series:
        if number == self._limit + 1:
            all_attributes = [each.attributes for each in list(self.by_key.values())]
            metric_limits().add_series(self.identity.name, self._limit, all_attributes)
        key = series_key(OVERFLOW)
        return self.by_key.get(key) or self._create(key, OVERFLOW, number)

    def _create(self, key: Key, attributes: Clean, number: int) -> Series:
        """Return a new series, or that of another thread: one operation decides."""
        limit = MAX_VALUES if number < MANY_SERIES else FEW_VALUES
        return self.by_key.setdefault(key, self._new_series(attributes, self._lock, limit))

    def _number(self, value: object) -> float | None:
        """Return a value as a plain number; None, after a log line, for one that is not allowed."""
        number = cast("float", value)
        if type(value) not in NUMBERS:
            number = _plain(value)
        if self._lowest <= number <= MAX_NUMBER:
            return number
        name, kind = self.identity.name, self.identity.kind
        allowed, action = _FINITE if self._lowest else _NOT_NEGATIVE
        message = f"{kind} {name}: {number} is not {allowed}, and is left out. {action}."
        warn_once(_logger, message, key=(kind, name, "number"))
        return None


def new_series(kind: str, bounds: Sequence[float] | None, *, exponential: bool) -> Callable[[Clean, Lock, int], Series]:
    """Return the function that creates the series of an instrument.

    Args:
        kind: Kind of the instrument.
        bounds: Bounds of the buckets of a histogram, ascending. Default: those of the specification.
        exponential: Whether histograms have exponential buckets.
    """
    if kind == "histogram":
        buckets = partial(BucketSeries, bounds=STANDARD_BOUNDS if bounds is None else tuple(bounds))
        return ExponentialSeries if exponential else buckets
    return GaugeSeries if kind == "gauge" else SumSeries


def _plain(value: object) -> float:
    """Return a number of another type as a plain one.

    Raises:
        Exception: It is not a number.
    """
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str | bytes | bytearray):
        raise TypeError(f"{type(value).__name__} is not a number")
    try:
        return index(cast("Any", value))
    except TypeError:
        return float(cast("Any", value))
