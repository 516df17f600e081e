"""The end of a pipeline: readers and deletions of other packages that hang or raise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader

from flext_observability import FlextResult, Observability, init_observability, register_exporter
from tests.fakes import OneExporterFactory, ScriptedExporter


class Reader:
    """Pull exporter with a reader of its own."""

    def __init__(self, close: Callable[[], object]) -> None:
        self._close = close
        self._reader = InMemoryMetricReader()

    def attach(self, collect: Callable[[], Any]) -> None:
        self.collect = collect

    def render(self, accept: str) -> tuple[bytes, str]:
        return b"", accept

    def metric_reader(self) -> MetricReader:
        return self._reader

    def close(self) -> None:
        self._close()


class Deleting(ScriptedExporter):
    """Flush-only exporter."""

    def __init__(self, delete: Callable[[], object]) -> None:
        super().__init__()
        self._delete = delete

    def delete_group(self, timeout_seconds: float) -> FlextResult[None]:
        return cast("FlextResult[None]", self._delete())


def started(make: Callable[[], Any], **settings: Any) -> Observability:
    register_exporter("foreign", OneExporterFactory(lambda _: make(), {"metrics"}))
    return init_observability(exporters="foreign", prometheus_port=0, console=False, **settings).unwrap()


def broken() -> None:
    raise OSError("broken")


@pytest.fixture
def hang() -> Iterator[Callable[[], object]]:
    release = threading.Event()
    yield lambda: release.wait(10)
    release.set()


def test_a_reader_that_hangs_in_close_is_named_and_costs_the_deadline(hang: Callable[[], object]) -> None:
    handle = started(lambda: Reader(hang))
    began = time.monotonic()
    report = handle.shutdown(0.2).unwrap()
    assert time.monotonic() - began <= 2
    assert (report.complete, report.unfinished) == (False, ("closing a metric reader",))


def test_a_reader_that_raises_in_close_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    report = started(lambda: Reader(broken)).shutdown().unwrap()
    assert (report.complete, report.unfinished) == (True, ())
    assert caplog.messages == ["Closing a metric reader failed: OSError: broken; the program continues without it"]


def test_a_deletion_that_hangs_costs_its_time_limit(hang: Callable[[], object]) -> None:
    handle = started(lambda: Deleting(hang))
    began = time.monotonic()
    result = handle.delete_pushed_metrics(0.1)
    assert time.monotonic() - began <= 2
    assert (result.code, result.message) == (
        "timeout",
        "Deleting the metrics pushed by foreign failed: it has not ended in time",
    )


def test_a_deletion_that_raises_is_a_failure() -> None:
    result = started(lambda: Deleting(broken)).delete_pushed_metrics()
    assert (result.code, result.message) == (
        "error",
        "Deleting the metrics pushed by foreign failed: OSError: broken",
    )


def test_a_deletion_that_succeeds_is_a_success() -> None:
    assert started(lambda: Deleting(lambda: FlextResult.ok(None))).delete_pushed_metrics().success


def test_a_failed_deletion_at_the_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    report = started(lambda: Deleting(broken), push_gateway_delete_at_exit=True).shutdown().unwrap()
    assert report.unfinished == ()
    (line,) = caplog.messages
    assert line.startswith("Pushed metrics are not deleted: Deleting the metrics pushed by foreign failed: ")
