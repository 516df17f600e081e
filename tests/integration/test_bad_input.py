"""Bad settings, bad receivers, bad values: nothing is raised, and the result or the status says what is wrong and what to do."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from pydantic import BaseModel

from flext_observability import (
    Observability,
    SignalStatus,
    flext_create_log_entry,
    flext_create_metric,
    flext_create_trace,
    init_observability,
    traced,
)
from tests.backends import raw
from tests.backends.certificates import make_certificates
from tests.backends.collector import Answer, Collector, collector
from tests.backends.grpc_collector import grpc_collector
from tests.backends.ports import refusing_port
from tests.programs import run

SIGNALS = ("traces", "metrics", "logs")


def record(name: str = "one") -> None:
    """Record one item of each signal."""
    with trace.get_tracer("t").start_as_current_span(name):
        logging.getLogger("bad.input").error(name)
        metrics.get_meter("t").create_counter(name).add(1)


def start(**arguments: Any) -> Observability:
    return init_observability(service_name="bad", console=False, **arguments).unwrap()


def told(handle: Observability, words: str, seconds: float = 5) -> dict[str, SignalStatus]:
    """Send what there is; return the status as soon as the reasons of all signals hold the words."""
    deadline = time.monotonic() + seconds
    handle.flush(0)
    while True:
        status = {str(signal): each for signal, each in handle.status().items()}
        if all(words in each.reason for each in status.values()):
            return status
        assert time.monotonic() < deadline, {each.signal: each.reason for each in status.values()}
        time.sleep(0.005)


def assert_told(words: str, fix: str, **arguments: Any) -> None:
    """Assert that each signal is degraded, with these words in its reason and its fix."""
    handle = start(**arguments)
    record()
    for status in told(handle, words).values():
        assert status.state == "degraded"
        assert fix in status.fix
    handle.shutdown(0)


# ---- receivers -------------------------------------------------------------------------------------------------------


@contextmanager
def nobody() -> Iterator[str]:
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def speaking(behaviour: Callable[[raw.RawServer, socket.socket], None]) -> Iterator[str]:
    with raw.raw_server(behaviour) as server:
        yield server.url


@contextmanager
def answering(status: int, scheme: str = "http") -> Iterator[str]:
    with collector() as received:
        received.standing = Answer(status)
        yield received.url.replace("http", scheme)


@contextmanager
def answering_page() -> Iterator[str]:
    with collector() as received:
        received.standing = Answer(200, {"content-type": "text/html"}, b"<html>hello</html>")
        yield received.url


@contextmanager
def grpc_answering() -> Iterator[str]:
    with grpc_collector() as received:
        yield received.url


@contextmanager
def named(address: str) -> Iterator[str]:
    yield address


HTTP, GRPC = "http/protobuf", "grpc"
ENDPOINT, HEADERS, CERTIFICATE = (f"OTEL_EXPORTER_OTLP_{name}" for name in ("ENDPOINT", "HEADERS", "CERTIFICATE"))
NO_END = raw.answers_without_end(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)
NO_END_OF_HEAD = raw.answers_without_end(b"HTTP/1.1 ", b"x" * 65536)
RECEIVERS: dict[str, tuple[str, Callable[[], AbstractContextManager[str]], str, str]] = {
    "refusing": (HTTP, nobody, "connection refused", ENDPOINT),
    "refusing grpc": (GRPC, nobody, "connection refused", ENDPOINT),
    "silent": (HTTP, lambda: speaking(raw.silent), "did not answer", ENDPOINT),
    "silent grpc": (GRPC, lambda: speaking(raw.silent), "did not answer", ENDPOINT),
    "closing": (HTTP, lambda: speaking(raw.reads_and_closes), "closed the connection", ENDPOINT),
    "unknown host": (HTTP, lambda: named("http://nobody.invalid:4318"), "'nobody.invalid'", ENDPOINT),
    "unknown host grpc": (GRPC, lambda: named("http://nobody.invalid:4317"), "'nobody.invalid'", ENDPOINT),
    "https without TLS": (HTTP, lambda: answering(200, "https"), "TLS", "use http://"),
    "http to grpc": (HTTP, grpc_answering, "HTTP/2 (gRPC)", "grpc"),
    "grpc to http": (GRPC, lambda: answering(200), "does not speak HTTP/2", "http/protobuf"),
    "401": (HTTP, lambda: answering(401), "answered 401", HEADERS),
    "403": (HTTP, lambda: answering(403), "answered 403", HEADERS),
    "404": (HTTP, lambda: answering(404), "answered 404", ENDPOINT),
    "413": (HTTP, lambda: answering(413), "answered 413", "lower"),
    "429": (HTTP, lambda: answering(429), "answered 429", "send less"),
    "500": (HTTP, lambda: answering(500), "answered 500", "log"),
    "503": (HTTP, lambda: answering(503), "answered 503", "recovers"),
    "redirect": (HTTP, lambda: answering(302), "answered 302", ENDPOINT),
    "web page": (HTTP, answering_page, "no OTLP response", ENDPOINT),
    "garbage": (HTTP, lambda: speaking(raw.answers(b"\x00\x01\x02 hello\r\n\r\n")), "no HTTP reply", ENDPOINT),
    "garbage grpc": (GRPC, lambda: speaking(raw.answers(b"\x00\x01 hello\r\n")), "does not speak HTTP/2", "http"),
    "endless": (HTTP, lambda: speaking(NO_END), "no OTLP response", ENDPOINT),
    "endless head": (HTTP, lambda: speaking(NO_END_OF_HEAD), "no HTTP reply", ENDPOINT),
}


@pytest.mark.parametrize("case", RECEIVERS)
def test_the_status_says_what_is_wrong_with_the_receiver_and_what_to_do(case: str) -> None:
    protocol, open_receiver, words, fix = RECEIVERS[case]
    with open_receiver() as endpoint:
        if fix == "lower":  # what to lower differs by signal
            fix = ""
        assert_told(words, fix, otlp_endpoint=endpoint, otlp_protocol=protocol, otlp_timeout_seconds=0.3)


def test_an_untrusted_certificate_is_named_and_a_trusted_one_works(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with collector(context=certificates.server_context()) as received:
        assert_told("not trusted", CERTIFICATE, otlp_endpoint=received.url)
        assert received.requests == []
        handle = start(otlp_endpoint=received.url, otlp_certificate=str(certificates.authority))
        record()
        assert handle.flush(5).unwrap().complete
        assert {status.state for status in handle.status().values()} == {"active"}


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
@pytest.mark.parametrize("part", ["certificate", "client_certificate", "client_key"])
def test_a_missing_tls_file_is_named(protocol: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "missing.pem"
    assert_told(
        str(file),
        f"OTEL_EXPORTER_OTLP_{part.upper()}",
        **{"otlp_endpoint": "https://127.0.0.1:9", "otlp_protocol": protocol, f"otlp_{part}": str(file)},
    )


def test_an_endpoint_without_scheme_is_used_and_said() -> None:
    with collector() as received:
        handle = start(otlp_endpoint=f"127.0.0.1:{received.port}")
        record()
        assert handle.flush(5).unwrap().complete
        assert len(received.spans()) == 1
        for status in handle.status().values():
            assert (status.state, "scheme" in status.reason) == ("degraded", True)
            assert f"http://127.0.0.1:{received.port}" in status.fix


@pytest.mark.parametrize(
    ("port", "exporter", "words", "fix"),
    [(4317, "otlp_http", "gRPC", "4318"), (4318, "otlp_grpc", "HTTP", "4317")],
)
def test_the_other_protocols_port_is_noticed_before_anything_is_sent(
    port: int, exporter: str, words: str, fix: str
) -> None:
    handle = start(exporters=exporter, otlp_endpoint=f"http://192.0.2.1:{port}")
    for status in handle.status().values():
        assert status.state == "degraded"
        assert words in status.reason
        assert fix in status.fix


def test_a_second_request_waits_as_long_as_the_receiver_asks() -> None:
    with collector() as received:
        received.answers.extend([Answer(429, {"retry-after": "1"})])
        start(exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url)
        record()
        received.wait_for(lambda each: each.requests)
        refused = time.monotonic()
        received.wait_for(lambda each: each.spans())
        assert 0.9 <= time.monotonic() - refused <= 2
        assert len(received.requests) == 2


def test_what_is_too_large_alone_is_dropped_and_the_rest_arrives() -> None:
    with collector() as received:
        received.max_body_bytes = 3000
        handle = start(
            exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url
        )
        for size in (10, 6000, 20):
            trace.get_tracer("t").start_span(f"of {size}", attributes={"text": "x" * size}).end()
        handle.flush(5)
        assert [span.name for span in received.spans()] == ["of 10", "of 20"]
        (row,) = handle.status()["traces"].deliveries
        assert (row.exported, row.dropped) == (2, {"too_large": 1})


# ---- settings --------------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Any, str, str]] = {
    "sample_ratio": (7, "7", "from 0 to 1"),
    "otlp_headers": ("authorization Bearer x", "authorization Bearer x", "name=value"),
    "otlp_endpoint": ("ftp://collector", "ftp://collector", "http://localhost:4318"),
    "otlp_protocol": ("carrier", "carrier", "grpc"),
    "otlp_compression": ("zip", "zip", "gzip"),
    "prometheus_port": (70000, "70000", "65535"),
    "exporters": ("pigeon", "pigeon", "otlp_http"),
    "log_level": ("LOUD", "LOUD", "WARNING"),
    "metrics_exemplar_filter": ("some", "some", "trace_based"),
    "propagators": ("smoke", "smoke", "tracecontext"),
    "sampler": ("sometimes", "sometimes", "always_on"),
    "traces_max_queue_size": (0, "0", "1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_named_with_what_is_allowed(name: str) -> None:
    value, _, allowed = WRONG[name]
    arguments: Any = {"exporters": "none", name: value}
    result = init_observability(console=False, **arguments)
    if result.success:  # names that another package may bring are looked up, and missed, at start
        status = result.unwrap().status()["traces"]
        assert str(value) in "".join(notice.message for notice in status.notices)
        assert any(notice.fix and notice.degrades for notice in status.notices)
        assert name in {"propagators", "sampler"}
        return
    assert result.code in {"invalid_settings", "unknown_exporter"}
    assert name.removesuffix("s") in (result.error or "")
    assert allowed in (result.error or "")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_replaced_and_said_with_the_fix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, shown, allowed = WRONG[name]
    variable = f"FLEXT_OBSERVABILITY_{name.upper()}"
    for signal in ("TRACES", "METRICS", "LOGS"):
        monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "none")
    monkeypatch.setenv(variable, str(value))
    status = init_observability(console=False).unwrap().status()
    notices = [notice for each in status.values() for notice in each.notices if notice.degrades]
    told_so = " ".join(notice.message + notice.fix for notice in notices)
    assert variable in told_so or name in {"exporters", "propagators", "sampler"}
    if name != "otlp_headers":  # header values are secret
        assert shown in told_so
    assert allowed in told_so or name == "propagators"
    assert all(notice.fix for notice in notices)


def test_a_taken_port_leaves_the_other_exporters_at_work() -> None:
    with collector() as received, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        handle = start(
            exporters=["otlp", "prometheus"],
            prometheus_host="127.0.0.1",
            prometheus_port=port,
            otlp_endpoint=received.url,
        )
        record()
        assert handle.flush(5).unwrap().complete
        status = handle.status()
    assert status["metrics"].state == "degraded"
    assert str(port) in status["metrics"].reason
    assert "another port" in status["metrics"].fix
    assert (status["traces"].state, status["logs"].state) == ("active", "active")
    assert [metric.name for metric in received.metrics()] == ["one"]


# ---- order of calls --------------------------------------------------------------------------------------------------

ANY_TIME = """
import json, logging
import flext_observability as flext
from opentelemetry import trace

