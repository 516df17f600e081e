"""Routes → a service on loopback that answers until it is told to end, and clients of its peers (Starlette, uvicorn, httpx)."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from functools import cache

import httpx
import uvicorn
from starlette import applications
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

PORTS = {"gateway": 8000, "orders": 8001, "payments": 8002, "inventory": 8003}
"""Where a service started by hand listens; the demo gives each a free port instead."""


def serve(name: str, *routes: BaseRoute) -> None:
    """Answer on 127.0.0.1 until SIGTERM or Ctrl-C.

    Call it after ``init_observability``: an application made before that would not be instrumented.

    Args:
        name: Of the service, as in ``PORTS``.
        routes: What it answers, besides ``GET /health``.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=PORTS[name], help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--fd", type=int, help="number of an inherited listening socket, instead of a port")
    options = parser.parse_args()
    # uvicorn raises the signal again once it has closed; without this, the process would die before telemetry is flushed at exit.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its line for each request says what the client span says
    app = applications.Starlette(routes=[*routes, Route("/health", _health)])
    config = uvicorn.Config(
        app, port=options.port, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    inherited = None if options.fd is None else [socket.socket(fileno=options.fd)]
    uvicorn.Server(config).run(sockets=inherited)


@cache
def peer(name: str) -> httpx.AsyncClient:
    """Return the client of another service; ``SHOP_<NAME>_URL`` says where it is."""
    address = os.environ.get(f"SHOP_{name.upper()}_URL", f"http://127.0.0.1:{PORTS[name]}")
    return httpx.AsyncClient(base_url=address, timeout=10.0, trust_env=False)


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok")
