"""After the start and the load of the exporters, nothing is imported: not by failures, status, flush or shutdown."""

from __future__ import annotations

from pathlib import Path

import grpc  # type: ignore[import-untyped] # the library carries no types
import pytest

from tests.backends.certificates import make_certificates
from tests.backends.collector import Answer, Collector, collector
from tests.backends.gateway import gateway
from tests.backends.grpc_collector import grpc_collector
from tests.programs import UNMEASURED, run

PROGRAM = """
import logging, os, resource, socket, sys, threading, time, traceback
from opentelemetry import metrics, trace
from flext_observability import (
    flush_observability, get_observability, init_observability, register_exporter, shutdown_observability,
)
from flext_observability.pipeline import export_worker

export_worker.LOAD_DELAY_SECONDS = 0.0
tracer = trace.get_tracer("t")
counter = metrics.get_meter("t").create_counter("count")
imported = []

def work(value="value"):
    with tracer.start_as_current_span("span", attributes={"key": value}):
        logging.getLogger("app").error("line")
        counter.add(1)

def start(exporters, **arguments):
    handle = init_observability(exporters=exporters, console=False, flush_timeout_seconds=0.3, **arguments).unwrap()
    for _ in range(500):
        if not any(worker.needs_load for worker in handle._session.pipeline.workers):
            break
        time.sleep(0.01)
    return handle

def watch():
    def hook(event, arguments):
        if event == "import" and watching:
            imported.append(arguments[0])
            if os.environ.get("SHOW"):
                print(arguments[0], "".join(traceback.format_stack(limit=12)), file=sys.stderr)
    sys.addaudithook(hook)

watching = [1]

def use(handle):
    repr(handle), handle.status(), str(handle.status()), get_observability()
    return handle.flush().unwrap()

def finish(handle):
    report = shutdown_observability(1).unwrap()
    repr(report), repr(handle), handle.status(), flush_observability(), shutdown_observability()
    watching.clear()
    print(sorted(set(imported)))
"""


def imports(source: str, **settings: str) -> str:
    done = run(PROGRAM + source, **settings, **UNMEASURED)
    assert done.code == 0, done.err
    return done.out.strip()


EACH_FAILURE = """
handle = start({exporter!r}, traces_max_queue_size=2)
watch()
for _ in range(4):
    work()
use(handle)
for number in range(10):  # more than fit into the queue
    work()
use(handle)
finish(handle)
"""


def test_replies_import_nothing(received: Collector) -> None:
    types = ("application/x-protobuf", "application/json", "text/plain")
    statuses = (200, 400, 401, 404, 413, 429, 500, 503)
    received.answers.extend(
        Answer(status, {"content-type": kind}, b"\x0a\x00") for kind in types for status in statuses
    )
    program = EACH_FAILURE.format(exporter="otlp_http").replace("use(handle)", "[use(handle) for _ in range(25)]", 1)
    assert imports(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url) == "[]"
    assert not received.answers


@pytest.mark.parametrize(
    ("exporter", "address"),
    [
        ("otlp_http", "http://127.0.0.1:9"),
        ("otlp_http", "http://no-such-host.invalid"),
        ("otlp_http", "https://localhost:9"),
        ("otlp_grpc", "http://localhost:9"),
        ("pushgateway", "http://localhost:9"),
        ("otlp_file", ""),
        ("console", ""),
        ("memory", ""),
        ("prometheus", ""),
    ],
)
def test_failures_import_nothing(exporter: str, address: str, tmp_path: Path) -> None:
    out = imports(
        EACH_FAILURE.format(exporter=exporter),
        OTEL_EXPORTER_OTLP_ENDPOINT=address,
        PROMETHEUS_PUSH_GATEWAY=address,
        FLEXT_OBSERVABILITY_PROMETHEUS_PORT="0",
        FLEXT_OBSERVABILITY_OTLP_FILE_PATH=str(tmp_path / "telemetry.jsonl"),
    )
    assert out == "[]"


def test_a_proxy_imports_nothing() -> None:
    out = imports(
        EACH_FAILURE.format(exporter="otlp_http"),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.example:4318",
        HTTP_PROXY="http://localhost:9",
        NO_PROXY="10.0.0.0/8",
    )
    assert out == "[]"


def test_an_untrusted_certificate_imports_nothing(tmp_path: Path) -> None:
    with collector(context=make_certificates(tmp_path).server_context()) as running:
        out = imports(
            EACH_FAILURE.format(exporter="otlp_http"),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"https://localhost:{running.port}",
        )
    assert out == "[]"


def test_a_rejected_call_imports_nothing() -> None:
    with grpc_collector() as running:
        running.standing = (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota", (("grpc-status-details-bin", b"\x08\x08"),))
        out = imports(EACH_FAILURE.format(exporter="otlp_grpc"), OTEL_EXPORTER_OTLP_ENDPOINT=running.url)
    assert out == "[]"


@pytest.mark.newest_sdk(reason="the oldest API imports importlib.resources, and with it tempfile")
def test_a_start_needs_neither_the_metrics_sdk_nor_metadata_of_packages_nor_parts_of_exports() -> None:
    program = """
import os, sys
from flext_observability import init_observability
init_observability(service_name="shop", exporters="otlp_http", console=False).unwrap()
heavy = {"importlib.metadata", "http.client", "google", "ssl", "pydantic", "tempfile", "opentelemetry.sdk.metrics"}
print(sorted(heavy & set(sys.modules)), flush=True)
os._exit(0)
"""
    done = run(program, FLEXT_OBSERVABILITY_ENGINE="lean", **UNMEASURED)
    assert done.out.strip() == "[]", done.err


def test_a_push_imports_nothing() -> None:
    with gateway() as running:
        out = imports(EACH_FAILURE.format(exporter="pushgateway"), PROMETHEUS_PUSH_GATEWAY=running.url)
    assert out == "[]"


def test_an_item_that_cannot_be_encoded_imports_nothing(received: Collector) -> None:
    program = EACH_FAILURE.replace("    work()", "    work(chr(0xD800))", 1).format(exporter="otlp_http")
    assert imports(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url) == "[]"


def test_a_second_start_with_the_same_exporters_imports_nothing(received: Collector) -> None:
    program = """
start("otlp_http")
watch()
work()
use(handle := start("otlp_http", service_name="second"))
finish(handle)
"""
    assert imports(program, OTEL_EXPORTER_OTLP_ENDPOINT=received.url) == "[]"
