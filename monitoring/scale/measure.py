"""`python -m monitoring.scale.measure`: a native sampler with a known number of spans in memory → bytes per span.

Sends traces to the shipped sampler with a decision time that is longer than the run, and compares its memory before
and after. Needs `make stack-install`.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc  # type: ignore[import-untyped] # the library carries no types
import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from monitoring.native.parts import COLLECTOR
from monitoring.native.places import LOOPBACK, REPOSITORY, StackError, places_from

_EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_TIERS: Final = REPOSITORY / "monitoring" / "scale" / "tiers"
_READY_SECONDS: Final = 30.0
_TRACES_PER_REQUEST: Final = 50
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a sampler, in bytes."""

    resident: int
    heap: int
    traces: int


@dataclass(frozen=True, slots=True)
class _Sampler:
    process: psutil.Process
    address: str
    metrics_url: str

    def memory(self) -> Memory:
        """Return the memory at this moment."""
        page = _OPENER.open(self.metrics_url, timeout=10).read().decode()
        values = dict(re.findall(r"^(otelcol_[a-z_]+)(?:\{[^}]*\})? (\S+)$", page, re.MULTILINE))
        heap = int(float(values["otelcol_process_runtime_heap_alloc_bytes"]))
        traces = int(float(values.get("otelcol_processor_tail_sampling_sampling_traces_on_memory", 0)))
        return Memory(int(self.process.memory_info().rss), heap, traces)

    def settled(self, traces: int) -> Memory:
        """Return the memory once the sampler reports `traces`, which it does every second."""
        deadline = time.monotonic() + _READY_SECONDS
        while (found := self.memory()).traces != traces:
            if time.monotonic() > deadline:
                raise StackError(
                    f"The sampler has {found.traces} of {traces} traces. Free memory, or pass a smaller --traces."
                )
            time.sleep(0.2)
        return found


def main() -> int:
    """Run the measurement, print it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.scale.measure", description=str(__doc__).split("\n")[2])
    parser.add_argument("--traces", type=int, default=10000, help="traces in memory (default 10000)")
    parser.add_argument("--trace-length", type=int, default=10, help="spans of a trace (default 10)")
    parser.add_argument("--attributes", type=int, default=10, help="attributes of a span (default 10)")
    chosen = parser.parse_args()
    try:
        with _sampler(chosen.traces) as sampler:
            before = sampler.memory()
            wire = _send(sampler.address, chosen.traces, chosen.trace_length, chosen.attributes)
            after = sampler.settled(chosen.traces)
    except StackError as problem:
        print(problem, file=sys.stderr)
        return 1
    spans = after.traces * chosen.trace_length
    resident, heap = after.resident - before.resident, after.heap - before.heap
    print(f"traces in memory  {after.traces}, {spans} spans of {wire / spans:.0f} bytes in OTLP")
    print(f"resident memory   {before.resident / 1e6:.0f} MB → {after.resident / 1e6:.0f} MB")
    each, share, live = resident / spans, resident / wire, heap / spans
    print(f"bytes a span      {each:.0f} resident, {share:.1f} × OTLP; {live:.0f} live heap")
    return 0


@contextmanager
def _sampler(num_traces: int) -> Iterator[_Sampler]:
    places = places_from()
    if not places.installed(COLLECTOR):
        raise StackError("The collector is not installed. Run `make stack-install` first.")
    otlp, metrics, health = (_free_port() for _ in range(3))
    own = {
        "HOSTNAME": "measured",
        "COLLECTOR_OTLP_GRPC_ENDPOINT": f"{LOOPBACK}:{otlp}",
        "COLLECTOR_METRICS_HOST": LOOPBACK,
        "COLLECTOR_METRICS_PORT": str(metrics),
        "COLLECTOR_HEALTH_ENDPOINT": f"{LOOPBACK}:{health}",
        "COLLECTOR_MEMORY_LIMIT_MIB": "16384",
        "SAMPLER_NUM_TRACES": str(num_traces * 2),
        "SAMPLER_DECISION_WAIT": "1h",
        "GOGC": "100",
    }
    files = ("--config", str(_TIERS / "sampler.yaml"), "--config", str(_TIERS / "sampler-without-kafka.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ) | own | {"COLLECTOR_QUEUE_DIRECTORY": folder}
        with (Path(folder) / "log").open("wb") as log:
            child = subprocess.Popen(
                [str(places.program(COLLECTOR, "otelcol")), *files], env=environment, stdout=log, stderr=log
            )
        try:
            _wait_until_ready(f"http://{LOOPBACK}:{health}/", child)
            yield _Sampler(psutil.Process(child.pid), f"{LOOPBACK}:{otlp}", f"http://{LOOPBACK}:{metrics}/metrics")
        finally:
            child.kill()
            child.wait()


def _wait_until_ready(url: str, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            if _OPENER.open(url, timeout=2).status == 200:
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise StackError(f"The sampler does not answer {url} within {_READY_SECONDS:.0f} s. Run `make validate`.")


def _send(address: str, traces: int, length: int, attributes: int) -> int:
    """Send the traces, and return their bytes in OTLP."""
    total = 0
    opened: Any = grpc.insecure_channel(address)
    with opened as channel:
        export = channel.unary_unary(_EXPORT, ExportTraceServiceRequest.SerializeToString)
        for first in range(0, traces, _TRACES_PER_REQUEST):
            numbers = range(first, min(first + _TRACES_PER_REQUEST, traces))
            spans = [_span(number, index, attributes) for number in numbers for index in range(length)]
            name = KeyValue(key="service.name", value=AnyValue(string_value="measured"))
            scopes = [ScopeSpans(spans=spans)]
            request = ExportTraceServiceRequest(
                resource_spans=[ResourceSpans(resource=Resource(attributes=[name]), scope_spans=scopes)]
            )
            total += request.ByteSize()
            export(request, timeout=30.0)
    return total


def _span(number: int, index: int, attributes: int) -> Span:
    end = time.time_ns()
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number * 1000 + index + 1).to_bytes(8, "big"),
        name=f"GET /orders/{{id}}/items/{index}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=end - 5_000_000,
        end_time_unix_nano=end,
        attributes=[
            KeyValue(key=f"http.request.header.{one}", value=AnyValue(string_value=f"value {number} {index} {one}"))
            for one in range(attributes)
        ],
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
