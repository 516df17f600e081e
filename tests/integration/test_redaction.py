"""Secrets through every channel, to a real receiver: no byte of any request has one. Harmless values arrive whole."""

from __future__ import annotations

import json
import linecache
import logging
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from opentelemetry import baggage, metrics, propagate, trace
from opentelemetry._logs import SeverityNumber, get_logger, get_logger_provider
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import Link, StatusCode

from flext_observability import Observability, init_observability, memory_store
from tests.backends.collector import Collector
from tests.redaction_corpus import SECRET_NAMES, SECRETS
from tests.redaction_harmless import HARMLESS
from tests.waiting import eventually

pytestmark = pytest.mark.any_sdk

ENGINES = pytest.mark.parametrize("engine", ["lean", "sdk"])
PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")
Pair = tuple[str, str, str]
"""Name, value under it, and text."""


def record(number: int, name: str, value: str, text: str) -> dict[str, str]:
    """Record a value under a name, and a text, through every channel; return headers for another service."""
    attributes: dict[str, Any] = {name: value, "text": text, "texts": [text, "x"], "plain": "x"}
    context = trace.get_current_span().get_span_context()
    with trace.get_tracer("shop").start_as_current_span(f"work {text}", links=[Link(context, attributes)]) as span:
        span.set_attributes(attributes)
        span.add_event(f"event {text}", attributes)
        span.set_status(StatusCode.ERROR, text)
        span.record_exception(failure(number, text), attributes)
        body: Any = {"nested": [{name: value}, text], "text": text}
        logger = get_logger("shop")
        logger.emit(severity_number=SeverityNumber.INFO, body=body, attributes={"nested": {name: value, "t": [text]}})
        logger.emit(severity_number=SeverityNumber.INFO, body=text, attributes=attributes)
        logger.emit(severity_number=SeverityNumber.INFO, body="plain", attributes={"plain": "x", name: value})
        logging.getLogger("shop").error("failed: %s", text, exc_info=failure(number, text), extra={"note": text})
    metrics.get_meter("shop").create_counter("calls").add(1, attributes)
    metrics.get_meter("shop").create_histogram("sizes").record(1, attributes)
    headers: dict[str, str] = {}
    given = baggage.set_baggage(name, value, baggage.set_baggage("text", text, baggage.set_baggage("plain", "x")))
    propagate.inject(headers, given)
    return headers


def failure(number: int, text: str) -> Exception:
    """Return an exception whose message and source line have the text."""
    name = f"/app/module_{number}.py"
    line = "" if "\n" in text else text
    linecache.cache[name] = (len(line), None, [f"fail()  # {line}\n"], name)

    def fail() -> None:
        raise ValueError(text)

    try:
        exec(compile("fail()", name, "exec"), {"fail": fail})  # noqa: S102 - its source line is shown
    except ValueError as error:
        return error
    raise AssertionError


@contextmanager
def started(received: Collector, engine: str, **options: Any) -> Iterator[Observability]:
    settings: dict[str, Any] = {
        "service_name": "shop",
        "otlp_endpoint": received.url,
        "otlp_compression": "none",
        "traces_max_queue_size": 10_000,
        "logs_max_queue_size": 10_000,
        "engine": engine,
        "console": False,
        **options,
    }
    with init_observability(**settings).unwrap() as observability:
        yield observability


def send(received: Collector, engine: str, pairs: list[Pair], **options: Any) -> Mapping[str, int]:
    """Record all pairs, send everything, and return the numbers of masked values."""
    resource = {f"{number}.{name}": value for number, (name, value, _) in enumerate(pairs)}
    resource |= {f"text.{number}": text for number, (_, _, text) in enumerate(pairs)}
    with started(received, engine, resource_attributes=resource, **options) as observability:
        for number, pair in enumerate(pairs):
            headers = record(number, *pair)
            url = f"{received.url}/downstream"
            with urllib.request.urlopen(urllib.request.Request(url, b"x", headers)):
                pass
        assert observability.flush().unwrap().complete
        return observability.status().redaction.masked


def raw_bytes(received: Collector) -> bytes:
    """Return the bytes of all requests, and those with percent-encoding undone."""
    parts = [part for each in received.requests for part in (each.body, repr(dict(each.headers)).encode())]
    return b"\n".join([*parts, *map(unquote_to_bytes, parts)])


@ENGINES
def test_no_secret_leaves(received: Collector, engine: str) -> None:
    names = [SECRET_NAMES[number % len(SECRET_NAMES)] for number in range(len(SECRETS))]
    pairs = [(name, each.secret, each.text) for name, each in zip(names, SECRETS, strict=True)]
    masked = send(received, engine, pairs)
    raw = raw_bytes(received)
    assert [each.kind for each in SECRETS if each.secret.encode() in raw] == []
    assert sum(masked.values()) > 20 * len(SECRETS)
    assert raw.count(b"[redacted:") > 20 * len(SECRETS)
    assert len(received.spans()) == len(SECRETS)
    assert len(received.log_records()) == 4 * len(SECRETS)
    assert {each.path for each in received.requests} == {*PATHS, "/downstream"}


@ENGINES
def test_no_harmless_value_is_masked(received: Collector, engine: str) -> None:
    assert send(received, engine, [("value", text, text) for text in HARMLESS]) == {}
    assert b"redacted" not in raw_bytes(received)
    assert len(received.spans()) == len(HARMLESS)


@ENGINES
def test_without_redaction_secrets_leave(received: Collector, engine: str) -> None:
    """The corpus reaches the receiver, so that its absence above has a meaning."""
    send(received, engine, [("password", "hunter2", "token=hunter3")], redaction=False)
    raw = raw_bytes(received)
    assert b"redacted" not in raw
    assert raw.count(b"hunter2") > 10 < raw.count(b"hunter3")


