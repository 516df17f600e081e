"""Receivers that fail for a while: what waits, what is sent again, what is said, and what is counted, at both ends."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped] # the library carries no types
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # its package has no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # as above
from opentelemetry import metrics, trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from flext_observability import Observability, init_observability, register_exporter
from flext_observability.domain.report import ExporterCounts, LedgerSnapshot, Signal
from flext_observability.exporters.memory import memory_store
from tests.backends.collector import Answer, collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.raw import raw_server, silent
from tests.backends.receiver import points, receiver, records, spans
from tests.fakes import BUSY, OneExporterFactory, ScriptedExporter
from tests.programs import environment
from tests.waiting import eventually

PROTOCOLS = ("http/protobuf", "grpc")
QUICK: dict[str, Any] = {
    "traces_schedule_delay_seconds": 0.05,
    "logs_schedule_delay_seconds": 0.05,
    "metric_export_interval_seconds": 0.1,
    "log_level": "info",
    "console": False,
}


def record(names: range) -> None:
    """Make a span, a log record and a measurement for each."""
    tracer, logger = trace.get_tracer("t"), logging.getLogger("app")
    counter = metrics.get_meter("t").create_counter("count")
    for index in names:
        with tracer.start_as_current_span(f"{index}"):
            logger.info("%d", index)
            counter.add(1)


def states(handle: Observability) -> set[str]:
    return {status.state for status in handle.status().values()}


def row(ledger: LedgerSnapshot, signal: Signal, exporter: str) -> ExporterCounts:
    return next(each for each in ledger.exporters if (each.signal, each.exporter) == (signal, exporter))


def assert_adds_up(ledger: LedgerSnapshot) -> None:
    """Check both equations of the ledger for every signal and exporter."""
    finished = {counts.signal: counts.finished for counts in ledger.signals}
    for counts in ledger.signals:
        assert counts.started == counts.open + counts.sampled_out + counts.finished, counts
    for each in ledger.exporters:
        parts = each.queued + each.in_flight + each.exported + each.spooled + sum(each.dropped.values())
        assert each.finished == parts, each
        if each.signal != "metrics":
            assert each.finished == finished[each.signal], each


def assert_same_at_both_ends(ledger: LedgerSnapshot, exporter: str, requests: list[Any]) -> None:
    """Check that what the ledger calls exported is what arrived, each item once."""
    arrived: dict[str, list[Any]] = {"traces": spans(requests), "logs": records(requests), "metrics": points(requests)}
    assert {each.signal: each.exported for each in ledger.exporters if each.exporter == exporter} == {
        signal: len(items) for signal, items in arrived.items()
    }
    for signal in ("traces", "logs"):
        assert len(arrived[signal]) == len(set(arrived[signal])), signal


def name_of(protocol: str) -> str:
    return "otlp_grpc" if protocol == "grpc" else "otlp_http"


# ---- unavailable for a while -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_lost_while_a_receiver_is_busy(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    exporter = name_of(protocol)
    with receiver(protocol) as far:
        far.fail()
        handle = init_observability(exporters=exporter, otlp_endpoint=far.url, **QUICK).unwrap()
        record(range(300))
        assert eventually(lambda: far.asked() >= 6)
        record(range(300, 400))
        status = handle.status()
        assert {each.state for each in status.values()} == {"degraded"}
        assert all(far.url.removeprefix("http://") in each.reason and each.fix for each in status.values())
        far.recover()
        # Nobody flushes: it comes back by itself.
        assert eventually(lambda: len(spans(far.taken())) == len(records(far.taken())) == 400)
        assert eventually(lambda: points(far.taken())[-1:] == [400])
        assert eventually(lambda: states(handle) == {"active"})
        report = handle.shutdown(5).unwrap()
        requests = far.taken()
    assert spans(requests) == records(requests) == [str(index) for index in range(400)]
    assert points(requests)[-1] == 400
    assert (report.complete, report.queued, report.dropped) == (True, 0, {})
    assert_adds_up(report.ledger)
    assert_same_at_both_ends(report.ledger, exporter, requests)
    ours = [entry.getMessage() for entry in caplog.records if entry.name.startswith("flext_observability")]
    assert len(ours) == 2, ours
    assert f"{exporter} (" in ours[0]
    assert "is down, waiting to send again" in ours[0]
    assert f"{exporter} has recovered after" in ours[1]


# ---- stopped, and started again --------------------------------------------------------------------------------------

STEADY = """
import json, logging, sys, threading
from opentelemetry import metrics, trace
from flext_observability import init_observability

handle = init_observability(
    service_name="steady", console=False, log_level="info", traces_schedule_delay_seconds=0.05,
    logs_schedule_delay_seconds=0.05, metric_export_interval_seconds=0.1,
).unwrap()
over = threading.Event()
made = 0

def work():
    global made
    tracer, counter = trace.get_tracer("t"), metrics.get_meter("t").create_counter("count")
    while not over.wait(0.002):
        with tracer.start_as_current_span(str(made)):
            logging.getLogger("app").info(str(made))
            counter.add(1)
        made += 1

