"""Receivers that fail for a while: queueing, retries, log lines, and equal counts at both ends."""

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


def record(indexes: range) -> None:
    """Record a span, a log record and a measurement for each index."""
    tracer, logger = trace.get_tracer("t"), logging.getLogger("app")
    counter = metrics.get_meter("t").create_counter("count")
    for index in indexes:
        with tracer.start_as_current_span(f"{index}"):
            logger.info("%d", index)
            counter.add(1)


def states(handle: Observability) -> set[str]:
    return {status.state for status in handle.status().values()}


def row(ledger: LedgerSnapshot, signal: Signal, exporter: str) -> ExporterCounts:
    return next(each for each in ledger.exporters if (each.signal, each.exporter) == (signal, exporter))


def assert_adds_up(ledger: LedgerSnapshot) -> None:
    """Assert both equations of the ledger for each signal and exporter."""
    finished = {counts.signal: counts.finished for counts in ledger.signals}
    for counts in ledger.signals:
        assert counts.started == counts.open + counts.sampled_out + counts.finished, counts
    for each in ledger.exporters:
        parts = each.queued + each.in_flight + each.exported + each.spooled + sum(each.dropped.values())
        assert each.finished == parts, each
        if each.signal != "metrics":
            assert each.finished == finished[each.signal], each


def assert_same_at_both_ends(ledger: LedgerSnapshot, exporter: str, requests: list[Any]) -> None:
    """Assert that the exported items of the ledger have arrived, each once."""
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
    with receiver(protocol) as endpoint:
        endpoint.fail()
        handle = init_observability(exporters=exporter, otlp_endpoint=endpoint.url, **QUICK).unwrap()
        record(range(300))
        assert eventually(lambda: endpoint.request_count() >= 6)
        record(range(300, 400))
        status = handle.status()
        assert {each.state for each in status.values()} == {"degraded"}
        assert all(endpoint.url.removeprefix("http://") in each.reason and each.fix for each in status.values())
        endpoint.recover()
        # Recovery needs no flush.
        assert eventually(
            lambda: len(spans(endpoint.accepted_requests())) == len(records(endpoint.accepted_requests())) == 400
        )
        assert eventually(lambda: points(endpoint.accepted_requests())[-1:] == [400])
        assert eventually(lambda: states(handle) == {"active"})
        report = handle.shutdown(5).unwrap()
        requests = endpoint.accepted_requests()
    assert spans(requests) == records(requests) == [str(index) for index in range(400)]
    assert points(requests)[-1] == 400
    assert (report.complete, report.queued, report.dropped) == (True, 0, {})
    assert_adds_up(report.ledger)
    assert_same_at_both_ends(report.ledger, exporter, requests)
    messages = [entry.getMessage() for entry in caplog.records if entry.name == "flext_observability.export"]
    assert len(messages) == 2, messages
    assert f"{exporter} (" in messages[0]
    assert "is down, waiting to send again" in messages[0]
    assert f"{exporter} has recovered after" in messages[1]


# ---- stopped, and started again --------------------------------------------------------------------------------------

STEADY = """
import json, logging, sys, threading
from opentelemetry import metrics, trace
from flext_observability import init_observability

handle = init_observability(
    service_name="steady", console=False, log_level="info", traces_schedule_delay_seconds=0.05,
    logs_schedule_delay_seconds=0.05, metric_export_interval_seconds=0.1,
).unwrap()
stopped = threading.Event()
count = 0

def work():
    global count
    tracer, counter = trace.get_tracer("t"), metrics.get_meter("t").create_counter("count")
    while not stopped.wait(0.002):
        with tracer.start_as_current_span(str(count)):
            logging.getLogger("app").info(str(count))
            counter.add(1)
        count += 1

worker = threading.Thread(target=work)
worker.start()
sys.stdin.readline()
stopped.set()
worker.join()
report = handle.shutdown(5).unwrap()
print(json.dumps([count, report.dropped, [
    [row.signal, row.finished, row.exported, row.queued + row.in_flight] for row in report.ledger.exporters
]]))
"""


