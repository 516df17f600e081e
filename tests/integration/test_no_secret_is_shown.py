"""A corpus of addresses, headers and secrets, through every setting and every place that shows text: none leaves.

The settings come from the field table, so a new one that takes an address, headers or a secret is covered.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from itertools import product
from typing import Any
from urllib.parse import unquote

import grpc  # type: ignore[import-untyped] # the library has no types
import pytest
from opentelemetry import metrics, trace

from flext_observability import (
    AlertmanagerNotifier,
    FlextAlert,
    FlextHealthCheck,
    FlextObservabilityConfig,
    Observability,
    WebhookNotifier,
    init_observability,
    ops_wsgi_app,
)
from flext_observability.domain.report import SIGNALS
from flext_observability.ops_server.serialization import settings_to_dict, to_json
from flext_observability.settings.config import FIELDS
from flext_observability.settings.fields import PREFIX, Field
from flext_observability.settings.masking import mask_value
from flext_observability.settings.otlp import EXPORTER_PROTOCOLS, otlp_settings
from flext_observability.settings.resolve import resolve
from flext_observability.settings.types import HEADERS
from flext_observability.values.masking import mask_secrets
from flext_observability.values.secret_names import is_secret_name
from tests import programs
from tests.backends.grpc_collector import grpc_collector
from tests.backends.serving import QuietHandler, serving

MARK = "s3cr3t"
CLOSED = "127.0.0.1:1"

# Characters that a password may have, raw or percent-encoded.
CHARACTERS = (
    *("", "/", "//", "#", "?", " ", "  ", "@", ":", "%", "%2F", "%40", "\\", "é", "\t", "\n", "&", "=", "'", '"'),
    *("[", "]", "<", ">", "|", "^", "`", "{", "}", ",", ";", "!", "$", "*", "\x00", "\udc80", "://", "../"),
)
IN_PASSWORDS = (
    *(f"http://user:pa{each}{MARK}@{CLOSED}" for each in CHARACTERS),
    *(f"user:{MARK}{each}x@{CLOSED}/v1/traces" for each in CHARACTERS[:14]),
    *(f"https://user:1{each}{MARK}{each}@{CLOSED}?a=b#c" for each in CHARACTERS[:14]),
)
ADDRESSES = (
    *IN_PASSWORDS,
    *(f"http://{MARK}:pw@{CLOSED}", f"http://{MARK}@{CLOSED}", f"{MARK}:pw@{CLOSED}", f"http://{MARK}/x@{CLOSED}"),
    *(f"http://user:{MARK}@h:port", f"http://user:{MARK}@", f"http://user:{MARK}@[::1", f"http://user:{MARK}@h:99999"),
    *(f"http://user:{MARK}", f"http://user:{MARK}/", f"user:{MARK}", f"http://127.0.0.1:{MARK}", f"http://h:0/?{MARK}"),
    *(f"ftp://user:{MARK}@h", f"socks5://u:{MARK}@h", f"http:/u:{MARK}@h", f"http//u:{MARK}@h", f"//u:{MARK}@h"),
    *(f"{MARK}://h", f"http:u:{MARK}@h", f"http:\\\\u:{MARK}@h", f" http://u:{MARK}@h ", f"http://u:{MARK}@h h"),
    *(f"http://u:{MARK}@a, http://u:{MARK}@b", f"Bearer {MARK}", f"token={MARK}", f"authorization=Bearer {MARK}"),
    *(f"http://{CLOSED}/?token={MARK}", f"http://{CLOSED}?{MARK}", f"http://{CLOSED}/v1/traces?api-key={MARK}&b=c"),
    *(
        f"http://{CLOSED}#{MARK}",
        f"http://{CLOSED}/a#{MARK}",
        f"http://{CLOSED}/services/T0/{MARK}",
        f"{CLOSED}/{MARK}",
    ),
    *(f"http://{CLOSED}/{MARK}/v1/traces", f"http://{CLOSED}/a;{MARK}", f"http://{CLOSED}/a@{MARK}", f"h/{MARK}?x"),
    *(f"http://{CLOSED}/{MARK}%2Fx", f"http://{CLOSED}//{MARK}//", f"http://h:4317/{MARK}", f"http://h/{MARK} x"),
)
BASIC = base64.b64encode(f"user:{MARK}".encode()).decode()
HEADER_LISTS = (
    *(f"authorization=Bearer {MARK}", f"authorization=Bearer%20{MARK}", f"Authorization=Basic {BASIC}", f"x={MARK}%0A"),
    *(f"Authorization: Bearer {MARK}", MARK, f"={MARK}", f"Bearer {MARK}", f"x-api-key={MARK},", f"x={MARK}\udc80"),
    *(f"cookie=sid={MARK}; a=b", f" , ,x={MARK}, y", f"x=é{MARK}", f"a b={MARK}", f"x={MARK}\x00"),
)
HEADER_OBJECTS: tuple[Any, ...] = (
    *({"authorization": f"Bearer {MARK}"}, {"x": MARK.encode()}, {"x": [MARK]}, {"bad name": MARK}, {"x": f"é{MARK}"}),
    *([("authorization", MARK)], {"x-api-key": f" {MARK}\n"}, {"authorization": f"Basic {BASIC}"}, {MARK}, (MARK,)),
)
SECRETS: tuple[Any, ...] = (MARK, f" {MARK}\n", f"é{MARK}", MARK.encode(), [MARK], {MARK: MARK}, {MARK})
# Any other setting may get an address by mistake.
MISPLACED = (
    *(f"http://user:{MARK}@h", f"http://user:pa/{MARK}@h:1/x", f"user:pa#{MARK}@h", f"http://h/?token={MARK}"),
    *(f"authorization=Bearer {MARK}", f"dbPassword={MARK}", f"http://u{'x' * 40}:{MARK}{'y' * 90}@h", f"Bearer {MARK}"),
)

ADDRESS_ROWS = [row for row in FIELDS.values() if row.type.mask is not mask_secrets]
HEADER_ROWS = [row for row in FIELDS.values() if row.type is HEADERS]
SECRET_ROWS = [row for row in FIELDS.values() if row.type.secret and row.type is not HEADERS]
OTHER_ROWS = [row for row in FIELDS.values() if row not in (*ADDRESS_ROWS, *HEADER_ROWS, *SECRET_ROWS)]
VALUES: Mapping[str, tuple[Any, ...]] = {
    **{row.name: ADDRESSES for row in ADDRESS_ROWS},
    **{row.name: HEADER_LISTS + HEADER_OBJECTS for row in HEADER_ROWS},
    **{row.name: SECRETS for row in SECRET_ROWS},
    **{row.name: MISPLACED for row in OTHER_ROWS},
}


# The secret in base64, for each number of bytes before it in a group of three.
ENCODED = tuple(
    base64.b64encode(b"x" * before + MARK.encode() + b"x")[-(-8 * before // 6) : 8 * (before + len(MARK)) // 6].decode()
    for before in range(3)
)


def leaks(text: str) -> bool:
    """Return whether a text has the secret: as it is, percent-encoded, or in base64."""
    return MARK in text or any(part in text for part in ENCODED) or ("%" in text and MARK in unquote(text))


def assert_hidden(texts: Iterable[str], cause: object) -> None:
    assert [text for text in texts if leaks(text)] == [], cause


def test_the_check_finds_every_spelling() -> None:
    assert all(map(leaks, (MARK, f"x{MARK}y", "s3%63r3t", BASIC, f"Basic {BASIC}", *ENCODED)))
    assert all(leaks(base64.b64encode(f"{'x' * each}{MARK}y".encode()).decode()) for each in range(6))
    assert not leaks("http://***@host:4318")


def test_settings_for_addresses_and_secrets_have_their_types() -> None:
    named = [name for name in FIELDS if re.search(r"(url|endpoint|gateway)$", name)]
    assert named == [row.name for row in ADDRESS_ROWS]
    kept = {"otlp_headers", *(f"otlp_{signal}_headers" for signal in SIGNALS), "ops_token", "ops_password"}
    assert kept == {row.name for row in (*HEADER_ROWS, *SECRET_ROWS)}
    assert {name for name in FIELDS if is_secret_name(name)} <= kept
    assert len(ADDRESSES) >= 60


# Settings alone: every value as an argument, in a configuration object, and in each variable.


def resolved_texts(arguments: Mapping[str, object], environ: Mapping[str, str], name: str = "") -> Iterator[str]:
    """Yield every text that the resolution of settings gives; with a name, of this setting alone."""
    result = resolve(None, arguments, environ)
    yield f"{result.error} {result.code} {result.fix}"
    if result.is_failure:
        yield from (repr(result), str(result))
        return
    settings = result.unwrap()
    yield repr((settings.notices, settings.config.endpoints))
    if not name:
        yield from (repr(result), to_json(settings_to_dict(settings.config, settings.sources)).decode())
        return
    value = mask_value(getattr(settings.config, name), FIELDS[name].type)
    yield from (repr(value), to_json({name: value}).decode())
    if name.startswith("otlp_") and name.endswith(("endpoint", "headers")):
        for signal, protocol in product(SIGNALS, EXPORTER_PROTOCOLS.values()):
            yield repr(otlp_settings(settings.config, signal, protocol))


@pytest.mark.parametrize("row", FIELDS.values(), ids=FIELDS)
def test_no_secret_in_the_resolution_of(row: Field) -> None:
    for value in VALUES[row.name]:
        given = FlextObservabilityConfig(**{row.name: value})
        assert_hidden((repr(given), str(given)), value)
        assert_hidden(resolved_texts({row.name: value}, {}, row.name), value)
        if isinstance(value, str):
            for variable in row.variables:
                assert_hidden(resolved_texts({}, {variable.name: value}, row.name), (variable.name, value))


@pytest.mark.parametrize("number", range(12))
def test_no_secret_in_the_resolution_of_all_settings_together(number: int) -> None:
    values = {name: values[number % len(values)] for name, values in VALUES.items()}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    assert_hidden(resolved_texts(values, {}), number)
    assert_hidden(resolved_texts({}, {f"{PREFIX}{name.upper()}": value for name, value in texts.items()}), number)
    assert_hidden((repr(FlextObservabilityConfig(**values)),), number)


def test_no_secret_of_names_that_are_not_settings() -> None:
    for text in MISPLACED:
        assert_hidden(resolved_texts({text: 1, f"{text}_": text}, {f"{PREFIX}X": text}), text)


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
    chosen = EVERYWHERE[:: 2 if exporter == "otlp_http" else 8]
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
            if "\x00" in address or number % 4:
                continue
            headers = HEADER_LISTS[number % len(HEADER_LISTS)].replace("\x00", "")
            for name, value in everywhere(address, headers).items():
                monkeypatch.setenv(rows[name].variables[number // 4 % len(rows[name].variables)].name, value)
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
