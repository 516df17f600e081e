"""Meter and instrument calls → whatever meter provider stands behind (stable proxies for OTel's global)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opentelemetry.metrics import (
    CallbackT,
    Counter,
    Histogram,
    Meter,
    MeterProvider,
    NoOpMeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)

from flext_observability.engine.compat import Gauge
from flext_observability.runtime.locks import ForkSafeLock

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

Make = Callable[[Meter], Any]
InstrumentT = TypeVar("InstrumentT", bound="_DelegatingInstrument")


class _DelegatingInstrument:
    """An instrument made again from the meter of the moment; ``_make`` is the call that makes it."""

    def __init__(self, make: Make, meter: Meter) -> None:
        self._make = make
        self._delegate: Any = make(meter)

    def set_delegate(self, meter: Meter) -> None:
        """Make the instrument again in another meter."""
        self._delegate = self._make(meter)


class DelegatingCounter(_DelegatingInstrument, Counter):
    """Counter that follows swaps."""

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add; same contract as OTel's ``Counter.add``."""
        self._delegate.add(amount, attributes, context)


class DelegatingUpDownCounter(_DelegatingInstrument, UpDownCounter):
    """Up-down counter that follows swaps."""

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add; same contract as OTel's ``UpDownCounter.add``."""
        self._delegate.add(amount, attributes, context)


class DelegatingHistogram(_DelegatingInstrument, Histogram):
    """Histogram that follows swaps."""

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Record; same contract as OTel's ``Histogram.record``."""
        self._delegate.record(amount, attributes, context)


class DelegatingGauge(_DelegatingInstrument, Gauge):
    """Gauge that follows swaps."""

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Set; same contract as OTel's ``Gauge.set``."""
        self._delegate.set(amount, attributes, context)


class DelegatingObservableCounter(_DelegatingInstrument, ObservableCounter):
    """Observable counter that follows swaps."""


class DelegatingObservableUpDownCounter(_DelegatingInstrument, ObservableUpDownCounter):
    """Observable up-down counter that follows swaps."""


class DelegatingObservableGauge(_DelegatingInstrument, ObservableGauge):
    """Observable gauge that follows swaps."""


class DelegatingMeter(Meter):
    """A meter that outlives the provider it came from, with all its instruments."""

    def __init__(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> None:
        super().__init__(name, version, schema_url)
        self._scope = (name, version, schema_url, attributes)
        self._lock = ForkSafeLock()
        self._instruments: dict[object, _DelegatingInstrument] = {}
        self._delegate: Meter = NoOpMeterProvider().get_meter(name)

    def set_delegate(self, provider: MeterProvider) -> None:
        """Make every instrument again in the meter of the same scope of another provider."""
        target = provider.get_meter(*self._scope)
        with self._lock:
            self._delegate = target
            instruments = list(self._instruments.values())
        for instrument in instruments:
            instrument.set_delegate(target)

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return a counter; same contract as OTel's ``Meter.create_counter``."""
        return self._get_or_create(
            DelegatingCounter, lambda m: m.create_counter(name, unit, description), name, unit, description
        )

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return an up-down counter; same contract as OTel's ``Meter.create_up_down_counter``."""
        return self._get_or_create(
            DelegatingUpDownCounter,
            lambda m: m.create_up_down_counter(name, unit, description),
            name,
            unit,
            description,
        )

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """Return a gauge; same contract as OTel's ``Meter.create_gauge``."""
        return self._get_or_create(
            DelegatingGauge, lambda m: m.create_gauge(name, unit, description), name, unit, description
        )

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """Return a histogram; same contract as OTel's ``Meter.create_histogram``."""
        bounds = explicit_bucket_boundaries_advisory

        def make(meter: Meter) -> Histogram:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)

        return self._get_or_create(DelegatingHistogram, make, name, unit, description, *(bounds or ()))

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        """Return an observable counter; same contract as OTel's ``Meter.create_observable_counter``."""
        return self._get_or_create(
            DelegatingObservableCounter,
            lambda m: m.create_observable_counter(name, callbacks, unit, description),
            *_observed(name, unit, description, callbacks),
        )

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        """Return an observable up-down counter; same contract as OTel's ``Meter.create_observable_up_down_counter``."""
        return self._get_or_create(
            DelegatingObservableUpDownCounter,
            lambda m: m.create_observable_up_down_counter(name, callbacks, unit, description),
            *_observed(name, unit, description, callbacks),
        )

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        """Return an observable gauge; same contract as OTel's ``Meter.create_observable_gauge``."""
        return self._get_or_create(
            DelegatingObservableGauge,
            lambda m: m.create_observable_gauge(name, callbacks, unit, description),
            *_observed(name, unit, description, callbacks),
        )

    def _get_or_create(self, kind: type[InstrumentT], make: Make, *identity: object) -> InstrumentT:
        """Return the instrument of this identity, made once, so that asking again costs no memory."""
        key = (kind, *identity)
        with self._lock:
            known, target = self._instruments.get(key), self._delegate
        if known is None:
            # Without the lock: the SDK has one of its own, which it holds while callbacks make instruments.
            made = kind(make, target)
            with self._lock:
                known, current = self._instruments.setdefault(key, made), self._delegate
            if current is not target:
                known.set_delegate(current)  # swapped meanwhile
        return cast("InstrumentT", known)


def _observed(name: str, unit: str, description: str, callbacks: Sequence[CallbackT] | None) -> tuple[object, ...]:
    """Return the identity of an observable: the same for the same callbacks; without callbacks, none is like another."""
    return (name, unit, description, *map(id, callbacks)) if callbacks else (object(),)


class DelegatingMeterProvider(MeterProvider):
    """The provider that stands in OTel's global for the life of the process; ``set_delegate`` swaps what is behind it."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._meters: dict[str, DelegatingMeter] = {}
        self._delegate: MeterProvider = NoOpMeterProvider()

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> DelegatingMeter:
        """Return the meter of this scope; it follows every later swap.

        Meters are kept for good: an instrument must follow also when its owner let the meter go.
        """
        key = repr((name, version, schema_url, sorted((attributes or {}).items())))
        with self._lock:
            if key not in self._meters:
                self._meters[key] = DelegatingMeter(name, version, schema_url, attributes)
                self._meters[key].set_delegate(self._delegate)
            return self._meters[key]

    def set_delegate(self, provider: MeterProvider) -> None:
        """Send all meters and instruments, handed out before and after, to this provider."""
        with self._lock:
            self._delegate = provider
            for meter in self._meters.values():
                meter.set_delegate(provider)

    def __getattr__(self, name: str) -> object:
        """Answer what SDK providers have beyond the API from the one behind."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._delegate, name)