@ENGINES
def test_each_signal_has_its_own_rules(received: Collector, engine: str) -> None:
    options = {
        "redaction": ["pair"],
        "logs_redaction": "key",
        "metrics_redaction": False,
        "traces_redaction": "default",
    }
    send(received, engine, [("password", "hunter2", "token=hunter3")], **options)
    bodies = {path: b"".join(each.body for each in received.requests if each.path == path) for path in PATHS}
    found = {path: (b"hunter2" in body, b"hunter3" in body) for path, body in bodies.items()}
    assert found == {"/v1/traces": (False, False), "/v1/metrics": (True, True), "/v1/logs": (False, True)}


@ENGINES
def test_allowed_names_and_values_leave(received: Collector, engine: str) -> None:
    options = {"redaction_allow": ["session.id", "hunter3"]}
    masked = send(received, engine, [("session.id", "hunter2", "token=hunter3&api_key=hunter4")], **options)
    raw = raw_bytes(received)
    assert raw.count(b"hunter2") > 10 < raw.count(b"hunter3")
    assert b"hunter4" not in raw
    assert set(masked) == {"pair", "key"}  # the key is that of the resource: 0.session.id


@ENGINES
def test_no_exporter_gets_a_secret(
    received: Collector, engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exporters = {
        "traces": "console,memory,otlp_file",
        "logs": "console,memory,otlp_file",
        "metrics": "prometheus,memory",
    }
    path = tmp_path / "telemetry.jsonl"
    options = {"exporters": exporters, "otlp_file_path": str(path), "prometheus_port": 0}
    options["resource_attributes"] = {"db.password": "hunter4", "note": "token=hunter5"}
    with started(received, engine, **options) as observability:
        record(1, "password", "hunter2", "token=hunter3")
        logging.getLogger("shop").handlers.clear()
        assert observability.flush().unwrap().complete
        with urllib.request.urlopen(f"{observability.ops_address}/metrics") as reply:
            page = reply.read()
        with urllib.request.urlopen(f"{observability.ops_address}/status") as reply:
            status = reply.read().decode()
        store = memory_store()
        shown = [span.to_json() for span in store.spans] + [each.to_json() for each in store.logs]
        shown += [repr(store.metrics), page.decode(), path.read_text()]
    assert json.loads(status)["redaction"]["masked"]["key"] > 1
    assert [text for text in shown if "redacted" not in text] == []
    assert not any("hunter" in text for text in (*shown, status))
    # Only the tree of our own exporter: other handlers of the program show what they are given.
    assert not any("hunter" in line for line in capsys.readouterr().err.splitlines() if "redacted" in line)


@ENGINES
@pytest.mark.parametrize("exporter", ["otlp_http", "otlp_grpc"])
def test_no_secret_is_stored(engine: str, exporter: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"exporters": exporter, "otlp_endpoint": "http://127.0.0.1:9", "engine": engine}
    options |= {"spool": True, "spool_directory": str(tmp_path)}
    with init_observability(service_name="shop", console=False, **options).unwrap():
        for number, secret in enumerate(SECRETS):
            record(number, "password", secret.secret, secret.text)
    stored = b"".join(zlib_bodies(tmp_path))
    assert stored.count(b"[redacted:") > 20 * len(SECRETS)
    assert [each.kind for each in SECRETS if each.secret.encode() in stored] == []


@ENGINES
def test_no_secret_of_an_open_span_is_stored(engine: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"exporters": "otlp_http", "otlp_endpoint": "http://127.0.0.1:9", "engine": engine}
    options |= {"spool": True, "spool_directory": str(tmp_path), "spool_open_spans_after_seconds": 0.1}
    with (
        init_observability(service_name="shop", console=False, **options).unwrap(),
        trace.get_tracer("shop").start_as_current_span("open", attributes={"password": "hunter2"}),
    ):
        stored = eventually(lambda: next((each for each in zlib_bodies(tmp_path) if b"[redacted:" in each), b""))
        assert b"open" in stored
        assert b"hunter" not in b"".join(zlib_bodies(tmp_path))


def zlib_bodies(folder: Path) -> Iterator[bytes]:
    """Yield everything in files, and what is compressed in them."""
    for path in folder.rglob("*"):
        content = b""
        with suppress(FileNotFoundError, IsADirectoryError):  # replaced or deleted meanwhile
            content = path.read_bytes()
        yield content
        start = content.find(b"\x78")
        while start >= 0:
            with suppress(zlib.error):
                yield zlib.decompressobj().decompress(content[start:])
            start = content.find(b"\x78", start + 1)


@ENGINES
def test_processors_of_the_program_get_no_secret(received: Collector, engine: str) -> None:
    """They may be exporters of other packages."""
    spans, logs = list[Any](), list[Any]()

    class Spans(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            spans.append(span)

    class Logs(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            logs.append((log_record.log_record.body, dict(log_record.log_record.attributes or {})))

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    with started(received, engine) as observability:
        added_tracers: Any = trace.get_tracer_provider()
        added_loggers: Any = get_logger_provider()
        added_tracers.add_span_processor(Spans())
        added_loggers.add_log_record_processor(Logs())
        record(1, "password", "hunter2", "token=hunter3")
        with trace.get_tracer("shop").start_as_current_span("plain"):
            pass
        assert observability.flush().unwrap().complete
        masked = observability.status().redaction.masked
    shown = "".join([span.to_json() for span in spans] + [repr(each) for each in logs])
    assert "hunter" not in shown
    assert shown.count("[redacted:") > 15
    assert spans[-1].name == "plain"
    assert "hunter" not in raw_bytes(received).decode(errors="replace")
    assert sum(masked.values()) < 80  # the exporters find nothing more
