"""OpsPages → WSGI application, or ASGI application that never blocks the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from flext_observability.ops_server.answers import Answers, Pending
from flext_observability.ops_server.pages import OpsPages, Reply, Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
_HEADERS: Final = ("accept", "accept-encoding", "authorization", "x-prometheus-scrape-timeout-seconds")


def wsgi_app(pages: OpsPages) -> WSGIApplication:
    """Return the application. It can be mounted under any prefix and never raises.

    Each reply is complete within the time limit of its page.

    Source: https://peps.python.org/pep-3333/
    """
    answers = Answers(pages)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_ENCODING", ""),
            environ.get("HTTP_AUTHORIZATION", ""),
            environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS", ""),
        )
        reply = answers.answer(request)
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", reply.headers)
        return [reply.body] if reply.body else []

    return app


def asgi_app(pages: OpsPages) -> AsgiApp:
    """Return the application. It can be mounted under any prefix.

    It serves HTTP, supports the lifespan protocol and rejects websockets. Each reply is complete within the time limit
    of its page.

    Source: https://asgi.readthedocs.io/en/latest/specs/www.html
    """
    answers = Answers(pages)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(await _answer(answers, _request(scope)), send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send, pages)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    return app


async def _answer(answers: Answers, request: Request) -> Reply:
    from asyncio import wait, wrap_future

    begun = answers.begin(request)
    if not isinstance(begun, Pending):
        return begun
    future = wrap_future(begun.call.future)
    try:
        await wait([future], timeout=begun.remaining_seconds())
    finally:
        future.cancel()  # the call itself cannot be cancelled
    return begun.reply()


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send, pages: OpsPages) -> None:
    from asyncio import to_thread

    while True:
        event = (await receive())["type"]
        if event == "lifespan.shutdown":
            await to_thread(pages.save)  # some servers end their workers by a signal then
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


def _request(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for name, value in cast("Iterable[tuple[bytes, bytes]]", scope["headers"]):
        key = name.decode("latin-1").lower()
        headers[key] = ", ".join(filter(None, (headers.get(key), value.decode("latin-1"))))
    # In some servers `path` includes the prefix of a mounted application, in others it does not.
    path, root = cast("str", scope["path"]), cast("str", scope.get("root_path", "")).rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return Request(scope["method"], path, *(headers.get(name, "") for name in _HEADERS))
