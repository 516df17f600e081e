"""WSGI application: Alertmanager's webhook requests in, JSON and a page of the last notifications out."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast
from urllib.parse import parse_qsl

from monitoring.webhook.notifications import Notifications, Selection
from monitoring.webhook.page import page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES: Final = 1_048_576
MAX_WAIT_SECONDS: Final = 60.0

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"


class WebhookApp:
    """Receiver of notifications.

    `POST /notifications` stores one and wants the token, if there is one. `GET /notifications` returns them:
    `after=NUMBER`, `status=firing`, `label.NAME=VALUE` filter, `wait=SECONDS` waits for the first one. `GET /` is a
    page, `GET /health` answers 200.
    """

    def __init__(self, notifications: Notifications, token: str = "", *, waiting: int = 4) -> None:
        """Create the application.

        Args:
            notifications: Store of the notifications.
            token: Bearer token of writers, empty for none.
            waiting: Greatest number of requests that wait at the same time, so that threads remain for writers.
        """
        self._notifications = notifications
        self._token = token
        self._waiting = threading.BoundedSemaphore(waiting)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, kind, body = self._answer(environ)
        content = body.encode("utf-8", "replace")
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [content]

    def _answer(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, str, str]:
        method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
        if path == "/notifications" and method == "POST":
            return self._store(environ)
        if method not in {"GET", "HEAD"}:
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, "only GET, and POST to /notifications, are allowed")
        if path == "/notifications":
            return self._list(str(environ.get("QUERY_STRING", "")))
        if path == "/health":
            return HTTPStatus.OK, _TEXT, "ok\n"
        if path == "/":
            return HTTPStatus.OK, "text/html; charset=utf-8", page(self._notifications.select(Selection()))
        return _problem(HTTPStatus.NOT_FOUND, "the addresses are /, /notifications and /health")

    def _store(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, str, str]:
        if not self._allowed(str(environ.get("HTTP_AUTHORIZATION", ""))):
            reason = "the bearer token is missing or wrong: set authorization.credentials_file of the receiver"
            return _problem(HTTPStatus.UNAUTHORIZED, reason)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {MAX_BODY_BYTES} bytes")
        try:
            payload: Any = json.loads(environ["wsgi.input"].read(length))
        except (ValueError, RecursionError) as error:
            return _problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}")
        if not _is_notification(payload):
            return _problem(HTTPStatus.BAD_REQUEST, "the body is not a notification of Alertmanager: no list `alerts`")
        return HTTPStatus.OK, _JSON, json.dumps({"number": self._notifications.add(payload).number}) + "\n"

    def _allowed(self, authorization: str) -> bool:
        wanted = f"Bearer {self._token}"
        return not self._token or hmac.compare_digest(authorization.encode("utf-8", "replace"), wanted.encode())

    def _list(self, query: str) -> tuple[HTTPStatus, str, str]:
        try:
            selection, wait = _read(query)
        except ValueError as error:
            return _problem(HTTPStatus.BAD_REQUEST, f"{error}")
        if wait and not self._waiting.acquire(blocking=False):
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are waiting: try again later")
        try:
            found = self._notifications.select(selection, wait)
        finally:
            if wait:
                self._waiting.release()
        return HTTPStatus.OK, _JSON, json.dumps([one.as_json() for one in found]) + "\n"


def _read(query: str) -> tuple[Selection, float]:
    """Return the filter and the seconds to wait.

    Raises:
        ValueError: A parameter is unknown or not a number.
    """
    after, wait, status, labels = 0, 0.0, "", list[tuple[str, str]]()
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=50):
        if name == "after":
            after = int(value)
        elif name == "wait":
            wait = min(max(float(value), 0.0), MAX_WAIT_SECONDS)
        elif name == "status":
            status = value
        elif name.startswith("label."):
            labels.append((name.removeprefix("label."), value))
        else:
            raise ValueError(f"unknown parameter {name!r}: use after, status, wait or label.NAME")
    return Selection(after, status, tuple(labels)), wait


def _is_notification(payload: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(payload, dict) and isinstance(cast("dict[str, object]", payload).get("alerts"), list)


def _problem(status: HTTPStatus, reason: str) -> tuple[HTTPStatus, str, str]:
    return status, _JSON, json.dumps({"error": reason}) + "\n"
