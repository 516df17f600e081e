"""The Pushgateway exporter against real servers, valid and faulty."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import Meter

from flext_observability.exporters.prometheus.pushgateway import PushgatewayExporter, factory
from flext_observability.extensions.ports import ExporterUnavailable, ExportOutcome, FlushOnlyExporter
from flext_observability.settings.resolve import resolve
from tests.backends.certificates import make_certificates
from tests.backends.collector import Answer
from tests.backends.gateway import gateway
from tests.backends.ports import refusing_port
from tests.backends.raw import answers, raw_server, reads_and_closes, silent
from tests.backends.telemetry import make_metrics

NIGHTLY = "/metrics/job/nightly"


def sold(count: int, **attributes: str) -> Callable[[Meter], object]:
    return lambda meter: meter.create_counter("sold").add(count, attributes)


@contextmanager
def exporter(url: str, **settings: Any) -> Generator[PushgatewayExporter]:
    given = {"push_gateway": url, "service_name": "nightly", "exporters": {}, **settings}
    made = factory.create("metrics", resolve(None, given, {}).unwrap().config)
    try:
        yield made
    finally:
        made.close()


ONE = sold(1)


def push(url: str, record: Callable[[Meter], object] = ONE, seconds: float = 2.0, **settings: Any) -> ExportOutcome:
    with exporter(url, **settings) as made:
        return made.export([make_metrics(record)], seconds)


def creation_error(**settings: Any) -> ExporterUnavailable:
    with pytest.raises(ExporterUnavailable) as caught:
        factory.create(
            "metrics", resolve(None, {"push_gateway": "http://h", "service_name": "s", **settings}, {}).unwrap().config
        )
    return caught.value


def test_the_group_is_replaced() -> None:
    with gateway() as server:
        assert push(server.url) == ExportOutcome(accepted=1)
        (request,) = server.requests
        assert (request.method, request.path) == ("PUT", NIGHTLY)
        assert request.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert server.lines(NIGHTLY) == ['sold_total{otel_scope_name="tests"} 1.0']
        assert "target_info{" in request.body


def test_the_last_of_several_batches_is_pushed_and_all_are_counted() -> None:
    with gateway() as server, exporter(server.url) as made:
        assert made.export([make_metrics(sold(1)), make_metrics(sold(3))], 2) == ExportOutcome(accepted=2)
        assert server.lines(NIGHTLY) == ['sold_total{otel_scope_name="tests"} 3.0']


def test_it_exports_only_metrics_and_only_on_flush() -> None:
    assert tuple(factory.signals()) == ("metrics",)
    with exporter("http://h") as made:
        assert isinstance(made, FlushOnlyExporter)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, NIGHTLY),
        ({"push_gateway_job": "import"}, "/metrics/job/import"),
        ({"push_gateway_job": "a/b"}, "/metrics/job@base64/YS9i"),
        ({"push_gateway_job": "Zürich é"}, "/metrics/job@base64/WsO8cmljaCDDqQ=="),
        ({"push_gateway_job": ".."}, "/metrics/job@base64/Li4="),
        ({"push_gateway_grouping": {"region": "eu", "shard": ""}}, f"{NIGHTLY}/region/eu/shard@base64/="),
        ({"push_gateway_grouping": {"instance": "node-1:80"}}, f"{NIGHTLY}/instance/node-1:80"),
    ],
)
def test_path_of_the_group(settings: dict[str, Any], path: str) -> None:
    with gateway() as server:
        push(server.url, **settings)
        assert list(server.groups) == [path]


def test_path_prefix_of_the_address_is_kept() -> None:
    with gateway() as server:
        push(f"{server.url}/push/", push_gateway_job="a b")
        assert list(server.groups) == ["/push/metrics/job@base64/YSBi"]


def test_credentials_are_sent_as_a_header_and_not_shown() -> None:
    with gateway() as server:
        server.standing = Answer(401, body=b"who are you?")
        outcome = push(server.url.replace("//", "//me:p%40ss@"))
        assert server.requests[0].headers["authorization"] == "Basic bWU6cEBzcw=="
    assert outcome.reason == "unauthorized"
    assert outcome.message == f"{server.url}{NIGHTLY} answered 401: who are you?"
    assert "me:" not in f"{outcome}"


def test_https_uses_the_authorities_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = make_certificates(tmp_path)
    with gateway(context=certificates.server_context()) as server:
        refused = push(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        assert push(server.url) == ExportOutcome(accepted=1)
    assert (refused.reason, refused.retry, refused.reached) == ("tls", True, True)
    assert "SSL_CERT_FILE" in refused.fix


def test_attributes_with_the_names_of_group_labels_are_renamed() -> None:
    with gateway() as server:
        record = sold(1, job="x", instance="y", shard="z", region="eu")
        push(server.url, record, push_gateway_grouping={"shard": "1"})
        (line,) = server.lines(f"{NIGHTLY}/shard/1")
    exported = 'exported_instance="y",exported_job="x",exported_shard="z"'
    assert line == f'sold_total{{{exported},otel_scope_name="tests",region="eu"}} 1.0'


def test_conflicting_metric_names_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def record(meter: Meter) -> None:
        meter.create_counter("a.b").add(1)
        meter.create_counter("a_b").add(2)

    with gateway() as server, exporter(server.url) as made, caplog.at_level(logging.WARNING):
        for _ in range(2):
            made.export([make_metrics(record)], 2)
        assert server.lines(NIGHTLY) == ['a_b_total{otel_scope_name="tests"} 1.0']
    assert [line.message for line in caplog.records] == [
        "A push omits series of a_b_total: another metric has the same name in Prometheus. Rename one of them."
    ]


@pytest.mark.parametrize(
    ("status", "reason", "retry"),
    [
        (301, "not_found", False),
        (400, "rejected", False),
        (403, "unauthorized", False),
        (404, "not_found", False),
        (405, "not_found", False),
        (413, "too_large", False),
        (418, "error", False),
        (429, "unavailable", True),
        (500, "unavailable", True),
        (503, "unavailable", True),
    ],
)
def test_each_error_status_has_a_reason_and_a_fix(status: int, reason: str, retry: bool) -> None:
    with gateway() as server:
        server.standing = Answer(status, body=b'pushed metrics are invalid: "a" is not a COUNTER\n')
        outcome = push(server.url)
    assert (outcome.accepted, outcome.reason, outcome.retry) == (0, reason, retry)
    assert outcome.message.endswith(f'answered {status}: pushed metrics are invalid: "a" is not a COUNTER')
    assert outcome.fix


def test_retry_after_and_location_are_used() -> None:
    with gateway() as server:
        server.standing = Answer(503, {"retry-after": "7"})
        assert push(server.url).retry_after_seconds == 7
        server.standing = Answer(302, {"location": "https://elsewhere/"})
        assert "elsewhere" in push(server.url).message


def test_refusing_port() -> None:
    with refusing_port() as port:
        outcome = push(f"http://127.0.0.1:{port}")
    assert (outcome.reason, outcome.retry, outcome.reached) == ("unreachable", True, False)
    assert "Start the Pushgateway" in outcome.fix


def test_silent_gateway_costs_the_timeout() -> None:
    with raw_server(silent) as server:
        outcome = push(server.url, seconds=0.1)
    assert (outcome.reason, outcome.retry) == ("timeout", True)


def test_other_servers() -> None:
    with raw_server(reads_and_closes) as server:
        closing = push(server.url)
    with raw_server(answers(b"220 smtp ready\r\n")) as server:
        other = push(server.url)
    assert (closing.reason, closing.reached, other.reason, other.reached) == ("invalid_response", True) * 2
    assert "check the scheme and the port" in closing.fix
    assert "9091" in other.fix


def test_the_group_is_deleted() -> None:
    with gateway() as server, exporter(server.url) as made:
        made.export([make_metrics(sold(1))], 2)
        assert made.delete_group(2).success
        assert server.groups == {}
        assert made.delete_group(2).success  # nothing there any more


def test_failed_deletion() -> None:
    with gateway() as server, exporter(server.url) as made:
        server.standing = Answer(503, body=b"later")
        refused = made.delete_group(2)
    assert refused.code == "unavailable"
    assert "answered 503: later" in (refused.error or "")
    with refusing_port() as port, exporter(f"http://127.0.0.1:{port}") as made:
        assert made.delete_group(2).code == "unreachable"


def test_missing_address() -> None:
    found = creation_error(push_gateway="")
    assert (found.message, "PROMETHEUS_PUSH_GATEWAY" in found.fix) == ("no address is set", True)


@pytest.mark.parametrize("name", ["job", "a-b", "1a", "__a", "a.b", "é"])
def test_invalid_labels(name: str) -> None:
    found = creation_error(push_gateway_grouping={name: "x"})
    assert found.message == f"the grouping label {name!r} cannot be used"


def test_the_modules_are_loaded_without_a_request() -> None:
    with gateway() as server, exporter(server.url) as made:
        made.load_modules()
        assert server.requests == []
        assert made.export([make_metrics(ONE)], 2) == ExportOutcome(accepted=1)
