"""No secret of an application without redaction of its own reaches Jaeger, VictoriaLogs or Prometheus."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.stack.clients import Collector, Jaeger, Prometheus, VictoriaLogs, eventually
from tests.stack.otlp import CLIENT, ERROR, SentSpan, send_counter, send_log, send_spans

pytestmark = pytest.mark.stack

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
SECRET = "hunter2-Zq8"  # a secret that only its name gives away
BY_NAME = {
    "password": SECRET,
    "db.password": SECRET,
    "dbPassword": SECRET,
    "PGPASSWORD": SECRET,
    "http.request.header.authorization": [f"Digest {SECRET}"],
    "http.request.header.cookie": [f"session={SECRET}"],
    "http.response.header.set-cookie": [f"session={SECRET}"],
    "http.request.header.x-api-key": [SECRET],
    "authorization": SECRET,
    "refreshToken": SECRET,
    "aws.secret_access_key": SECRET,
    "client_secret": SECRET,
    "user.credentials": {"name": "ann", "value": SECRET},
    "dsn": SECRET,
}
BY_VALUE = {
    "note.card": "paid with 4111111111111111",
    "note.number": 4111111111111111,
    "note.blanks": "5500 0000 0000 0004",
    "note.jwt": f"got {JWT}",
    "note.bearer": "sent Bearer abcdefghijklmnopqrstuvwxyz",
    "note.list": ["fine", f"token {JWT}"],
    "note.github": "ghp_" + "a1B2" * 9,
    "note.aws": "AKIA" + "ABCDEFGH" * 2,
    "url.full": f"https://ann:{SECRET}@shop.example/?access_token={SECRET}&page=2",
    "note.json": f'{{"user": "ann", "password": "{SECRET}"}}',
    "note.arguments": f"serve --password={SECRET} --port=80",
    "note.map": {"user": "ann", "api_key": SECRET},
}
KEPT = {
    "gen_ai.usage.input_tokens": 512,
    "llm.max_tokens": 4096,
    "user.name": "ann",
    "session.id": "8e2c",
    "http.request.method": "GET",
    "url.path": "/password/reset",
    "compass.heading": "north",
    "monkey": "banana",
    "author": "ann",
    "note.hexadecimal": "a4111111111111111bcdef",
}
SECRETS = (
    SECRET,
    JWT,
    "paid with 4",
    "5500 0000",
    "abcdefghijklmnopqrstuvwxyz",
    "ghp_a1",
    "AKIAABC",
)


@pytest.fixture
def service() -> str:
    return f"redacted-{uuid4().hex[:8]}"


def test_no_secret_of_a_span_reaches_jaeger(collector: Collector, jaeger: Jaeger, service: str) -> None:
    span = SentSpan(
        f"GET /reset?token={SECRET}",
        BY_NAME | BY_VALUE | KEPT,
        kind=CLIENT,
        status={"code": ERROR, "message": f"refused: password={SECRET}"},
        events=[("exception", {"exception.message": f"denied {JWT}", "password": SECRET})],
    )
    send_spans(collector, service, [span], {"deploy.token": SECRET, "process.command_args": ["--password=" + SECRET]})
    (stored,) = eventually(lambda: jaeger.trace(span.trace_id))
    assert _leaked(repr((stored, stored.attributes, stored.resource, stored.events))) == []
    assert {name: stored.attributes[name] for name in BY_NAME} == dict.fromkeys(BY_NAME, "****")
    assert {name: stored.attributes[name] for name in KEPT} == KEPT
    assert "****" in stored.name
    assert "****" in stored.status_description
    assert stored.attributes["note.number"] == "****"
    assert stored.attributes["url.full"] == "https:****shop.example/?access_****&page=2"


@pytest.mark.parametrize("body", [f"login with password: {SECRET} from 10.0.0.1", {"user": "ann", "password": SECRET}])
def test_no_secret_of_a_log_record_reaches_victorialogs(
    collector: Collector, victorialogs: VictoriaLogs, service: str, body: object
) -> None:
    trace_id = uuid4().hex
    send_log(collector, service, body, BY_NAME | BY_VALUE | KEPT, trace_id)
    (line,) = eventually(lambda: victorialogs.by_trace(trace_id))
    assert _leaked(repr((line.text, line.fields))) == []
    assert {name: line.fields[name] for name in BY_NAME} == dict.fromkeys(BY_NAME, "****")
    assert {name: line.fields[name] for name in KEPT} == {name: str(value) for name, value in KEPT.items()}
    assert "10.0.0.1" in line.text or line.fields["user"] == "ann"


def test_no_secret_of_a_data_point_reaches_prometheus(
    collector: Collector, prometheus: Prometheus, service: str
) -> None:
    labels = {"api_key": SECRET, "note": f"got {JWT}", "route": "/cart"}
    send_counter(collector, service, "redacted.orders", labels, {"password": SECRET, "note": JWT})
    (sample,) = eventually(lambda: prometheus.query(f'redacted_orders_total{{service_name="{service}"}}'))
    assert _leaked(repr(sample)) == []
    assert {name: sample.labels[name] for name in labels} == {"api_key": "****", "note": "got ****", "route": "/cart"}
    (exemplar,) = eventually(lambda: prometheus.exemplars(f'redacted_orders_total{{service_name="{service}"}}'))
    assert set(exemplar.labels) == {"trace_id", "span_id"}


def test_derived_metrics_hold_redacted_names(collector: Collector, prometheus: Prometheus, service: str) -> None:
    send_spans(collector, service, [SentSpan(f"GET /reset?token={SECRET}", kind=CLIENT)])
    series = f'traces_span_metrics_calls_total{{service_name="{service}"}}'
    (sample,) = eventually(lambda: prometheus.query(series), within_seconds=40)
    assert sample.labels["span_name"] == "GET /reset?****"


def _leaked(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]
