"""Meter provider for OTel's global, with meters and instruments. They forward calls to a replaceable delegate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, repeat
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opentelemetry.metrics import (
    CallbackT,
    Meter,
    MeterProvider,
    NoOpMeter,
    NoOpMeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
)

from flext_observability.engine.added_parts import added_parts
from flext_observability.engine.compat import release_reader
from flext_observability.engine.metrics.instruments import (
    EngineCounter,
    EngineGauge,
    EngineHistogram,
    EngineInstrument,
    EngineUpDownCounter,
)
from flext_observability.engine.metrics.limits import MAX_INSTRUMENTS, metric_limits
from flext_observability.engine.observer import observer, wrap_callbacks
from flext_observability.engine.unusable import unusable_parts
from flext_observability.runtime.locks import ForkSafeLock
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.util.types import Attributes


CreateFn = Callable[[Meter], Any]
Scope = tuple[str, str | None, str | None, "Attributes"]
InstrumentT = TypeVar("InstrumentT", bound="_DelegatingInstrument")
SHUTDOWN_SECONDS = 2.0
"""Time for a last push when the program shuts the provider down."""


class _DelegatingInstrument:
    """Instrument with a replaceable delegate, which ``create`` creates from a meter."""

    def __init__(self, name: str, create: CreateFn, meter: Meter) -> None:
        self._name = name
        self._create = create
        self.point_to(create(meter))

    def set_delegate(self, meter: Meter) -> None:
        """Replace the delegate with an instrument of another meter, or with none if the meter cannot create it."""
        try:
            # Nothing is created in a meter that discards all: it rejects what the engine accepts.
            delegate = _Discarding() if type(meter) is NoOpMeter else self._create(meter)
        except BaseException as error:  # noqa: BLE001 - the other instruments are created
            reraise_interrupt(error)
            unusable_parts().add("metrics", "instrument", self._name, error)
            delegate = _Discarding()
        self.point_to(delegate)

    def point_to(self, target: object) -> None:
        """Use another delegate."""
        self._delegate = target


class _Discarding:
    """Discards the measurements of an instrument that does not exist."""

    def add(self, *_: object) -> None:
        """Discard."""

    record = set = add


class _SynchronousInstrument(_DelegatingInstrument, EngineInstrument):
    """Instrument that records in the engine, or with its delegate if that is of another provider."""

    def __init__(self, name: str, create: CreateFn, meter: Meter) -> None:
        self._begin()
        super().__init__(name, create, meter)

    def point_to(self, target: object) -> None:
        """Use another delegate, also for the bound handles."""
        EngineInstrument.point_to(self, target)


class DelegatingCounter(_SynchronousInstrument, EngineCounter):
    """Counter with a replaceable delegate."""


class DelegatingUpDownCounter(_SynchronousInstrument, EngineUpDownCounter):
    """Up-down counter with a replaceable delegate."""


class DelegatingHistogram(_SynchronousInstrument, EngineHistogram):
    """Histogram with a replaceable delegate."""


class DelegatingGauge(_SynchronousInstrument, EngineGauge):
    """Gauge with a replaceable delegate."""


class DelegatingObservableCounter(_DelegatingInstrument, ObservableCounter):
    """Observable counter with a replaceable delegate."""


class DelegatingObservableUpDownCounter(_DelegatingInstrument, ObservableUpDownCounter):
    """Observable up-down counter with a replaceable delegate."""


class DelegatingObservableGauge(_DelegatingInstrument, ObservableGauge):
    """Observable gauge with a replaceable delegate."""


_KINDS: dict[type[_DelegatingInstrument], str] = {
    DelegatingCounter: "counter",
    DelegatingUpDownCounter: "up_down_counter",
    DelegatingHistogram: "histogram",
    DelegatingGauge: "gauge",
    DelegatingObservableCounter: "counter",
    DelegatingObservableUpDownCounter: "up_down_counter",
    DelegatingObservableGauge: "gauge",
}


class DelegatingMeter(Meter):
    """Meter with a replaceable delegate, and its instruments.

    Args:
        scope: Arguments of ``MeterProvider.get_meter``.
        numbers: Numbers of the instruments of all meters.
    """

    def __init__(self, scope: Scope, numbers: Iterator[int]) -> None:
        super().__init__(*scope[:3])
        self._scope = scope
        self._numbers = numbers
        self._lock = ForkSafeLock()
        self._instruments: dict[tuple[type[_DelegatingInstrument], tuple[Any, ...]], _DelegatingInstrument] = {}
        self._delegate: Meter = NoOpMeterProvider().get_meter(scope[0])

    def set_delegate(self, provider: MeterProvider) -> None:
        """Replace the delegate with the meter of the same scope from another provider, and its instruments."""
        try:
            target = provider.get_meter(*self._scope)
        except BaseException as error:  # noqa: BLE001 - a provider may raise anything; the other meters are created
            reraise_interrupt(error)
            unusable_parts().add("metrics", "meter", self._scope[0], error)
            target = NoOpMeter("unusable")
        with self._lock:
            self._delegate = target
            instruments = list(self._instruments.values())
        for instrument in instruments:
            instrument.set_delegate(target)

    def create_counter(self, name: str, unit: str = "", description: str = "") -> DelegatingCounter:
        """Return a counter. See OTel's ``Meter.create_counter``."""
        key = name, *_texts(unit, description)
        return self._get_or_create(DelegatingCounter, lambda m: m.create_counter(*key), key)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> DelegatingUpDownCounter:
        """Return an up-down counter. See OTel's ``Meter.create_up_down_counter``."""
        key = name, *_texts(unit, description)
        return self._get_or_create(DelegatingUpDownCounter, lambda m: m.create_up_down_counter(*key), key)

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> DelegatingGauge:
        """Return a gauge. See OTel's ``Meter.create_gauge``."""
        key = name, *_texts(unit, description)
        return self._get_or_create(DelegatingGauge, lambda m: m.create_gauge(*key), key)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> DelegatingHistogram:
        """Return a histogram. See OTel's ``Meter.create_histogram``."""
        bounds = explicit_bucket_boundaries_advisory
        unit, description = _texts(unit, description)

        def create(meter: Meter) -> Histogram:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)

        return self._get_or_create(DelegatingHistogram, create, (name, unit, description, *(bounds or ())))

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        """Return an observable counter. See OTel's ``Meter.create_observable_counter``."""
        create, key = _observable("create_observable_counter", name, callbacks, unit, description)
        return self._get_or_create(DelegatingObservableCounter, create, key)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        """Return an observable up-down counter. See OTel's ``Meter.create_observable_up_down_counter``."""
        create, key = _observable("create_observable_up_down_counter", name, callbacks, unit, description)
        return self._get_or_create(DelegatingObservableUpDownCounter, create, key)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        """Return an observable gauge. See OTel's ``Meter.create_observable_gauge``."""
        create, key = _observable("create_observable_gauge", name, callbacks, unit, description)
        return self._get_or_create(DelegatingObservableGauge, create, key)

    def declared(self) -> list[tuple[str, str, str, str]]:
        """Return kind, name, unit and description of each instrument, in order of creation."""
        with self._lock:
            keys = list(self._instruments)
        return [(_KINDS[kind], *key[:3]) for kind, key in keys]

    def _get_or_create(self, kind: type[InstrumentT], create: CreateFn, key: tuple[Any, ...]) -> InstrumentT:
        """Return the instrument with this key, which starts with the name. It is created on first use."""
        with self._lock:
            known, target = self._instruments.get((kind, key)), self._delegate
        if known is None:
            if next(self._numbers) > MAX_INSTRUMENTS:
                metric_limits().add_instrument(key[0])
                return kind(key[0], lambda _: _Discarding(), target)
            # Outside our lock: the SDK holds its own lock while callbacks create instruments.
            created = kind(key[0], create, target)
            with self._lock:
                known, current = self._instruments.setdefault((kind, key), created), self._delegate
            if current is not target:
                known.set_delegate(current)  # the delegate was replaced meanwhile
        return cast("InstrumentT", known)


