"""Traces of known kinds → OTLP over gRPC, the spans of each trace in two halves through two routers."""

from __future__ import annotations

import itertools
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import grpc  # type: ignore[import-untyped] # the library carries no types
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EXPORT_LOGS: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
SPANS: Final = 6
"""Spans of each trace."""
PATTERN: Final = ("error", "slow") + 18 * ("ordinary",)
"""Kinds of the traces, repeated: a twentieth each with an error and slow."""
SLOW_NS: Final = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Trace:
    """A sent trace."""

    trace_id: bytes
    kind: str
    sent: float
    """Time of `time.monotonic` before the first half was sent."""


@dataclass(slots=True)
class Load:
    """Sender of traces, which counts what the routers have accepted.

    Attributes:
        addresses: `host:port` of the two receivers.
        service: Value of `service.name`.
        traces: Sent traces in order. Each of their spans was accepted by a receiver.
    """

    addresses: tuple[str, str]
    service: str
    traces: list[Trace] = field(default_factory=list[Trace])
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def send(self, count: int, *, per_second: float = 0.0) -> None:
        """Send `count` traces, in batches of one pattern, at most `per_second` traces per second."""
        channels = [grpc.insecure_channel(address) for address in self.addresses]
        exports = [channel.unary_unary(EXPORT, ExportTraceServiceRequest.SerializeToString) for channel in channels]
        started = time.monotonic()
        for done in range(0, count, len(PATTERN)):
            if per_second:
                time.sleep(max(0.0, started + done / per_second - time.monotonic()))
            batch = [Trace(self._next_id(), kind, time.monotonic()) for kind in PATTERN[: count - done]]
            for half, export in enumerate(exports):
                export(self._request(batch, half), timeout=20.0, wait_for_ready=True)
            self.traces += batch
        for channel in channels:
            channel.close()

    def send_logs(self, count: int) -> None:
        """Send `count` log records to the first receiver."""
        now = time.time_ns()
        records = [
            LogRecord(time_unix_nano=now + number, body=AnyValue(string_value=f"record {number}"))
            for number in range(count)
        ]
        resource = ResourceLogs(resource=self._resource(), scope_logs=[ScopeLogs(log_records=records)])
        with grpc.insecure_channel(self.addresses[0]) as channel:
            export = channel.unary_unary(EXPORT_LOGS, ExportLogsServiceRequest.SerializeToString)
            export(ExportLogsServiceRequest(resource_logs=[resource]), timeout=20.0, wait_for_ready=True)

    def kinds(self) -> Counter[str]:
        """Return the number of sent traces by kind."""
        return Counter(trace.kind for trace in self.traces)

    def _next_id(self) -> bytes:
        # A multiple of a 64-bit prime spreads the ids of a service over all samplers, in the same way in each run.
        number = (zlib.crc32(self.service.encode()) << 24) + next(self._numbers)
        return ((number * 0x9E3779B97F4A7C55) % 2**64).to_bytes(8, "big") + number.to_bytes(8, "big")

    def _request(self, batch: Iterable[Trace], half: int) -> ExportTraceServiceRequest:
        spans = [_span(trace, index) for trace in batch for index in range(SPANS) if index % 2 == half]
        resource = ResourceSpans(resource=self._resource(), scope_spans=[ScopeSpans(spans=spans)])
        return ExportTraceServiceRequest(resource_spans=[resource])

    def _resource(self) -> Resource:
        return Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value=self.service))])


def span_id(trace_id: bytes, index: int) -> bytes:
    """Return the id of a span by its position in the trace."""
    return trace_id[9:] + bytes([index + 1])


def _span(trace: Trace, index: int) -> Span:
    end = time.time_ns()
    length = SLOW_NS if trace.kind == "slow" and index == 0 else 5_000_000
    failed = trace.kind == "error" and index == SPANS - 1
    return Span(
        trace_id=trace.trace_id,
        span_id=span_id(trace.trace_id, index),
        parent_span_id=span_id(trace.trace_id, 0) if index else b"",
        name="request" if index == 0 else f"step {index}",
        kind=Span.SPAN_KIND_SERVER if index == 0 else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=end - length,
        end_time_unix_nano=end,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
    )


def spans_by_trace(requests: Iterable[Any]) -> dict[bytes, Counter[bytes]]:
    """Return how often each span arrived, by trace id and span id."""
    found: dict[bytes, Counter[bytes]] = {}
    for request in list(requests):
        for resource in getattr(request, "resource_spans", ()):
            for scope in resource.scope_spans:
                for span in scope.spans:
                    found.setdefault(span.trace_id, Counter())[span.span_id] += 1
    return found


def counted_spans(requests: Iterable[Any]) -> Counter[str]:
    """Return the number of spans in the span metrics by router: the newest value of each series, summed."""
    newest: dict[tuple[str, ...], tuple[int, int]] = {}
    for request in list(requests):
        for resource in getattr(request, "resource_metrics", ()):
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.sum.data_points if metric.name == "traces.span.metrics.calls" else ():
                    key = tuple(sorted(f"{one.key}={one.value.string_value}" for one in point.attributes))
                    newest[key] = max(newest.get(key, (0, 0)), (point.time_unix_nano, point.as_int))
    counts: Counter[str] = Counter()
    for key, (_, value) in newest.items():
        (router,) = (part.partition("=")[2] for part in key if part.startswith("collector.instance.id="))
        counts[router] += value
    return counts
