"""Records that are logged while the same thread logs: by values, signal handlers, destructors and callbacks."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import LoggerProvider
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource

from flext_observability.engine.compat import make_logger_provider, suppress_instrumentation
from flext_observability.engine.delegating_logger import DelegatingLoggerProvider
from flext_observability.engine.logger import EngineLoggerProvider
from flext_observability.instrumentation.logging import bridge as logging_bridge
from flext_observability.pipeline.export_processors import ExportLogRecordProcessor
from flext_observability.pipeline.ledger import SignalCounter
from tests.unit.instrumentation.sink import quiet

pytestmark = pytest.mark.usefixtures("restored_logging")
RESOURCE = Resource({"service.name": "shop"})


class Kept:
    """A worker that keeps its items."""

    attention = sys.maxsize

    def __init__(self) -> None:
        self.items: list[Any] = []

    def enqueue(self, item: object) -> None:
        self.items.append(item)

    @property
    def bodies(self) -> list[object]:
        return [item.log_record.body for item in self.items]


class Calling(LogRecordProcessor):
    """A processor that calls a function."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._function()

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class Speaking:
    """A value that logs when it is read."""

    def __init__(self, value: object = None) -> None:
        self._value = value

    def __str__(self) -> str:
        quiet("shop.value").warning("reading %s", self if self._value is None else self._value)
        return "value"


class Dying:
    """An object that logs at its end."""

    def __del__(self) -> None:
        quiet("shop.dying").warning("end")


def interrupt() -> None:
    signal.raise_signal(signal.SIGUSR1)


def collect() -> None:
    gc.collect()


def die() -> None:
    Dying()


def on_signal(*_: object) -> None:
    quiet("shop.signal").warning("signal")


def on_collection(phase: str, info: object) -> None:
    if phase == "stop":
        quiet("shop.gc").warning("collected")


@pytest.fixture(params=["lean", "sdk"])
def provider(request: pytest.FixtureRequest, kept: Kept) -> LoggerProvider:
    """Return the provider of an engine, which the bridge uses."""
    processor = ExportLogRecordProcessor(SignalCounter("logs"), [kept])  # type: ignore[list-item]  # a fake
    sdk = make_logger_provider(RESOURCE, None, None)
    delegating = DelegatingLoggerProvider()
    if request.param == "sdk":
        sdk.add_log_record_processor(processor)
        delegating.set_delegate(sdk)
    else:
        delegating.set_delegate(EngineLoggerProvider(RESOURCE, (None, None), processor))
    logging_bridge.install("info", provider=delegating)
    return delegating


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def interruptions() -> Iterator[None]:
    """Make signals and collections log."""
    before = signal.signal(signal.SIGUSR1, on_signal)
    gc.callbacks.append(on_collection)
    yield
    gc.callbacks.remove(on_collection)
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("provider")
def test_a_value_that_logs_loses_no_record(kept: Kept) -> None:
    quiet("shop").warning("sold %s", Speaking("tea"))
    assert kept.bodies == ["reading tea", "sold value"]


@pytest.mark.usefixtures("provider")
def test_a_value_that_logs_itself_ends(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    quiet("shop").warning("sold %s", Speaking())
    assert kept.bodies == [*["reading value"] * 7, "sold value"]
    assert "8 others of this thread are being read" in caplog.text


@pytest.mark.usefixtures("interruptions")
@pytest.mark.parametrize(("function", "body"), [(interrupt, "signal"), (collect, "collected"), (die, "end")])
def test_an_interruption_of_a_processor_loses_no_record(
    provider: Any, kept: Kept, function: Callable[[], object], body: str
) -> None:
    once = [function]
    provider.add_log_record_processor(Calling(lambda: once.pop()() if once else None))
    gc.disable()
    try:
        quiet("shop").warning("sold")
    finally:
        gc.enable()
    assert sorted(map(str, kept.bodies)) == sorted(["sold", body])


def test_a_processor_does_not_feed_itself(provider: Any, kept: Kept) -> None:
    provider.add_log_record_processor(Calling(lambda: quiet("shop.inner").warning("inner")))
    quiet("shop").warning("outer")
    assert kept.bodies == ["outer"]


@pytest.mark.usefixtures("provider", "interruptions")
def test_an_interruption_of_a_value_loses_no_record(kept: Kept) -> None:
    class Interrupted:
        def __str__(self) -> str:
            interrupt()
            die()
            return "value"

    logging.getLogger("shop.gc").setLevel(logging.CRITICAL)
    quiet("shop").warning("sold %s", Interrupted())
    assert kept.bodies == ["signal", "end", "sold value"]


@pytest.mark.usefixtures("provider")
def test_a_destructor_that_runs_in_an_exporting_thread_loses_no_record(kept: Kept) -> None:
    with suppress_instrumentation():
        quiet("shop").warning("of the exporter")
        die()
        quiet("shop").warning("of the exporter")
    assert kept.bodies == ["end"]
