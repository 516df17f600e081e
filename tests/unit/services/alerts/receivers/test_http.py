"""JSON → one POST to a real server → a result with a code and a next action."""

from __future__ import annotations

import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from flext_observability import FlextResult
from flext_observability.engine.compat import is_suppressed
from flext_observability.services.alerts.receivers.http import HttpNotifier
from tests.backends.certificates import make_certificates
from tests.backends.collector import Answer, collector
from tests.backends.ports import refusing_port
from tests.backends.raw import answers, drips, raw_server, silent


class Poster(HttpNotifier):
    """A notifier without a payload of its own."""

    def post(self, body: bytes, timeout_seconds: float, headers: dict[str, str] | None = None) -> FlextResult[None]:
        return self._post(body, timeout_seconds, headers)


def poster(url: Any, path: str = "/hook", headers: Any = None, timeout_seconds: Any = 5.0) -> Poster:
    return Poster(url, path, headers, timeout_seconds, "the_setting")


def test_json_is_posted() -> None:
    with collector() as server:
        post = poster(f"{server.url}/prefix/", headers={"X-Tenant": "a"})
        assert post.post(b"{}", 5).success
        assert post.post(b"[]", 5, {"X-Signature": "s"}).success
        assert post.post(b"[1]", 5).success
        first, second, third = server.requests
    assert (first.path, first.body, first.headers["content-type"]) == ("/prefix/hook", b"{}", "application/json")
    assert (first.headers["x-tenant"], first.headers["user-agent"]) == ("a", "flext-observability")
    assert (second.headers["x-signature"], "x-signature" in third.headers) == ("s", False)


@pytest.mark.parametrize("tail", ["", "/", "/hook", "/hook/", "/a?b=c"])
def test_the_path_is_added_once(tail: str) -> None:
    with collector() as server:
        assert poster(server.url + tail).post(b"{}", 5).success
        expected = "/a/hook?b=c" if tail.startswith("/a") else "/hook"
        assert server.requests[0].path == expected


def test_without_a_scheme_http_is_meant() -> None:
    with collector() as server:
        assert poster(f" 127.0.0.1:{server.port} ").post(b"{}", 5).success


def test_credentials_of_the_address_are_sent_and_not_shown() -> None:
    with collector() as server:
        server.standing = Answer(401)
        result = poster(f"http://me:s%40cret@127.0.0.1:{server.port}").post(b"{}", 5)
        assert server.requests[0].headers["authorization"] == f"Basic {b64encode(b'me:s@cret').decode()}"
    assert (result.code, "cret" in str(result.error)) == ("unauthorized", False)
    assert str(result.error).endswith(". Correct the credentials in the_setting.")


def test_a_bearer_token_wins_over_the_address() -> None:
    with collector() as server:
        headers = {"authorization": "Bearer t"}
        assert poster(f"http://me:secret@127.0.0.1:{server.port}", headers=headers).post(b"{}", 5).success
        assert server.requests[0].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (204, None),
        (308, "not_found"),
        (304, "rejected"),
        (400, "rejected"),
        (403, "unauthorized"),
        (404, "not_found"),
        (405, "not_found"),
        (413, "rejected"),
        (429, "unavailable"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
def test_a_status_has_its_code(status: int, code: str | None) -> None:
    headers = {"location": "http://elsewhere/"} if status == 308 else {}
    body = b"" if status in {204, 304} else b"it is\nfull \x07"
    with collector() as server:
        server.standing = Answer(status, headers, body)
        result = poster(server.url).post(b"{}", 5)
    assert result.code == code
    if code is not None:
        detail = {308: ": http://elsewhere/", 304: ""}.get(status, ": it is full")
        assert str(result.error).startswith(f"{server.url}/hook answered {status}{detail}. ")


@pytest.mark.parametrize(("field", "seconds"), [("7", 7.0), ("", None)])
def test_what_it_asks_to_wait_is_kept_until_the_next_answer(field: str, seconds: float | None) -> None:
    with collector() as server:
        server.answers.append(Answer(503, {"retry-after": field}))
        post = poster(server.url)
        post.post(b"{}", 5)
        assert post.retry_after_seconds == seconds
        post.post(b"{}", 5)
        assert post.retry_after_seconds is None


def test_an_unreachable_server() -> None:
    with refusing_port() as port:
        result = poster(f"http://127.0.0.1:{port}").post(b"{}", 5)
    assert (result.code, str(result.error).endswith(". Start the server, or correct the address in the_setting.")) == (
        "unreachable",
        True,
    )


@pytest.mark.parametrize("own", [True, False])
def test_a_silent_server_costs_the_time_limit(own: bool) -> None:
    with raw_server(silent) as server:
        began = time.monotonic()
        result = poster(server.url, timeout_seconds=0.1 if own else 5.0).post(b"{}", 5.0 if own else 0.1)
        assert time.monotonic() - began < 2
    assert result.code == "timeout"


def test_a_slow_body_changes_nothing_about_its_status() -> None:
    behaviour = drips(b"HTTP/1.1 400 Bad\r\ncontent-length: 999\r\n\r\n", b"x", 0.01)
    with raw_server(behaviour) as server:
        assert poster(server.url, timeout_seconds=0.2).post(b"{}", 5).code == "rejected"


@pytest.mark.parametrize("reply", [b"\x00\x01garbage", b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nA"])
def test_garbage_may_be_over_soon(reply: bytes) -> None:
    with raw_server(answers(reply)) as server:
        result = poster(server.url).post(b"{}", 5)
    assert result.code == "invalid_response"
    assert "heck the scheme and the port in the_setting" in str(result.error)


def test_https_with_an_authority_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = make_certificates(tmp_path)
    with collector(context=certificates.server_context()) as server:
        assert poster(server.url).post(b"{}", 5).code == "tls"  # an unknown authority
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        assert poster(server.url).post(b"{}", 5).success


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert poster("http://alerts.invalid:9").post(b"{}", 5).success
        assert proxy.requests[0].path == "http://alerts.invalid:9/hook"
        monkeypatch.setenv("HTTP_PROXY", "ftp://invalid")
        result = poster("http://alerts.invalid:9").post(b"{}", 5)
    assert (result.code, "HTTP_PROXY" in str(result.error)) == ("unreachable", True)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("", None),
        (None, None),
        (5, None),
        ("ftp://secret@x", None),
        ("http://", None),
        ("http://secret@x:99999", None),
        ("http://a b", None),
        ("http://x", {"bad name": "secret"}),
        ("http://x", {"a": "secret\r\nb: c"}),
        ("http://x", {5: "secret"}),
        ("http://x", ["secret"]),
    ],
)
def test_an_invalid_address_or_header_is_reported_without_secrets(url: Any, headers: Any) -> None:
    post = poster(url, headers=headers)
    assert post.config_error.startswith("The address or a header is invalid")
    assert post.config_error.endswith(". Correct the_setting.")
    assert "secret" not in post.config_error
    assert post.post(b"{}", 5).code == "invalid_address"


@pytest.mark.parametrize("seconds", [0, -1, None, "x", float("nan"), float("inf")])
def test_a_limit_that_is_none_is_replaced(seconds: Any) -> None:
    with collector() as server:
        assert poster(server.url, timeout_seconds=seconds).post(b"{}", 5).success


def test_posting_is_not_recorded() -> None:
    assert not is_suppressed()
    with collector() as server:
        poster(server.url).post(b"{}", 5)
    assert not is_suppressed()