def _texts(*given: str | None) -> tuple[str, ...]:
    """Return unit and description, empty ones for None, which the SDK cannot create again for another provider."""
    return tuple(["" if each is None else each for each in given])


def _observable(
    method: str, name: str, callbacks: Sequence[CallbackT] | None, unit: str, description: str
) -> tuple[CreateFn, tuple[Any, ...]]:
    """Return how to create an observable instrument with guarded callbacks, and its key.

    Instruments without callbacks have different keys.
    """
    unit, description = _texts(unit, description)
    given = tuple(callbacks or ())
    guarded = wrap_callbacks(name, given)

    def create(meter: Meter) -> object:
        if not isinstance(meter, NoOpMeter):
            observer().add(guarded)
        return getattr(meter, method)(name, guarded, unit, description)

    return create, (name, unit, description, *(map(id, given) if given else (object(),)))


class DelegatingMeterProvider(MeterProvider):
    """Provider for OTel's global. It lives as long as the process; ``set_delegate`` replaces its delegate.

    Attributes:
        flush: Pushes the metrics before a deadline (monotonic seconds); returns whether all were sent.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._meters: dict[str, DelegatingMeter] = {}
        self._numbers = count(1)
        self._delegate: MeterProvider = NoOpMeterProvider()
        self.flush: Callable[[float], bool] = _nothing_to_flush

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> DelegatingMeter:
        """Return the meter of this scope, which follows the delegate.

        The provider keeps all meters, because instruments follow the delegate also after their meter is unreferenced.
        """
        key = repr((name, version, schema_url, sorted((attributes or {}).items())))
        with self._lock:
            known = self._meters.get(key)
            if known is None:
                is_kept = len(self._meters) < MAX_INSTRUMENTS
                numbers = self._numbers if is_kept else repeat(MAX_INSTRUMENTS + 1)
                known = DelegatingMeter((name, version, schema_url, attributes), numbers)
                if is_kept:
                    self._meters[key] = known
                    known.set_delegate(self._delegate)
            return known

    def declared(self) -> list[tuple[str, str, str, str, str]]:
        """Return scope, kind, name, unit and description of each instrument. Observable kinds are like the others."""
        with self._lock:
            meters = list(self._meters.values())
        return [(meter.name, *each) for meter in meters for each in meter.declared()]

    def set_delegate(self, provider: MeterProvider) -> None:
        """Replace the delegate, for existing and new meters and instruments. Readers of the program follow it."""
        with self._lock:
            unusable_parts().clear("metrics")
            self._delegate, self.flush = provider, _nothing_to_flush
            add: Any = getattr(provider, "add_metric_reader", None)
            for reader in cast("tuple[Any, ...]", added_parts().of("metrics")):
                if add is not None:
                    release_reader(reader)
                    add(reader)
            for meter in self._meters.values():
                meter.set_delegate(provider)

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the delegate that the API does not have."""
        if name.startswith("_"):
            raise AttributeError(name)
        found: Any = getattr(self._delegate, name)
        own: dict[str, Callable[..., object]] = {
            "add_metric_reader": self._add_reader,
            "remove_metric_reader": self._remove_reader,
            "force_flush": self._force_flush,
            "shutdown": self._shut_down,
        }
        return partial(own[name], found) if name in own else found

    def _add_reader(self, add: Callable[[Any], object], metric_reader: Any) -> None:  # noqa: ANN401 - of the SDK
        add(metric_reader)
        self._create_copies(was_copied=False)
        if metric_reader not in added_parts().of("metrics"):
            added_parts().add("metrics", metric_reader)

    def _remove_reader(self, remove: Callable[[Any], object], metric_reader: Any) -> None:  # noqa: ANN401 - of the SDK
        was_copied = getattr(self._delegate, "is_copied", False)
        remove(metric_reader)
        self._create_copies(was_copied=was_copied)
        added_parts().remove("metrics", metric_reader)

    def _create_copies(self, *, was_copied: bool) -> None:
        """Create all instruments again if the engine passes, or passed, their measurements to the SDK, too."""
        with self._lock:
            if was_copied or getattr(self._delegate, "is_copied", False):
                for meter in self._meters.values():
                    meter.set_delegate(self._delegate)

    def _force_flush(self, force_flush: Callable[[float], bool], timeout_millis: float = 10_000) -> bool:
        deadline = monotonic() + timeout_millis / 1000
        complete = force_flush(timeout_millis)
        return self.flush(deadline) and complete

    def _shut_down(self, shutdown: Callable[[float], object], timeout_millis: float = 30_000) -> None:
        self.flush(monotonic() + min(timeout_millis / 1000, SHUTDOWN_SECONDS))
        shutdown(timeout_millis)


def _nothing_to_flush(_deadline: float) -> bool:
    return True
