"""Measurements → the engine, and meter providers of the SDK for readers that the engine cannot serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast, final

from opentelemetry.metrics import CallbackT, Meter

from flext_observability.runtime.internal_log import report_once
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from opentelemetry.metrics import (
        Counter,
        Histogram,
        MeterProvider,
        ObservableCounter,
        ObservableGauge,
        ObservableUpDownCounter,
        UpDownCounter,
    )
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

    from flext_observability.engine.compat import Gauge


def provider_of(reader: MetricReader, resource: Resource) -> MeterProvider:
    """Return a meter provider of the SDK for one reader, which does not end at exit."""
    from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider

    return SdkMeterProvider([reader], resource, shutdown_on_exit=False)


@final
class CopyingMeter(Meter):
    """Meter that creates each instrument several times.

    Args:
        name: Name of the scope.
        meters: Meter of the engine, and those of the SDK.
    """

    def __init__(self, name: str, meters: Sequence[Meter]) -> None:
        super().__init__(name)
        self._meters = meters

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Counter:
        """Return a counter. See OTel's ``Meter.create_counter``."""
        return cast("Counter", self._create("create_counter", name, unit, description))

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> UpDownCounter:
        """Return an up-down counter. See OTel's ``Meter.create_up_down_counter``."""
        return cast("UpDownCounter", self._create("create_up_down_counter", name, unit, description))

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> Gauge:
        """Return a gauge. See OTel's ``Meter.create_gauge``."""
        return cast("Gauge", self._create("create_gauge", name, unit, description))

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """Return a histogram. See OTel's ``Meter.create_histogram``."""
        advisory = {"explicit_bucket_boundaries_advisory": explicit_bucket_boundaries_advisory}
        return cast("Histogram", self._create("create_histogram", name, unit, description, **advisory))

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableCounter:
        """Return an observable counter. See OTel's ``Meter.create_observable_counter``."""
        return cast("ObservableCounter", self._create("create_observable_counter", name, callbacks, unit, description))

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableUpDownCounter:
        """Return an observable up-down counter. See OTel's ``Meter.create_observable_up_down_counter``."""
        return cast(
            "ObservableUpDownCounter",
            self._create("create_observable_up_down_counter", name, callbacks, unit, description),
        )

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> ObservableGauge:
        """Return an observable gauge. See OTel's ``Meter.create_observable_gauge``."""
        return cast("ObservableGauge", self._create("create_observable_gauge", name, callbacks, unit, description))

    def _create(self, method: str, name: str, *arguments: object, **named: object) -> object:
        return CopyingInstrument(name, [getattr(meter, method)(name, *arguments, **named) for meter in self._meters])


@final
class CopyingInstrument:
    """Passes measurements to several instruments. Never raises.

    Args:
        name: Instrument name.
        instruments: Instrument of the engine, and those of the SDK.
    """

    __slots__ = ("_instruments", "_name")

    def __init__(self, name: str, instruments: Sequence[object]) -> None:
        self._name = name
        self._instruments = cast("Sequence[Any]", instruments)

    def add(self, *measurement: object) -> None:
        """Add a value. See OTel's ``Counter.add``."""
        self._pass([each.add for each in self._instruments], measurement)

    def set(self, *measurement: object) -> None:
        """Set the value. See OTel's ``Gauge.set``."""
        self._pass([each.set for each in self._instruments], measurement)

    def record(self, *measurement: object) -> None:
        """Record a value. See OTel's ``Histogram.record``."""
        self._pass([each.record for each in self._instruments], measurement)

    def _pass(self, methods: Sequence[Callable[..., object]], measurement: Sequence[object]) -> None:
        for method in methods:
            try:
                method(*measurement)
            except BaseException as error:  # noqa: BLE001 - the SDK, which values of the program may break
                reraise_interrupt(error)
                report_once(f"Measuring with {self._name}", error)
