"""OpsPages → WSGI application."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flext_observability.ops_server.pages import OpsPages, Request

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def wsgi_app(pages: OpsPages) -> WSGIApplication:
    """Return the application. It can be mounted under any prefix and never raises.

    Source: https://peps.python.org/pep-3333/
    """

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_ENCODING", ""),
            environ.get("HTTP_AUTHORIZATION", ""),
        )
        reply = pages.answer(request)
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", reply.headers)
        return [reply.body] if reply.body else []

    return app
