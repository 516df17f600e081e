"""Spans that are open for long are in a file until they end; others never."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import StatusCode

from flext_observability.engine.open_spans import OpenSpans
from flext_observability.engine.span_options import SamplingRule
from flext_observability.engine.tracer import EngineTracerProvider
from flext_observability.extensions.ports import EncodedRequest, ExportOutcome
from flext_observability.pipeline import span_snapshots
from flext_observability.pipeline.export_processors import ExportSpanProcessor
from flext_observability.pipeline.ledger import SignalCounter
from flext_observability.pipeline.span_snapshots import SpanSnapshots
from flext_observability.pipeline.spool.record import STORED, scan
from flext_observability.pipeline.spool.session import SpoolSession
from flext_observability.pipeline.spool.store import Spool
from flext_observability.pipeline.spool.worker_spool import WorkerSpool
from flext_observability.wire.otlp.encode import encode_request


class Requests:
    """Encodes spans as OTLP requests."""

    def encode_request(self, batch: Sequence[object]) -> Sequence[EncodedRequest]:
        return [EncodedRequest(encode_request("traces", batch), len(batch), "")]

    def send_request(self, body: bytes, items: int, timeout_seconds: float) -> ExportOutcome:
        return ExportOutcome(accepted=items)


class Line:
    """A provider of either engine, its registry, and the file."""

    def __init__(self, folder: Path, engine: str, after_seconds: float = 0.0, spools: int = 1) -> None:
        self.store = Spool(folder, max_bytes=1 << 20, max_age_seconds=60)
        session = SpoolSession(self.store)
        self.processor = ExportSpanProcessor(SignalCounter("traces"), ())
        self.open: OpenSpans = self.processor.open
        self.spools = [WorkerSpool[Any](session, "traces", f"n{n}", "", Requests()) for n in range(spools)]
        self.provider: Any = self.sdk() if engine == "sdk" else self.lean()
        self.snapshots = SpanSnapshots(self.open, self.spools, self.store.own_folder, after_seconds)

    def sdk(self) -> TracerProvider:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self.processor)
        return provider

    def lean(self) -> EngineTracerProvider:
        sink, rule = self.processor.sink, SamplingRule(1 << 64, parent_based=False)
        return EngineTracerProvider(resource=Resource({}), sampler=ALWAYS_ON, rule=rule, limits=SpanLimits(), sink=sink)

    def start(self, name: str, **options: Any) -> Any:
        return self.provider.get_tracer("t").start_span(name, **options)

    def kept(self) -> list[Any]:
        """Return the spans that the next start would send."""
        folder = self.store.own_folder()
        assert folder is not None
        path = folder / "open-spans"
        records = [each for each in scan(path.read_bytes()) if each.state == STORED] if path.exists() else []
        requests = [ExportTraceServiceRequest.FromString(each.record.body) for each in records if each.record]
        return [request.resource_spans[0].scope_spans[0].spans[0] for request in requests]

    def names(self) -> list[str]:
        return [span.name for span in self.kept()]


@pytest.fixture(params=["lean", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_span_is_kept_until_it_ends(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine)
    first, second = line.start("first"), line.start("second")
    line.snapshots.update()
    assert line.names() == ["first", "second"]
    first.end()
    assert line.names() == ["second"]
    third = line.start("third")
    line.snapshots.update()
    assert sorted(line.names()) == ["second", "third"]
    for span in (second, third):
        span.end()
        span.end()
    assert line.names() == []
    line.snapshots.update()
    assert len(line.open) == 0
    line.snapshots.close()


def test_a_kept_span_is_aborted_and_keeps_its_identity(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine)
    span = line.start("work", attributes={"n": 1})
    span.add_event("paid")
    line.snapshots.update()
    (kept,) = line.kept()
    context = span.get_span_context()
    assert (kept.trace_id, kept.span_id) == (context.trace_id.to_bytes(16), context.span_id.to_bytes(8))
    assert kept.start_time_unix_nano == span.start_time < kept.end_time_unix_nano
    assert {each.key: each.value.string_value or each.value.int_value for each in kept.attributes} == {
        "error.type": "killed",
        "n": 1,
        "flext.outcome": "aborted",
    }
    assert (kept.status.code, kept.status.message) == (2, "The process ended before the span")
    assert [event.name for event in kept.events] == ["paid"]
    assert span.is_recording()
    assert "error.type" not in span.attributes


def test_a_success_of_the_program_is_kept(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine)
    line.start("work").set_status(StatusCode.OK)
    line.snapshots.update()
    assert line.kept()[0].status.code == 1


def test_spans_that_are_open_for_a_short_time_are_not_kept(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine, after_seconds=3600)
    line.start("short")
    line.start("long", start_time=1)
    line.snapshots.update()
    assert line.names() == ["long"]


def test_the_number_of_spans_is_bounded(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_snapshots, "MAX_SPANS", 2)
    line = Line(tmp_path, engine)
    for name in ("a", "b", "c"):
        line.start(name)
    line.snapshots.update()
    assert line.names() == ["a", "b"]
    assert len(line.open) == 3


def test_each_exporter_has_a_record_of_its_own(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine, spools=2)
    span = line.start("work")
    line.snapshots.update()
    assert line.names() == ["work", "work"]
    span.end()
    assert line.names() == []


def test_a_later_pipeline_keeps_the_spans_of_an_earlier_one(tmp_path: Path, engine: str) -> None:
    earlier, later = Line(tmp_path / "earlier", engine), Line(tmp_path / "later", engine)
    long, ending, new = (earlier.start(name) for name in ("long", "ending", "new"))
    earlier.snapshots.update()
    newest = earlier.start("newest")
    later.processor.follow(earlier.processor, is_added=False)
    earlier.snapshots.close()
    earlier.snapshots.update()
    ending.end()
    later.snapshots.update()
    assert sorted(later.names()) == ["long", "new", "newest"]
    for span in (long, new, newest):
        span.end()
    assert later.names() == []
    assert len(later.open) == 0


def test_values_that_cannot_be_encoded_cost_no_other_work(tmp_path: Path) -> None:
    line = Line(tmp_path, "lean")
    span = line.start("work")
    span._options = None
    line.snapshots.update()  # it never raises
    assert line.names() == []


def test_without_a_folder_nothing_is_kept(tmp_path: Path, engine: str) -> None:
    (tmp_path / "file").touch()
    line = Line(tmp_path / "file", engine)
    span = line.start("work")
    line.snapshots.update()
    span.end()
    assert len(line.open) == 0


def test_a_child_leaves_the_file_to_its_parent(tmp_path: Path, engine: str) -> None:
    line = Line(tmp_path, engine)
    span = line.start("work")
    line.snapshots.update()
    assert line.names() == ["work"]
    child = os.fork()
    if child == 0:
        span.end()
        line.snapshots.update()
        line.snapshots.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert line.names() == ["work"]
    span.end()
    assert line.names() == []


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    line = Line(tmp_path, "lean")

    class Closing(Requests):
        def encode_request(self, batch: Sequence[object]) -> Sequence[EncodedRequest]:
            line.snapshots.close()  # as another thread may
            return super().encode_request(batch)

    line.spools.append(WorkerSpool[Any](SpoolSession(line.store), "traces", "closing", "", Closing()))
    line.start("work")
    line.snapshots.update()
    assert line.names() == []
