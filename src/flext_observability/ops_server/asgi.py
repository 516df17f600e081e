"""OpsPages → ASGI application; pages are made on threads, so that the event loop goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread
from typing import Any, Final, cast

from flext_observability.ops_server.pages import OpsPages, Reply, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_CONCURRENT: Final = 16
_BUSY: Final = Reply(503, [("Retry-After", "1"), ("Content-Length", "0")], b"")


def asgi_app(pages: OpsPages) -> AsgiApp:
    """Return the application, which may be mounted under any prefix.

    It answers HTTP, takes part in the lifespan protocol, and refuses websockets. At most 16 pages are made at a time; who asks for more
    is told to come again.

    Source: https://asgi.readthedocs.io/en/latest/specs/www.html
    """
    room = BoundedSemaphore(MAX_CONCURRENT)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(await _answer(pages, _request(scope), room), send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    return app


async def _answer(pages: OpsPages, request: Request, room: BoundedSemaphore) -> Reply:
    from asyncio import wrap_future

    if not room.acquire(blocking=False):
        return _BUSY
    future = Future[Reply]()
    future.set_running_or_notify_cancel()

    def work() -> None:
        reply = pages.answer(request)
        room.release()
        future.set_result(reply)

    # Not the loop's own pool: a page that hangs must neither fill it nor hold up the program's end.
    try:
        Thread(target=work, name="flext-ops-page", daemon=True).start()
    except RuntimeError:  # no more threads
        room.release()
        return _BUSY
    return await wrap_future(future)


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _request(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for name, value in cast("Iterable[tuple[bytes, bytes]]", scope["headers"]):
        key = name.decode("latin-1").lower()
        headers[key] = ", ".join(filter(None, (headers.get(key), value.decode("latin-1"))))
    # Servers and frameworks differ in whether `path` holds the prefix under which an application is mounted.
    path, root = cast("str", scope["path"]), cast("str", scope.get("root_path", "")).rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    wanted = (headers.get(name, "") for name in ("accept", "accept-encoding", "authorization"))
    return Request(scope["method"], path, *wanted)
