"""Statuses and transport errors → outcomes with the next action."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPMessage
from typing import get_args

import pytest

from flext_observability.extensions.ports import ExportOutcome
from flext_observability.pipeline.http_outcome import HttpBackend, StatusClass, classify, mask_outcome
from flext_observability.values.endpoint import parse_endpoint
from flext_observability.wire.http.client import HttpReply
from flext_observability.wire.http.errors import ErrorKind, TransportError
from flext_observability.wire.http.target import http_target

SERVER = HttpBackend("server", "the_setting")
URL = "http://server:1/x"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (300, "redirect"),
        (302, "redirect"),
        (304, "error"),
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
        (405, "not_found"),
        (413, "too_large"),
        (415, "unsupported_media_type"),
        (418, "error"),
        (429, "throttled"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
def test_class_of_a_status(status: int, expected: StatusClass) -> None:
    assert classify(status) == expected


@pytest.mark.parametrize("status", [500, 501, 505])
def test_server_errors_that_are_not_retryable(status: int) -> None:
    assert classify(status, retry_server_errors=False) == "error"
    assert classify(503, retry_server_errors=False) == "unavailable"


def reply(status: int, headers: Mapping[str, str], body: bytes = b"") -> HttpReply:
    message = HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    return HttpReply(status, message, body)


def test_retryable_status() -> None:
    assert SERVER.from_reply(reply(503, {"retry-after": "7"}), URL, "busy") == ExportOutcome(
        retry=True,
        retry_after_seconds=7.0,
        reason="unavailable",
        message=f"{URL} answered 503: busy",
        fix="No action if the server recovers, otherwise read its log",
    )


@pytest.mark.parametrize(
    ("headers", "detail", "expected"),
    [
        ({}, None, "full \ufffd line"),
        ({}, "explained", "explained"),
        ({"location": "http://elsewhere/"}, None, "http://elsewhere/"),
        ({"location": "http://elsewhere/"}, "explained", "http://elsewhere/"),
    ],
)
def test_detail_is_the_location_the_explanation_or_the_text(
    headers: dict[str, str], detail: str | None, expected: str
) -> None:
    outcome = SERVER.from_reply(reply(418, headers, b"full \xff\nline"), URL, detail)
    assert outcome.message == f"{URL} answered 418: {expected}"


@pytest.mark.parametrize(
    ("hidden", "expected"), [(False, "https://***@host/login/***?***"), (True, "https://***@host/…")]
)
def test_redirects_are_shown_without_secrets(*, hidden: bool, expected: str) -> None:
    backend = HttpBackend("server", "the_setting", has_secret_paths=hidden)
    headers = {"location": "https://user:pass@host/login/T0K3N?next=a#b"}
    assert backend.from_reply(reply(302, headers), URL).message == f"{URL} answered 302: {expected}"


def test_quoted_secrets_are_masked() -> None:
    target = http_target(parse_endpoint("http://host"), headers={"x-token": "header-token"})
    outcome = ExportOutcome(reason="rejected", message="header-token is unknown")
    assert mask_outcome(outcome, target).message == "*** is unknown"
    assert mask_outcome(ExportOutcome(accepted=1), target) == ExportOutcome(accepted=1)


def test_permanent_status() -> None:
    assert SERVER.from_reply(reply(400, {"retry-after": "7"}), URL, "") == ExportOutcome(
        reason="rejected", message=f"{URL} answered 400", fix="Correct the error in the message"
    )


@pytest.mark.parametrize(
    ("kind", "reason", "reached"),
    [("refused", "unreachable", False), ("timeout", "timeout", False), ("not_http", "invalid_response", True)],
)
def test_transport_errors_are_retryable(kind: ErrorKind, reason: str, *, reached: bool) -> None:
    outcome = SERVER.from_error(TransportError(kind, "what happened"))
    assert (outcome.retry, outcome.reason, outcome.reached, outcome.message) == (True, reason, reached, "what happened")


@pytest.mark.parametrize("failure", [*get_args(StatusClass), *get_args(ErrorKind)])
def test_every_failure_has_a_fix_without_placeholders(failure: StatusClass | ErrorKind) -> None:
    fix = SERVER.fix(failure)
    assert fix[0].isupper()
    assert fix[-1] != "."
    assert "{" not in fix


def test_fix_of_a_back_end_replaces_the_common_one() -> None:
    assert HttpBackend("server", "the_setting", {"error": "Ask Bob"}).fix("error") == "Ask Bob"
