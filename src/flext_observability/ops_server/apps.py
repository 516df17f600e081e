"""OpsPages → WSGI application, or ASGI application that renders pages on threads and never blocks the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Future
from http import HTTPStatus
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Any, Final, cast

from flext_observability.ops_server.pages import OpsPages, Reply, Request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_CONCURRENT: Final = 16
_BUSY: Final = Reply(503, [("Retry-After", "1"), ("Content-Length", "0")], b"")


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


def asgi_app(pages: OpsPages) -> AsgiApp:
    """Return the application. It can be mounted under any prefix.

    It serves HTTP, supports the lifespan protocol and rejects websockets. At most 16 pages are rendered concurrently;
    further requests get status 503 with ``Retry-After``.

    Source: https://asgi.readthedocs.io/en/latest/specs/www.html
    """
    slots = BoundedSemaphore(MAX_CONCURRENT)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(await _render(pages, _request(scope), slots), send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    return app


async def _render(pages: OpsPages, request: Request, slots: BoundedSemaphore) -> Reply:
    from asyncio import wrap_future

    if not slots.acquire(blocking=False):
        return _BUSY
    future = Future[Reply]()
    future.set_running_or_notify_cancel()

    def render() -> None:
        reply = pages.answer(request)
        slots.release()
        future.set_result(reply)

    # Not the loop's executor: a page that hangs must neither fill it nor delay the program's exit.
    try:
        Thread(target=render, name="flext-ops-page", daemon=True).start()
    except RuntimeError:  # no more threads
        slots.release()
        return _BUSY
    return await wrap_future(future)


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
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
    used = (headers.get(name, "") for name in ("accept", "accept-encoding", "authorization"))
    return Request(scope["method"], path, *used)