worker = threading.Thread(target=work)
worker.start()
sys.stdin.readline()
over.set()
worker.join()
report = handle.shutdown(5).unwrap()
print(json.dumps([made, report.dropped, [
    [row.signal, row.finished, row.exported, row.queued + row.in_flight] for row in report.ledger.exporters
]]))
"""


@contextmanager
def steady(protocol: str, url: str, errors: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the program that records all the time until it gets a line; its stderr goes into a file."""
    settings = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
    with (
        errors.open("w") as target,
        subprocess.Popen(
            [sys.executable, "-c", STEADY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=target,
            text=True,
            env=environment(settings),
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_receiver_that_is_stopped_and_started_again_misses_nothing(protocol: str, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with ExitStack() as program:
        with receiver(protocol) as first:
            child = program.enter_context(steady(protocol, first.url, errors))
            assert eventually(lambda: spans(first.taken()) and records(first.taken()) and points(first.taken()))
        assert eventually(lambda: "is down" in errors.read_text())
        missed = len(spans(first.taken()))
        with receiver(protocol, int(first.url.rpartition(":")[2])) as second:
            assert eventually(lambda: "recovered" in errors.read_text())
            out, _ = child.communicate("end\n", timeout=20)
    made, dropped, rows = json.loads(out)
    requests = [*first.taken(), *second.taken()]
    assert spans(requests) == records(requests) == [str(index) for index in range(made)]
    assert made > missed
    assert points(requests)[-1] == made
    assert dropped == {}
    assert sorted(rows) == [
        ["logs", made, made, 0],
        ["metrics", len(points(requests)), len(points(requests)), 0],
        ["traces", made, made, 0],
    ]
    lines = errors.read_text().splitlines()
    assert len(lines) == 2, lines
    assert f"{name_of(protocol)} (" in lines[0]
    assert f"{name_of(protocol)} has recovered after" in lines[1]


# ---- waits that the receiver asks for --------------------------------------------------------------------------------


def arrival_seconds(asked: Callable[[], int]) -> tuple[float, float]:
    """Record one span; return when it was sent first and again, in seconds since the epoch."""
    record(range(1))
    assert eventually(lambda: asked() == 1)
    first = time.time()
    assert eventually(lambda: asked() == 2)
    return first, time.time()


def only_traces(name: str) -> dict[Signal, str]:
    return {"traces": name, "metrics": "none", "logs": "none"}


@pytest.mark.parametrize("status", [429, 503])
def test_the_seconds_of_retry_after_are_waited_for(status: int) -> None:
    with collector() as received:
        received.answers.append(Answer(status, {"retry-after": "1"}))
        init_observability(exporters=only_traces("otlp_http"), otlp_endpoint=received.url, **QUICK)
        first, again = arrival_seconds(lambda: len(received.requests))
        received.wait_for(lambda each: len(each.spans()) == 1)
    assert 0.95 <= again - first <= 1.5  # by itself it would have come after 0.375 to 0.625 s


def test_the_date_of_retry_after_is_waited_for() -> None:
    with collector() as received:
        at = int(time.time()) + 2
        received.answers.append(Answer(503, {"retry-after": formatdate(at, usegmt=True)}))
        init_observability(exporters=only_traces("otlp_http"), otlp_endpoint=received.url, **QUICK)
        _, again = arrival_seconds(lambda: len(received.requests))
    assert at <= again <= at + 0.5


def test_the_delay_of_grpc_is_waited_for() -> None:
    info, detail = RetryInfo(), AnyMessage()
    info.retry_delay.seconds = 1
    detail.Pack(info)
    trailing = (("grpc-status-details-bin", Status(code=8, message="slow down", details=[detail]).SerializeToString()),)
    with grpc_collector() as received:
        received.refusals.append((grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", trailing))
        init_observability(exporters=only_traces("otlp_grpc"), otlp_endpoint=received.url, **QUICK)
        first, again = arrival_seconds(lambda: len(received.metadata))
    assert 0.95 <= again - first <= 1.5


# ---- one dead exporter among others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exporters", [("otlp_http", "memory"), ("memory", "otlp_http")])
def test_a_silent_receiver_stalls_no_other_exporter(exporters: tuple[str, ...]) -> None:
    store = memory_store()
    store.clear()
    with raw_server(silent) as server:
        handle = init_observability(exporters=exporters, otlp_endpoint=server.url, **QUICK).unwrap()
        began = time.monotonic()
        record(range(100))
        assert time.monotonic() - began < 1
        assert eventually(lambda: len(store.spans) == len(store.logs) == 100 and store.metric("count"))
        flushed = handle.flush(0.2).unwrap()
        assert not flushed.complete
        assert row(flushed.ledger, "traces", "memory").exported == 100
        assert row(flushed.ledger, "traces", "otlp_http").in_flight == 100
        assert_adds_up(flushed.ledger)
        report = handle.shutdown(0.3).unwrap()
    assert report.duration_seconds < 0.6
    for signal in ("traces", "logs"):
        assert row(report.ledger, signal, "memory").exported == 100
        assert row(report.ledger, signal, "otlp_http").dropped == {"shutdown_deadline": 100}
    assert_adds_up(report.ledger)


def test_an_exporter_that_hangs_for_ever_stalls_no_receiver() -> None:
    stuck = [ScriptedExporter() for _ in range(3)]
    for each in stuck:
        each.hold.clear()
    waiting = iter(stuck)
    register_exporter("stuck", OneExporterFactory(lambda signal: next(waiting)))
    with collector() as received:
        handle = init_observability(exporters=["stuck", "otlp_http"], otlp_endpoint=received.url, **QUICK).unwrap()
        record(range(50))
        received.wait_for(lambda each: len(each.spans()) == len(each.log_records()) == 50)
        received.wait_for(lambda each: each.metrics()[-1].sum.data_points[0].as_int == 50)
        report = handle.shutdown(0.3).unwrap()
        for each in stuck:
            each.hold.set()
    assert row(report.ledger, "traces", "stuck").dropped == {"shutdown_deadline": 50}
    assert row(report.ledger, "traces", "otlp_http").exported == 50
    assert row(report.ledger, "logs", "otlp_http").exported == 50
    assert_adds_up(report.ledger)


# ---- more than the queue holds, less than was sent -------------------------------------------------------------------


def test_what_the_queue_cannot_hold_is_counted_exactly() -> None:
    limits: dict[str, Any] = {
        f"{signal}_max_{what}": size
        for signal in ("traces", "logs")
        for what, size in {"queue_size": 20, "export_batch_size": 10}.items()
    }
    with collector() as received:
        received.standing = Answer(503, {"retry-after": "60"})
        handle = init_observability(exporters="otlp_http", otlp_endpoint=received.url, **QUICK, **limits).unwrap()
        record(range(5))
        assert eventually(lambda: {each.path for each in received.requests} >= {"/v1/traces", "/v1/logs"})
        assert eventually(
            lambda: all(each.in_flight == 0 for status in handle.status().values() for each in status.deliveries)
        )
        record(range(5, 57))
        received.standing = Answer()
        report = handle.shutdown(5).unwrap()
    newest = [str(index) for index in range(37, 57)]
    assert [span.name for span in received.spans()] == newest
    assert [each.body.string_value for each in received.log_records()] == newest
    for signal in ("traces", "logs"):
        counts = row(report.ledger, signal, "otlp_http")
        assert (counts.finished, counts.exported, counts.dropped) == (57, 20, {"queue_full": 37})
    assert received.metrics()[-1].sum.data_points[0].as_int == 57
    assert_adds_up(report.ledger)


def test_what_overflows_during_a_request_is_counted_exactly() -> None:
    slow = ScriptedExporter(BUSY)
    slow.hold.clear()
    register_exporter("slow", OneExporterFactory(lambda signal: slow, ["traces"]))
    limits: dict[str, Any] = {"traces_max_queue_size": 10, "traces_max_export_batch_size": 10}
    handle = init_observability(exporters="slow", **QUICK, **limits).unwrap()
    record(range(10))
    assert slow.wait_for_batches(1)
    record(range(10, 16))  # these wait while the first ten are under way, and ten is all that may wait
    slow.hold.set()
    report = handle.shutdown(5).unwrap()
    assert [span.name for span in slow.batches[1]] == [str(index) for index in range(6, 16)]
    counts = row(report.ledger, "traces", "slow")
    assert (counts.finished, counts.exported, counts.dropped) == (16, 10, {"queue_full": 6})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_receiver_takes_in_part_is_counted_as_rejected(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    partial = ExportTraceServiceResponse()  # the responses of all signals have the same fields
    partial.partial_success.rejected_spans = 1
    partial.partial_success.error_message = "one is too old"
    exporter = name_of(protocol)
    with receiver(protocol) as far:
        far.take_partly(partial.SerializeToString())
        options: dict[str, Any] = {**QUICK, "metric_export_interval_seconds": 60.0}
        handle = init_observability(exporters=exporter, otlp_endpoint=far.url, **options).unwrap()
        record(range(7))
        report = handle.shutdown(5).unwrap()
        assert len(far.taken()) == 3
    counted = {each.signal: (each.finished, each.exported, each.dropped) for each in report.ledger.exporters}
    assert counted == {
        "traces": (7, 6, {"rejected": 1}),
        "logs": (7, 6, {"rejected": 1}),
        "metrics": (1, 0, {"rejected": 1}),
    }
    assert report.complete is False
    assert_adds_up(report.ledger)
    said = [entry.getMessage() for entry in caplog.records if entry.name == "flext_observability.export"]
    assert len(said) == 1, said
    assert "is down" not in said[0]
    assert "one is too old" in said[0]
