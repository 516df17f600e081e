"""Value and attributes → measurement: the handles for hot paths (OTel API only; they never raise)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Self, final

from flext_observability.adapters import metric as adapter
from flext_observability.runtime.internal_log import report_once
from flext_observability.values.encoding import encode_attributes

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from flext_observability.adapters.metric import RecordFn

_LARGEST = (1 << 63) - 1
_PLAIN = frozenset((int, float))


class _Handle:
    """An instrument's writing call, and the attributes bound to it."""

    __slots__ = ("_bound", "_write")

    _lowest: ClassVar[float] = -_LARGEST

    def __init__(self, write: RecordFn, bound: Attributes = None) -> None:
        self._write = write
        self._bound = bound

    def bind(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> Self:
        """Return the same instrument with these attributes on every measurement.

        Args:
            attributes: Names and values of any type, encoded once, here.
            more: Further attributes, which win.
        """
        return type(self)(self._write, self._with({**encode_attributes(attributes), **more}))

    def _put(self, value: float, attributes: Mapping[str, object] | None) -> None:
        try:
            if type(value) not in _PLAIN or not self._lowest <= value <= _LARGEST:
                value = self._usable(value)
            self._write(value, self._with(attributes) if attributes else self._bound, None)
        except Exception as error:  # noqa: BLE001 - a hot path goes on, whatever it was given
            name = adapter.name_of(self._write)
            report_once(
                f"Measuring with {f'the {type(self).__name__} {name}' if name else f'a {type(self).__name__}'}", error
            )

    def _with(self, attributes: Mapping[str, object]) -> Attributes:
        """Encode attributes and put them over the bound ones."""
        encoded = encode_attributes(attributes)
        return {**self._bound, **encoded} if self._bound else encoded

    def _usable(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise TypeError(f"a value is an int, float or Decimal, not {type(value).__name__}")
        number = float(value)
        if not isfinite(number) or (self._lowest == 0 and number < 0):
            least = " that is not negative" if self._lowest == 0 else ""
            raise ValueError(f"{number} cannot be recorded, use a finite number{least}")
        return number


@final
class Counter(_Handle):
    """Sum that only rises."""

    __slots__ = ()
    _lowest: ClassVar[float] = 0

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add a finite value, at least 0; others are given up, and logged once."""
        self._put(value, attributes)


@final
class UpDownCounter(_Handle):
    """Sum that rises and falls."""

    __slots__ = ()

    def add(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Add a finite value; others are given up, and logged once."""
        self._put(value, attributes)


@final
class Gauge(_Handle):
    """The latest value."""

    __slots__ = ()

    def set(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Set a finite value; others are given up, and logged once."""
        self._put(value, attributes)


@final
class Histogram(_Handle):
    """Distribution of values."""

    __slots__ = ()
    _lowest: ClassVar[float] = 0

    def record(self, value: float, attributes: Mapping[str, object] | None = None) -> None:
        """Record a finite value, at least 0; others are given up, and logged once."""
        self._put(value, attributes)
