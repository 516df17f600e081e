"""Everything that shows text while telemetry runs, with the corpus of secrets: none leaves."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc  # type: ignore[import-untyped] # the library has no types
import pytest
from opentelemetry import metrics, trace

from flext_observability import (
    AlertmanagerNotifier,
    FlextAlert,
    FlextHealthCheck,
    FlextResult,
    Observability,
    WebhookNotifier,
    init_observability,
    ops_wsgi_app,
)
from flext_observability.settings.fields import Field
from flext_observability.settings.resolve import resolve
from tests import programs
from tests.backends.grpc_collector import grpc_collector
from tests.backends.serving import QuietHandler, serving
from tests.integration.secret_corpus import (
    ADDRESS_ROWS,
    ADDRESSES,
    BASIC,
    CLOSED,
    HEADER_LISTS,
    HEADER_ROWS,
    MARK,
    MISPLACED,
    OTHER_ROWS,
    SECRET_ROWS,
    assert_hidden,
)

pytestmark = pytest.mark.any_sdk

# Whole programs: everything that shows text, with back ends that are down or quote what they got.


@dataclass
class Shown:
    """Everything shown while telemetry runs."""

    texts: list[str] = field(default_factory=list[str])

    def add(self, *values: object) -> None:
        for value in values:
            self.texts += [str(value), repr(value)]


@contextmanager
def recording(capsys: pytest.CaptureFixture[str]) -> Generator[Shown]:
    """Collect log records of all loggers, with tracebacks, and warnings, stdout, stderr."""
    shown = Shown()
    formatter = logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s")

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.add(formatter.format(record))

    recorder = Recorder(0)
    logging.getLogger().addHandler(recorder)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield shown
        shown.add(*(each.message for each in caught))
    finally:
        logging.getLogger().removeHandler(recorder)
    shown.add(*capsys.readouterr())


def page(path: str) -> str:
    """Return a page of the ops server."""
    heads: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1"}
    app: Any = ops_wsgi_app(token="", username="", password="")
    body = b"".join(app(environ, lambda *head: heads.append(head)))
    assert heads[0][0].startswith(("200", "503")), (path, heads, body)
    return f"{heads} {body.decode()}"


def use(handle: Observability, shown: Shown) -> None:
    """Record and send something of everything, and collect what is shown about it."""
    trace.get_tracer("t").start_span("s").end()
    metrics.get_meter("t").create_counter("c").add(1)
    logging.getLogger("program").warning("a log record")
    handle.alerts.process_alert(FlextAlert(name="disk", severity="critical", message="full"))
    shown.add(handle.flush(0.1), handle.flush(0.0))
    shown.add(handle, handle.config, handle.config.endpoints, handle.status(), handle.alerts.notifiers())
    shown.texts += [page(path) for path in ("/status", "/health", "/metrics", "/health/ready", "/")]
    shown.add(handle.delete_pushed_metrics(0.2), handle.shutdown(0.1), handle.status(), handle)


def start(arguments: Mapping[str, Any], shown: Shown) -> bool:
    """Start with these arguments and use what has started; return whether it has."""
    common: dict[str, Any] = {"service_name": "a", "console": False, "push_gateway_delete_at_exit": True}
    result = init_observability(**{**common, **arguments})
    shown.add(result)
    if result.is_failure:
        return False
    use(result.unwrap(), shown)
    return True


def is_valid(row: Field, value: object) -> bool:
    return resolve(None, {row.name: value}, {}).success


EVERYWHERE = [value for value in ADDRESSES if all(is_valid(row, value) for row in ADDRESS_ROWS)]
VALID_HEADERS = next(value for value in HEADER_LISTS if all(is_valid(row, value) for row in HEADER_ROWS))


def everywhere(address: object, headers: object) -> dict[str, Any]:
    """Return arguments with this address, these headers and the secret in every setting for them."""
    rows = (*((row, address) for row in ADDRESS_ROWS), *((row, headers) for row in HEADER_ROWS))
    return {row.name: value for row, value in (*rows, *((row, MARK) for row in SECRET_ROWS))}


@pytest.mark.parametrize("exporter", ["otlp_http", "otlp_grpc"])
def test_no_secret_of_arguments_while_the_back_ends_are_down(capsys: pytest.CaptureFixture[str], exporter: str) -> None:
    chosen = EVERYWHERE[:: 3 if exporter == "otlp_http" else 8]
    with recording(capsys) as shown:
        for address in chosen:
            exporters = {"traces": exporter, "logs": exporter, "metrics": [exporter, "prometheus", "pushgateway"]}
            assert start({**everywhere(address, VALID_HEADERS), "exporters": exporters, "prometheus_port": 0}, shown)
            assert_hidden(shown.texts, address)
    assert len(chosen) >= 5
    assert any("nothing listens on" in text for text in shown.texts)
    assert_hidden(shown.texts, exporter)


def test_no_secret_of_invalid_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with recording(capsys) as shown:
        invalid = [value for value in ADDRESSES if value not in EVERYWHERE]
        started = [value for value in invalid if start(everywhere(value, "none"), shown)]
    assert started == []
    assert_hidden(shown.texts, "")


def test_no_secret_of_variables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row.name: row for row in (*ADDRESS_ROWS, *HEADER_ROWS, *SECRET_ROWS)}
    with recording(capsys) as shown:
        for number, address in enumerate(ADDRESSES):
            if "\x00" in address or number % 6:
                continue
            headers = HEADER_LISTS[number % len(HEADER_LISTS)].replace("\x00", "")
            for name, value in everywhere(address, headers).items():
                monkeypatch.setenv(rows[name].variables[number // 6 % len(rows[name].variables)].name, value)
            for name in ("HTTP_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, address)
            assert start({"exporters": {"metrics": ["otlp", "pushgateway"]}}, shown)
            assert_hidden(shown.texts, address)
    assert_hidden(shown.texts, "")


NAMED = [row for row in OTHER_ROWS if row.type.name in {"name", "names"}]


@pytest.mark.parametrize("row", NAMED, ids=[row.name for row in NAMED])
def test_no_secret_of_an_address_given_as_a_name(capsys: pytest.CaptureFixture[str], row: Field) -> None:
    with recording(capsys) as shown:
        for value in MISPLACED[:3]:
            start({"exporters": "none", row.name: value}, shown)
    assert_hidden(shown.texts, row.name)


OTHERS = [row for row in OTHER_ROWS if row not in NAMED]


@pytest.mark.parametrize("row", OTHERS, ids=[row.name for row in OTHERS])
def test_no_secret_of_an_address_given_to_another_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, row: Field
) -> None:
    monkeypatch.chdir(tmp_path)
    exporters = {"traces": "otlp_file", "logs": "none", "metrics": ["prometheus", "pushgateway"]}
    common = {"exporters": exporters, "push_gateway": CLOSED, "prometheus_port": 0}
    with recording(capsys) as shown:
        for value in MISPLACED[:2]:
            start({**common, row.name: value}, shown)
    # Resource attributes are exported as they are.
    assert_hidden((text for text in shown.texts if "target_info{" not in text), row.name)


# Back ends that quote what they got.


class Echo(QuietHandler):
    """Server that quotes each request in its reply."""

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        self.rfile.read(int(self.headers.get("content-length", 0)))
        quoted = f"no access for {self.path} ({unquote(self.path)}) with {dict(self.headers)}"
        way = self.headers.get("x-reply", "text")
        if way == "redirect":
            self.reply(302, {"location": f"http://u:{MARK}@other.example{self.path}&x={MARK}#{MARK}"}, b"")
        elif way == "json":
            self.reply(401, {"content-type": "application/json"}, json.dumps({"message": quoted}).encode())
        elif way == "long":
            self.reply(503, {"content-type": "text/plain"}, f"{'x' * 280} {quoted}".encode())
        elif way == "accepted":
            partial = {"partialSuccess": {"errorMessage": quoted, "rejectedSpans": 1}}
            self.reply(200, {"content-type": "application/json"}, json.dumps(partial).encode())
        else:
            self.reply(401, {"content-type": "text/plain"}, quoted.encode())

    do_PUT = do_DELETE = do_POST  # noqa: N815 - the names are http.server's


@pytest.mark.parametrize("way", ["text", "json", "long", "redirect", "accepted"])
@pytest.mark.parametrize(
    "address", ["http://user:pa%2F{mark}@{host}/?token={mark}", "http://{mark}:pw@{host}/v1/traces"]
)
def test_no_secret_that_a_server_quotes(capsys: pytest.CaptureFixture[str], way: str, address: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    with serving(server, None), recording(capsys) as shown:
        url = address.format(mark=MARK, host=f"127.0.0.1:{server.server_port}")
        headers = {"x-api-key": MARK, "x-reply": way}
        exporters = {"traces": "otlp_http", "logs": "otlp_http", "metrics": ["otlp_http", "pushgateway"]}
        hook = url.replace("/v1/traces", "").replace(f"/?token={MARK}", f"/services/{MARK}?x={MARK}")
        assert start({**everywhere(url, headers), "exporters": exporters, "alert_webhook_url": hook}, shown)
    assert any("answered" in text or "rejected" in text for text in shown.texts)
    assert_hidden(shown.texts, way)


@pytest.mark.parametrize(
    "detail", [f"bad token {MARK}", f"bad authorization Bearer {MARK}", f"{'x' * 290} {MARK}", BASIC]
)
def test_no_secret_that_a_grpc_server_quotes(capsys: pytest.CaptureFixture[str], detail: str) -> None:
    with grpc_collector() as server, recording(capsys) as shown:
        server.standing = (grpc.StatusCode.UNAUTHENTICATED, detail, ())
        url = server.url.replace("//", f"//user:{MARK}@")
        assert start({"exporters": "otlp_grpc", "otlp_endpoint": url, "otlp_headers": {"x-api-key": MARK}}, shown)
    assert any("UNAUTHENTICATED" in text for text in shown.texts)
    assert_hidden(shown.texts, detail)


def test_no_secret_of_notifiers(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(_: object) -> None:
        raise ConnectionError(f"http://user:pa/{MARK}@{CLOSED} refused, token={MARK}, Authorization: Bearer {MARK}")

    with recording(capsys) as shown:
        handle = init_observability(service_name="a", exporters="none", console=False).unwrap()
        headers = {"Authorization": f"Bearer {MARK}"}
        for number, address in enumerate(ADDRESSES):
            hook = WebhookNotifier(address, headers=headers, secret=MARK)
            manager = AlertmanagerNotifier(address, headers=headers if number % 2 else {f"Bearer {MARK}": ""})
            shown.add(hook, manager, hook.config_error, manager.config_error)
            if number % 16 == 0:
                shown.add(handle.alerts.add_notifier(f"hook {number}", hook))
                shown.add(handle.alerts.add_notifier(f"manager {number}", manager))
        shown.add(handle.alerts.add_notifier("function", fails))
        failure = FlextResult[None].fail(f"no access to http://u:{MARK}@h", code="error", fix=f"Use token={MARK}")
        shown.add(handle.alerts.add_notifier("result", lambda _: failure))
        use(handle, shown)
    assert any("ConnectionError" in text for text in shown.texts)
    assert_hidden(shown.texts, "")


# Details of checks, resource attributes and settings on pages: masked by their names.

NAMES = (
    *("dbPassword", "apiKey", "accessToken", "clientSecret", "privateKey", "authToken", "XApiKey", "PGPASSWORD", "pwd"),
    *("AWS_SECRET_ACCESS_KEY", "passwd", "cookie", "authorization", "credentials", "connectionString", "sentry.dsn"),
    *("db.password", "X-API-Key", "userPassword1", "oauth2Token", "MYSQL_PWD", "Set-Cookie", "proxy_auth"),
)


def test_no_value_with_a_secret_name_is_on_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    attributes = dict.fromkeys(NAMES, MARK)
    with recording(capsys) as shown:
        handle = init_observability(
            service_name="a", exporters="none", console=False, resource_attributes=attributes
        ).unwrap()
        check = FlextHealthCheck(name="db", status="unhealthy", message=f"dbPassword={MARK}", details=attributes)
        handle.health.register_check("db", lambda: check)
        shown.texts += [page("/status"), page("/health")]
        shown.add(handle.config, handle)
    assert "unhealthy" in "".join(shown.texts)
    assert_hidden(shown.texts, "")


# The end of a process: what it prints at its exit, after a failed start and when its telemetry is lost.


@pytest.mark.parametrize("address", [f"http://user:pa/{MARK}@{CLOSED}", f"http://user:{MARK}@{CLOSED}/?token={MARK}"])
def test_no_secret_on_the_standard_streams_of_a_process(address: str) -> None:
    variables = {
        row.variables[-1].name: value
        for row in (*ADDRESS_ROWS, *HEADER_ROWS)
        for value in [VALID_HEADERS if row in HEADER_ROWS else address]
    }
    done = programs.run(
        f"""
        import logging
        from opentelemetry import trace
        from flext_observability import init_observability
        print(init_observability(otlp_endpoint={"http://u:pa " + MARK + "@h"!r}))
        handle = init_observability(service_name="a", console=True, ops_token="{MARK}").unwrap()
        trace.get_tracer("t").start_span("s").end()
        logging.getLogger("x").error("lost")
        print(handle, handle.config, handle.status(), handle.flush(0.2))
        """,
        **variables,
        HTTP_PROXY=address,
        FLEXT_OBSERVABILITY_INTERNAL_LOG_LEVEL="DEBUG",
    )
    assert done.code == 0, done.err
    assert "lost" in done.err
    assert_hidden((done.out, done.err), address)
