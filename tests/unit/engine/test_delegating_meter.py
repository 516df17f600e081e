"""Delegating meters and instruments: they follow each new delegate."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest
from opentelemetry.metrics import CallbackOptions, Meter, NoOpMeterProvider, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from flext_observability.engine.added_parts import added_parts
from flext_observability.engine.delegating_meter import DelegatingMeterProvider
from flext_observability.engine.observer import observer
from flext_observability.engine.unusable import unusable_parts


class Sdk:
    """An SDK provider and its points."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)

    def points(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        return {
            metric.name: metric.data.data_points[0]
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def observe(options: CallbackOptions) -> list[Observation]:
    return [Observation(5, {"k": "v"})]


SYNCHRONOUS: dict[str, Callable[[Any], None]] = {
    "create_counter": lambda instrument: instrument.add(5, {"k": "v"}),
    "create_up_down_counter": lambda instrument: instrument.add(5, {"k": "v"}),
    "create_gauge": lambda instrument: instrument.set(5, {"k": "v"}),
    "create_histogram": lambda instrument: instrument.record(5, {"k": "v"}),
}
OBSERVABLE = ["create_observable_counter", "create_observable_up_down_counter", "create_observable_gauge"]


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_an_early_instrument_follows_the_delegate(create: str) -> None:
    provider, first, second = DelegatingMeterProvider(), Sdk(), Sdk()
    instrument = getattr(provider.get_meter("m"), create)("x", "By", "bytes")
    record = SYNCHRONOUS[create]
    record(instrument)
    provider.set_delegate(first.provider)
    record(instrument)
    provider.set_delegate(second.provider)
    record(instrument)
    record(instrument)
    for sdk, times in ((first, 1), (second, 2)):
        point = sdk.points()["x"]
        assert dict(point.attributes) == {"k": "v"}
        total = point.sum if create == "create_histogram" else point.value
        assert total == (5 if create == "create_gauge" else 5 * times)


@pytest.mark.parametrize("create", OBSERVABLE)
def test_an_observable_instrument_follows_the_delegate(create: str) -> None:
    provider, first, second = DelegatingMeterProvider(), Sdk(), Sdk()
    getattr(provider.get_meter("m"), create)("x", [observe], "By", "bytes")
    provider.set_delegate(first.provider)
    provider.set_delegate(second.provider)
    assert (first.points()["x"].value, second.points()["x"].value) == (5, 5)


def test_an_instrument_follows_without_a_reference_to_its_meter() -> None:
    provider, sdk = DelegatingMeterProvider(), Sdk()
    counter = provider.get_meter("m").create_counter("x")
    gc.collect()
    provider.set_delegate(sdk.provider)
    counter.add(1)
    assert sdk.points()["x"].value == 1


def test_meters_and_instruments_are_created_once() -> None:
    provider = DelegatingMeterProvider()
    assert provider.get_meter("m", attributes={"a": 1}) is provider.get_meter("m", attributes={"a": 1})
    assert provider.get_meter("m", attributes={"a": 1}) is not provider.get_meter("m", attributes={"a": True})
    meter = provider.get_meter("m")
    assert meter.create_counter("x") is meter.create_counter("x")
    assert meter.create_counter("x") is not meter.create_counter("x", "By")


def test_histogram_bounds_are_forwarded() -> None:
    provider, sdk = DelegatingMeterProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    provider.get_meter("m").create_histogram("x", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)
    assert sdk.points()["x"].explicit_bounds == (1, 2)


def test_other_attributes_come_from_the_delegate() -> None:
    provider, sdk = DelegatingMeterProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    assert provider.force_flush() is True  # type: ignore[operator]  # dynamic attribute
    with pytest.raises(AttributeError):
        _ = provider._nothing


def test_an_instrument_created_during_a_change_of_delegate_follows_it() -> None:
    provider, first, second = DelegatingMeterProvider(), Sdk(), Sdk()

    class Swapping(MeterProvider):
        """A provider that is replaced while it creates an instrument."""

        def get_meter(self, *scope: Any, **options: Any) -> Meter:
            meter: Any = first.provider.get_meter(*scope, **options)
            create = meter.create_counter

            def create_counter(*args: Any) -> Any:
                provider.set_delegate(second.provider)
                return create(*args)

            meter.create_counter = create_counter
            return meter  # type: ignore[no-any-return]  # an SDK meter

    provider.set_delegate(Swapping([], shutdown_on_exit=False))
    provider.get_meter("m").create_counter("x").add(1)
    assert second.points()["x"].value == 1


def test_a_callback_can_create_instruments_while_another_thread_does() -> None:
    provider, sdk = DelegatingMeterProvider(), Sdk()
    provider.set_delegate(sdk.provider)
    meter = provider.get_meter("m")
    inside, done = threading.Event(), threading.Event()

    def observe_slowly(options: CallbackOptions) -> list[Observation]:
        inside.set()
        other.join(0.5)  # that thread needs the lock that the SDK holds during this callback
        meter.create_counter("created.in.callback").add(1)
        done.set()
        return [Observation(1)]

    def register() -> None:
        inside.wait(5)
        meter.create_observable_gauge("other", [observe])

    other = threading.Thread(target=register)
    other.start()
    meter.create_observable_gauge("slow", [observe_slowly])
    collecting = threading.Thread(target=sdk.points)
    collecting.start()
    assert done.wait(5)
    collecting.join(5)
    other.join(5)
    assert not other.is_alive()


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_an_instrument_that_the_sdk_rejects_discards_and_costs_no_other(create: str) -> None:
    provider, first, second = DelegatingMeterProvider(), Sdk(), Sdk()
    meter = provider.get_meter("m")
    rejected, accepted = getattr(meter, create)("2 bad!"), getattr(meter, create)("good")
    provider.set_delegate(first.provider)
    for instrument in (rejected, accepted):
        SYNCHRONOUS[create](instrument)
    assert set(first.points()) == {"good"}
    (notice,) = unusable_parts().notices()
    assert notice.degrades
    assert notice.message.startswith("The instrument 2 bad! cannot be created and discards its data: Exception:")
    provider.set_delegate(NoOpMeterProvider())
    assert unusable_parts().notices() == ()
    provider.set_delegate(second.provider)
    assert len(unusable_parts().notices()) == 1


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit])
def test_a_meter_that_the_provider_rejects_costs_no_other(error: type[BaseException]) -> None:
    sdk = Sdk()

    class Choosy(MeterProvider):
        """A provider that has no meter of one name."""

        def get_meter(self, name: str, *scope: Any, **options: Any) -> Meter:
            if name == "bad":
                raise error
            return sdk.provider.get_meter(name, *scope, **options)

    provider = DelegatingMeterProvider()
    counters = [provider.get_meter(name).create_counter(name) for name in ("bad", "good")]
    provider.set_delegate(Choosy([], shutdown_on_exit=False))
    counters.append(provider.get_meter("bad").create_counter("later"))
    for counter in counters:
        counter.add(1)
    assert set(sdk.points()) == {"good"}
    assert [notice.message.partition(" cannot")[0] for notice in unusable_parts().notices()] == ["The meter bad"]


