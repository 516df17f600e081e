"""Meter of the engine: names and units → instruments, each with its series."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final

from opentelemetry.metrics import (
    CallbackT,
    Counter,
    Histogram,
    Meter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)

from flext_observability.engine.metrics.attributes import Clean
from flext_observability.engine.metrics.instruments import (
    EngineCounter,
    EngineGauge,
    EngineHistogram,
    EngineUpDownCounter,
)
from flext_observability.engine.metrics.limits import metric_limits
from flext_observability.engine.metrics.observables import (
    EngineObservableCounter,
    EngineObservableGauge,
    EngineObservableUpDownCounter,
    ObservableStream,
)
from flext_observability.engine.metrics.stream import Identity, Stream, new_series
from flext_observability.engine.observable_callback import ObservableCallback
from flext_observability.engine.observer import observer, wrap_callbacks
from flext_observability.runtime.internal_log import warn_once
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from flext_observability.engine.compat import Gauge
    from flext_observability.engine.metrics.exemplars import ExemplarFilter

T = TypeVar("T")
AnyStream = Stream | ObservableStream
_NAME: Final = lazy_pattern(r"[a-zA-Z][-_./a-zA-Z0-9]{0,254}")
_UNIT: Final = lazy_pattern(r"[\x00-\x7F]{0,63}")
_logger: Final = logging.getLogger("opentelemetry.sdk.metrics")


@final
class StreamOptions:
    """Options that all instruments of a provider share.

    Args:
        limit: Maximum number of series of an instrument.
        exemplars: Filter of exemplars.
        exponential: Whether histograms have exponential buckets.
        cleaned: Attributes as given → as exported.
    """

    __slots__ = ("cleaned", "exemplars", "exponential", "limit")

    def __init__(
        self, limit: int, exemplars: ExemplarFilter, *, exponential: bool, cleaned: Callable[[object], Clean]
    ) -> None:
        self.cleaned = cleaned
        self.limit = limit
        self.exemplars = exemplars
        self.exponential = exponential


@final
class EngineMeter(Meter):
    """Meter of one scope. The same arguments give the same instrument.

    Attributes:
        scope: Instrumentation scope.
    """

    def __init__(self, scope: InstrumentationScope, options: StreamOptions) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url)
        self.scope = scope
        self._options = options
        self._lock = ForkSafeLock()
        self._instruments: dict[Identity, tuple[object, AnyStream, object]] = {}
        self._first_of_name: dict[str, Identity] = {}

    def streams(self) -> list[AnyStream]:
        """Return the series of all instruments, in the order of their creation."""
        return [stream for _, stream, _ in list(self._instruments.values())]

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return a counter. See OTel's ``Meter.create_counter``."""
        return self._create(EngineCounter, _identity(name, "counter", unit, description))

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return an up-down counter. See OTel's ``Meter.create_up_down_counter``."""
        return self._create(EngineUpDownCounter, _identity(name, "up_down_counter", unit, description))

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """Return a gauge. See OTel's ``Meter.create_gauge``."""
        return self._create(EngineGauge, _identity(name, "gauge", unit, description))

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """Return a histogram. See OTel's ``Meter.create_histogram``."""
        bounds = _bounds(explicit_bucket_boundaries_advisory)
        return self._create(EngineHistogram, _identity(name, "histogram", unit, description), bounds)

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        """Return an observable counter. See OTel's ``Meter.create_observable_counter``."""
        identity = _identity(name, "observable_counter", unit, description)
        return self._observe(EngineObservableCounter, identity, callbacks)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        """Return an observable up-down counter. See OTel's ``Meter.create_observable_up_down_counter``."""
        identity = _identity(name, "observable_up_down_counter", unit, description)
        return self._observe(EngineObservableUpDownCounter, identity, callbacks)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        """Return an observable gauge. See OTel's ``Meter.create_observable_gauge``."""
        identity = _identity(name, "observable_gauge", unit, description)
        return self._observe(EngineObservableGauge, identity, callbacks)

    def _create(self, kind: Callable[[Stream], T], identity: Identity, bounds: tuple[float, ...] | None = None) -> T:
        options = self._options

        def create() -> tuple[object, AnyStream, object]:
            series = new_series(identity.kind, bounds, exponential=options.exponential)
            stream = Stream(identity, series, options.limit, options.exemplars, options.cleaned)
            return kind(stream), stream, bounds

        instrument, _, known_bounds = self._get_or_create(identity, create)
        if known_bounds != bounds:
            message = f"The histogram {identity.name} exists with the bounds {known_bounds}, which are used"
            warn_once(_logger, f"{message}. Create it with the same bounds everywhere.")
        return cast("T", instrument)

    def _observe(self, kind: Callable[[], T], identity: Identity, callbacks: Sequence[CallbackT] | None) -> T:
        options = self._options

        def create() -> tuple[object, AnyStream, object]:
            contained = _contained(identity.name, callbacks)
            stream = ObservableStream(identity, contained, options.limit, options.exemplars, options.cleaned)
            return kind(), stream, None

        return cast("T", self._get_or_create(identity, create)[0])

    def _get_or_create(
        self, identity: Identity, create: Callable[[], tuple[object, AnyStream, object]]
    ) -> tuple[object, AnyStream, object]:
        with self._lock:
            known = self._instruments.get(identity)
            if known is not None:
                return known
            created = self._instruments[identity] = create()
            first = self._first_of_name.setdefault(identity.name, identity)
        if first is not identity:
            metric_limits().add_duplicate(identity.name, *_differences(first, identity))
        return created


def _identity(name: str, kind: str, unit: Any, description: Any) -> Identity:  # noqa: ANN401 - None is allowed
    """Return the identity of an instrument.

    Raises:
        ValueError: The name or the unit is not valid.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "Expected ASCII string of maximum length 255 characters, a letter and then letters, digits, _ . - or /, "
            f"but got {name}"
        )
    if not _UNIT.fullmatch(unit or ""):
        raise ValueError(f"Expected ASCII string of maximum length 63 characters but got {unit}")
    return Identity(name.lower(), kind, unit or "", description or "")


def _differences(first: Identity, second: Identity) -> tuple[str, str]:
    """Return a text for each of two instruments of one name."""
    first_text, second_text = (f"{each.kind.replace('_', ' ')} in {each.unit or 'no unit'}" for each in (first, second))
    return first_text, second_text if first_text != second_text else f"{second_text} with another description"


def _bounds(advisory: object) -> tuple[float, ...] | None:
    """Return bounds, or None for the standard ones."""
    if advisory is None:
        return None
    given = cast("Sequence[object]", advisory) if isinstance(advisory, Sequence) else ("",)
    bounds = tuple(float(each) for each in given if isinstance(each, int | float) and isfinite(each))
    if len(bounds) < len(given) or any(low >= high for low, high in pairwise(bounds)):
        message = "explicit_bucket_boundaries_advisory must be a sequence of finite numbers, each above the one before"
        warn_once(_logger, f"{message}. The standard bounds are used.")
        return None
    return bounds


def _contained(name: str, callbacks: Sequence[CallbackT] | None) -> tuple[ObservableCallback, ...]:
    given = tuple(callbacks or ())
    if all(isinstance(each, ObservableCallback) for each in given):
        return cast("tuple[ObservableCallback, ...]", given)
    contained = wrap_callbacks(name, given)
    observer().add(contained)
    return contained