@contextmanager
def steady(protocol: str, url: str, errors: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program that records until it reads a line. Its stderr goes to a file."""
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
def test_no_item_is_lost_over_a_restart_of_the_receiver(protocol: str, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with ExitStack() as program:
        with receiver(protocol) as first:
            child = program.enter_context(steady(protocol, first.url, errors))
            assert eventually(
                lambda: (
                    spans(first.accepted_requests())
                    and records(first.accepted_requests())
                    and points(first.accepted_requests())
                )
            )
        assert eventually(lambda: "is down" in errors.read_text())
        missed = len(spans(first.accepted_requests()))
        with receiver(protocol, int(first.url.rpartition(":")[2])) as second:
            assert eventually(lambda: "recovered" in errors.read_text())
            out, _ = child.communicate("end\n", timeout=20)
    count, dropped, rows = json.loads(out)
    requests = [*first.accepted_requests(), *second.accepted_requests()]
    assert spans(requests) == records(requests) == [str(index) for index in range(count)]
    assert count > missed
    assert points(requests)[-1] == count
    assert dropped == {}
    assert sorted(rows) == [
        ["logs", count, count, 0],
        ["metrics", len(points(requests)), len(points(requests)), 0],
        ["traces", count, count, 0],
    ]
    *down, recovered = errors.read_text().splitlines()
    # One line for each reason: a server that stops may cancel a call, and then refuses connections.
    assert len(down) == len({line.rpartition(": ")[0] for line in down}) <= 2, down
    assert all(line.startswith(f"{name_of(protocol)} (") and "is down, waiting to send again" in line for line in down)
    assert f"{name_of(protocol)} has recovered after" in recovered


# ---- delays requested by the receiver --------------------------------------------------------------------------------


def arrival_seconds(request_count: Callable[[], int]) -> tuple[float, float]:
    """Record one span. Return the times of its first and second request, in seconds since the epoch."""
    record(range(1))
    assert eventually(lambda: request_count() == 1)
    first = time.time()
    assert eventually(lambda: request_count() == 2)
    return first, time.time()


def only_traces(name: str) -> dict[Signal, str]:
    return {"traces": name, "metrics": "none", "logs": "none"}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_seconds_are_respected(status: int) -> None:
    with collector() as received:
        received.answers.append(Answer(status, {"retry-after": "1"}))
        init_observability(exporters=only_traces("otlp_http"), otlp_endpoint=received.url, **QUICK)
        first, again = arrival_seconds(lambda: len(received.requests))
        received.wait_for(lambda each: len(each.spans()) == 1)
    assert 0.95 <= again - first <= 1.5  # the back-off without the header is 0.375 to 0.625 s


def test_a_receiver_that_fails_every_other_time_is_logged_a_few_times(caplog: pytest.LogCaptureFixture) -> None:
    with collector() as received:
        for _ in range(8):
            received.answers.extend((Answer(503, {"retry-after": "0"}), Answer()))
        handle = init_observability(exporters=only_traces("otlp_http"), otlp_endpoint=received.url, **QUICK).unwrap()
        for number in range(8):
            trace.get_tracer("t").start_span(f"span {number}").end()
            handle.flush(10)
        received.wait_for(lambda each: len(each.spans()) == 8)
    lines = [line for line in caplog.messages if line.startswith("otlp_http")]
    assert len(lines) == 5
    assert "flaps" in lines[-1]


def test_a_retry_after_date_is_respected() -> None:
    with collector() as received:
        at = int(time.time()) + 2
        received.answers.append(Answer(503, {"retry-after": formatdate(at, usegmt=True)}))
        init_observability(exporters=only_traces("otlp_http"), otlp_endpoint=received.url, **QUICK)
        _, again = arrival_seconds(lambda: len(received.requests))
    assert at <= again <= at + 0.5


def test_a_grpc_retry_delay_is_respected() -> None:
    info, detail = RetryInfo(), AnyMessage()
    info.retry_delay.seconds = 1
    detail.Pack(info)
    trailing = (("grpc-status-details-bin", Status(code=8, message="slow down", details=[detail]).SerializeToString()),)
    with grpc_collector() as received:
        received.rejections.append((grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down", trailing))
        init_observability(exporters=only_traces("otlp_grpc"), otlp_endpoint=received.url, **QUICK)
        first, again = arrival_seconds(lambda: len(received.metadata))
    assert 0.95 <= again - first <= 1.5


# ---- one dead exporter among others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exporters", [("otlp_http", "memory"), ("memory", "otlp_http")])
def test_a_silent_receiver_does_not_delay_other_exporters(exporters: tuple[str, ...]) -> None:
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
        silenced = row(flushed.ledger, "traces", "otlp_http")
        assert silenced.in_flight > 0
        assert silenced.in_flight + silenced.queued == 100  # the first batch may leave before the last span ends
        assert_adds_up(flushed.ledger)
        report = handle.shutdown(0.3).unwrap()
    assert report.duration_seconds < 0.6
    for signal in ("traces", "logs"):
        assert row(report.ledger, signal, "memory").exported == 100
        assert row(report.ledger, signal, "otlp_http").dropped == {"shutdown_deadline": 100}
    assert_adds_up(report.ledger)


def test_a_hanging_exporter_does_not_delay_other_exporters() -> None:
    stuck = [ScriptedExporter() for _ in range(3)]
    for each in stuck:
        each.hold.clear()
    unused = iter(stuck)
    register_exporter("stuck", OneExporterFactory(lambda signal: next(unused)))
    with collector() as received:
        handle = init_observability(exporters=["stuck", "otlp_http"], otlp_endpoint=received.url, **QUICK).unwrap()
        record(range(50))
        received.wait_for(lambda each: len(each.spans()) == len(each.log_records()) == 50)
        received.wait_for(lambda each: each.metrics() and each.metrics()[-1].sum.data_points[0].as_int == 50)
        report = handle.shutdown(0.3).unwrap()
        for each in stuck:
            each.hold.set()
    assert row(report.ledger, "traces", "stuck").dropped == {"shutdown_deadline": 50}
    assert row(report.ledger, "traces", "otlp_http").exported == 50
    assert row(report.ledger, "logs", "otlp_http").exported == 50
    assert_adds_up(report.ledger)


# ---- queue overflow and partial success ------------------------------------------------------------------------------


def test_queue_overflow_is_counted_exactly() -> None:
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


def test_overflow_during_a_request_is_counted_exactly() -> None:
    slow = ScriptedExporter(BUSY)
    slow.hold.clear()
    register_exporter("slow", OneExporterFactory(lambda signal: slow, ["traces"]))
    limits: dict[str, Any] = {"traces_max_queue_size": 10, "traces_max_export_batch_size": 10}
    handle = init_observability(exporters="slow", **QUICK, **limits).unwrap()
    record(range(10))
    assert slow.wait_for_batches(1)
    record(range(10, 16))  # with the ten in flight, more than the queue size
    slow.hold.set()
    report = handle.shutdown(5).unwrap()
    assert [span.name for span in slow.batches[1]] == [str(index) for index in range(6, 16)]
    counts = row(report.ledger, "traces", "slow")
    assert (counts.finished, counts.exported, counts.dropped) == (16, 10, {"queue_full": 6})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_partial_success_counts_rejected_items(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    partial = ExportTraceServiceResponse()  # the responses of all signals have the same fields
    partial.partial_success.rejected_spans = 1
    partial.partial_success.error_message = "one is too old"
    exporter = name_of(protocol)
    with receiver(protocol) as endpoint:
        endpoint.accept_partially(partial.SerializeToString())
        options: dict[str, Any] = {**QUICK, "metric_export_interval_seconds": 60.0}
        handle = init_observability(exporters=exporter, otlp_endpoint=endpoint.url, **options).unwrap()
        record(range(7))
        report = handle.shutdown(5).unwrap()
        assert len(endpoint.accepted_requests()) == 3
    counted = {each.signal: (each.finished, each.exported, each.dropped) for each in report.ledger.exporters}
    assert counted == {
        "traces": (7, 6, {"rejected": 1}),
        "logs": (7, 6, {"rejected": 1}),
        "metrics": (1, 0, {"rejected": 1}),
    }
    assert report.complete is False
    assert_adds_up(report.ledger)
    messages = [entry.getMessage() for entry in caplog.records if entry.name == "flext_observability.export"]
    assert len(messages) == 1, messages
    assert "is down" not in messages[0]
    assert "one is too old" in messages[0]