def use(label):
    with flext.traced("span", order=1) as span:
        recording = span.is_recording()
        trace.get_tracer("t").start_span("raw").end()
        logging.getLogger("app").warning("line")

    @flext.flext_monitor_function
    def monitored():
        return 5

    assert monitored() == 5
    created = [
        flext.flext_create_metric("m", 1, "count", {"a": 1}, "counter"),
        flext.flext_create_trace("op", "service"),
        flext.flext_create_alert("full", "error", "disk"),
        flext.flext_create_health_check("disk"),
        flext.flext_create_log_entry("info", "hello"),
    ]
    assert all(result.success for result in created), created
    assert flext.flext_set_correlation_id("one").success
    assert flext.flext_get_correlation_id() == "one"
    flext.extract_context(flext.inject_context({}))
    return [label, recording, [flext.get_observability().code, flext.flush_observability(1).code]]

told = [use("before")]
flext.init_observability(exporters="memory", console=False)
told.append(use("during"))
report = flext.shutdown_observability()
again = flext.shutdown_observability()
told.append(use("after"))
flext.init_observability(exporters="memory", console=False)
told.append(use("again"))
print(json.dumps([told, report.unwrap().dropped, again.code, again.error]))
"""


def test_verbs_work_before_the_start_after_the_end_and_after_a_second_start() -> None:
    done = run(ANY_TIME)
    assert done.code == 0, done.err
    told_so, dropped, code, error = json.loads(done.out)
    off, on = [False, ["not_started", "not_started"]], [True, [None, None]]
    assert [each[1:] for each in told_so] == [off, on, off, on]
    assert (dropped, code) == ({}, "not_started")
    assert "init_observability()" in error


def test_a_log_handler_that_raises_costs_log_lines_and_nothing_else() -> None:
    with collector() as received:
        program = f"""
            import logging
            class Raising(logging.Handler):
                def emit(self, record):
                    raise RuntimeError("broken handler")
            logging.getLogger("flext_observability").addHandler(Raising())
            from opentelemetry import trace
            from flext_observability import init_observability, shutdown_observability
            handle = init_observability(
                service_name="s", console=False, exporters={{"traces": ["otlp"]}}, propagators=["smoke"],
                otlp_endpoint={received.url!r}, otlp_timeout_seconds=1, traces_schedule_delay_seconds=0.1,
            ).unwrap()
            for name in ("refused", "taken"):
                trace.get_tracer("t").start_span(name).end()
                handle.flush(5)
            print(shutdown_observability().unwrap().dropped)
        """
        received.answers.append(Answer(400))
        done = run(program)
    assert done.code == 0, done.err
    assert done.out == "{'rejected': 1}\n"
    assert [span.name for span in received.spans()] == ["taken"]


def test_start_flush_and_end_from_many_threads_at_once_leave_one_session() -> None:
    stop = threading.Event()
    errors: list[BaseException] = []

    def churn(turn: int) -> None:
        try:
            while not stop.is_set():
                handle = init_observability(service_name=f"s{turn}", exporters="memory", console=False).unwrap()
                record()
                assert handle.flush(5).success
                if turn % 2:
                    assert handle.shutdown(1).success
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=churn, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    stop.wait(0.7)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert not [thread.name for thread in threads if thread.is_alive()]


# ---- values ----------------------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: Decimal


class Order(BaseModel):
    number: int
    paid: datetime


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ODD: dict[str, Any] = {
    "decimal": Decimal("1.10"),
    "datetime": NOON,
    "path": Path("/var/log"),
    "enum": Colour.RED,
    "dataclass": Point(1, Decimal("2.5")),
    "model": Order(number=7, paid=NOON),
    "bytes": b"\x00\xff",
    "none": None,
    "nested": {"a": [1, {"b": NOON}]},
    "mixed": [1, "two", None],
    "long": "x" * 1_000_000,
    "surrogate": "a\ud800b",
    "huge": 10**30,
    "nan": float("nan"),
    "function": print,
    "loop": (loop := [1]),
}
loop.append(loop)  # type: ignore[arg-type]  # a list that holds itself
EXACT = {"path": "/var/log", "decimal": "1.10", "enum": "red", "surrogate": "a\ufffdb"}


def attributes_of(item: Any) -> dict[str, Any]:
    """Return the attributes of an OTLP item as text by name."""
    return {
        each.key: str(getattr(each.value, each.value.WhichOneof("value") or "string_value")) for each in item.attributes
    }


def assert_encoded(found: dict[str, str], prefix: str = "") -> None:
    assert {name.removeprefix(prefix) for name in found} >= set(ODD) - {"none"}
    for name, text in found.items():
        assert len(text.encode()) <= 10_000, name
    for name, text in EXACT.items():
        assert found[prefix + name] == text
    assert NOON.isoformat()[:19] in found[f"{prefix}datetime"]
    assert json.loads(found[f"{prefix}nested"])["a"][0] == 1
    assert json.loads(found[f"{prefix}dataclass"])["x"] == 1
    assert json.loads(found[f"{prefix}model"])["number"] == 7


@pytest.fixture
def received() -> Iterator[Collector]:
    with collector() as running:
        yield running


def test_attributes_of_any_type_arrive_encoded(received: Collector) -> None:
    handle = start(otlp_endpoint=received.url)
    with traced("odd", ODD):
        logging.getLogger("odd").warning("by extra", extra={f"odd_{name}": value for name, value in ODD.items()})
    flext_create_log_entry("info", "by entry", ODD).unwrap()
    handle.tracing.complete_trace(flext_create_trace("by trace", "bad", ODD).unwrap())
    report = handle.flush(5).unwrap()
    assert (report.complete, report.dropped) == (True, {})
    spans = {span.name: attributes_of(span) for span in received.spans()}
    logs = {record.body.string_value: attributes_of(record) for record in received.log_records()}
    assert_encoded(spans["odd"])
    assert_encoded(spans["by trace"])
    assert_encoded(logs["by entry"])
    assert_encoded({key: text for key, text in logs["by extra"].items() if key.startswith("odd_")}, "odd_")


def test_tags_are_scalars_as_text_and_containers_are_refused_with_the_reason(received: Collector) -> None:
    handle = start(otlp_endpoint=received.url)
    made = {
        name: flext_create_metric("odd.metric", 1, "count", {name: value}, "counter") for name, value in ODD.items()
    }
    refused = {name for name, result in made.items() if not result.success}
    assert refused >= {"nested", "mixed", "loop"}
    for name in refused:
        assert made[name].code == "invalid_metric"
        assert (made[name].error or "").startswith("Invalid metric")
    report = handle.flush(5).unwrap()
    assert (report.complete, report.dropped) == (True, {})
    points = {
        key: text
        for metric in received.metrics()
        for point in metric.sum.data_points
        for key, text in attributes_of(point).items()
    }
    assert points.items() >= EXACT.items()


def test_a_value_of_the_raw_api_that_otlp_cannot_carry_costs_itself_alone(received: Collector) -> None:
    handle = start(exporters={"traces": "otlp"}, metrics_enabled=False, logs_enabled=False, otlp_endpoint=received.url)
    for name, value in {"before": "plain", "broken": "a\ud800b", "after": "plain"}.items():
        trace.get_tracer("raw").start_span(name, attributes={"text": value, "more": 1}).end()
    assert handle.flush(5).unwrap().complete
    found = {span.name: attributes_of(span) for span in received.spans()}
    assert list(found) == ["before", "broken", "after"]
    assert found["broken"]["more"] == "1"