@pytest.mark.parametrize("create", OBSERVABLE)
def test_a_generator_continues_with_the_next_delegate(create: str) -> None:
    def numbers() -> Generator[list[Observation], CallbackOptions, None]:
        options = yield []
        for number in range(1, 9):
            options = yield [Observation(number, {"timeout": options.timeout_millis})]

    provider, first, second = DelegatingMeterProvider(), Sdk(), Sdk()
    getattr(provider.get_meter("m"), create)("x", [numbers(), observe])
    provider.set_delegate(first.provider)
    assert first.points()["x"].value == 1
    provider.set_delegate(second.provider)
    assert second.points()["x"].value == 2


def test_callbacks_without_a_provider_are_never_called() -> None:
    provider, before = DelegatingMeterProvider(), set(threading.enumerate())
    provider.get_meter("m").create_observable_gauge("x", [lambda _: pytest.fail("called")])
    with observer().collection():
        started = set(threading.enumerate()) - before
        assert not any(thread.name == "flext-observer" for thread in started)


def test_an_iterator_of_callbacks_is_read_once() -> None:
    provider, sdk = DelegatingMeterProvider(), Sdk()
    callbacks: Any = iter([observe])
    provider.get_meter("m").create_observable_gauge("x", callbacks)
    provider.set_delegate(sdk.provider)
    assert sdk.points()["x"].value == 5


@pytest.mark.newest_sdk(reason="the oldest SDK adds no reader to a provider")
def test_a_reader_of_the_program_follows_the_delegate() -> None:
    provider: Any = DelegatingMeterProvider()
    first, second = (MeterProvider(shutdown_on_exit=False) for _ in range(2))
    provider.set_delegate(first)
    theirs = InMemoryMetricReader()
    for _ in range(2):  # the second time is logged
        provider.add_metric_reader(theirs)
    provider.set_delegate(NoOpMeterProvider())
    counter = provider.get_meter("m").create_counter("c")
    provider.set_delegate(second)
    counter.add(4)
    assert theirs.get_metrics_data() is not None
    assert provider.force_flush()
    provider.remove_metric_reader(theirs)
    assert added_parts().of("metrics") == ()
