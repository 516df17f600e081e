"""Durations of exports and collections, with their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from flext_observability.extensions.ports import ExportOutcome, LoadingExporter
from flext_observability.pipeline import timed_calls
from flext_observability.pipeline.timed_calls import timed_collection, timed_exporter
from tests.fakes import BUSY, REJECTED, ScriptedExporter

OWN: Mapping[str, str | int] = {"otel.component.name": "own/0"}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that each reading advances by a second."""
    now = [0.0]

    def monotonic() -> float:
        now[0] += 1
        return now[0]

    # Not the module `time` itself: threads of other tests read it.
    monkeypatch.setattr(timed_calls, "time", SimpleNamespace(monotonic=monotonic))


class Recorded(list[tuple[float, Mapping[str, str | int]]]):
    def record(self, seconds: float, attributes: Mapping[str, str | int]) -> None:
        self.append((seconds, attributes))


def test_success_has_no_type_of_error() -> None:
    recorded = Recorded()
    exporter = timed_exporter(ScriptedExporter(ExportOutcome(accepted=1, status="200")), recorded.record, OWN)
    assert exporter.export([1], 1.0).accepted == 1
    assert recorded == [(1.0, {**OWN, "http.response.status_code": 200})]


def test_a_failure_has_its_reason_and_the_status_of_grpc() -> None:
    recorded = Recorded()
    script = ExportOutcome(reason="unauthorized", status="UNAUTHENTICATED"), REJECTED
    exporter = timed_exporter(ScriptedExporter(*script), recorded.record, OWN)
    exporter.export([1], 1.0)
    exporter.export([1], 1.0)
    failed = {**OWN, "error.type": "unauthorized", "rpc.response.status_code": "UNAUTHENTICATED"}
    assert recorded == [(1.0, failed), (1.0, {**OWN, "error.type": "rejected"})]


def test_retries_are_one_export() -> None:
    recorded = Recorded()
    exporter = timed_exporter(ScriptedExporter(BUSY, BUSY), recorded.record, OWN)
    for _ in range(3):
        assert recorded == []
        exporter.export([1], 1.0)
    assert recorded == [(1.0, OWN)]


def test_an_export_that_is_not_tried_again_fails_at_the_end() -> None:
    recorded, inner = Recorded(), ScriptedExporter(BUSY, ExportOutcome(retry=True))
    exporter = timed_exporter(inner, recorded.record, OWN)
    exporter.export([1], 1.0)
    exporter.close()
    exporter.close()
    exporter.export([1], 1.0)
    exporter.close()
    assert inner.closed
    assert recorded == [(1.0, {**OWN, "error.type": "unavailable"})] * 2


def test_exporters_that_raise_or_return_an_invalid_result() -> None:
    recorded, other = Recorded(), ScriptedExporter(RuntimeError("broken"))
    exporter = timed_exporter(other, recorded.record, OWN)
    with pytest.raises(RuntimeError, match="broken"):
        exporter.export([1], 1.0)
    invalid_result: Any = "done"
    other._script.append(invalid_result)
    assert exporter.export([1], 1.0) == invalid_result
    assert [attributes["error.type"] for _, attributes in recorded] == ["RuntimeError", "error"]


def test_modules_are_loaded_as_before() -> None:
    class Loading(ScriptedExporter):
        loaded = 0

        def load_modules(self) -> None:
            self.loaded += 1

    recorded, inner = Recorded(), Loading()
    exporter = timed_exporter(inner, recorded.record, OWN)
    assert isinstance(exporter, LoadingExporter)
    exporter.load_modules()
    assert inner.loaded == 1
    assert not isinstance(timed_exporter(ScriptedExporter(), recorded.record, OWN), LoadingExporter)


def test_collections_are_timed() -> None:
    recorded = Recorded()
    assert timed_collection(lambda: "data", recorded.record, OWN)() == "data"

    def fail() -> None:
        raise TimeoutError("late")

    with pytest.raises(TimeoutError):
        timed_collection(fail, recorded.record, OWN)()
    assert recorded == [(1.0, OWN), (1.0, {**OWN, "error.type": "TimeoutError"})]
