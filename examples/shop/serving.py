"""Serve HTTP routes on loopback, and call other services (Starlette, uvicorn, httpx)."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import cache

import httpx
import uvicorn
from starlette import applications
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from examples.shop.operations import end_operations, start_operations

PORTS = {"gateway": 8000, "orders": 8001, "payments": 8002, "inventory": 8003}
"""Ports of separately started services. The demo uses free ports instead."""


def serve(name: str, *routes: BaseRoute, checks: dict[str, Callable[[], bool]] | None = None) -> None:
    """Serve on 127.0.0.1 until SIGTERM or Ctrl-C.

    Call it after ``init_observability``, because only later applications are instrumented.

    Args:
        name: Name of the service, as in ``PORTS``.
        routes: Routes of the service in addition to ``GET /health``.
        checks: Health checks of the service by name.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=PORTS[name], help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--fd", type=int, help="number of an inherited listening socket, instead of a port")
    options = parser.parse_args()
    # uvicorn raises the signal again at its end. This handler makes it a normal exit, which flushes telemetry.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client spans have the data of its log lines
    app = applications.Starlette(routes=[*routes, Route("/health", _health)])
    config = uvicorn.Config(
        app, port=options.port, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    inherited = None if options.fd is None else [socket.socket(fileno=options.fd)]
    start_operations(system=name == "gateway", checks=checks or {})
    try:
        uvicorn.Server(config).run(sockets=inherited)
    finally:
        end_operations()


@cache
def peer(name: str) -> httpx.AsyncClient:
    """Return the client of another service. ``SHOP_<NAME>_URL`` is its address."""
    address = os.environ.get(f"SHOP_{name.upper()}_URL", f"http://127.0.0.1:{PORTS[name]}")
    return httpx.AsyncClient(base_url=address, timeout=10.0, trust_env=False)


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok")
