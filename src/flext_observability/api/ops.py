"""Ops pages of the active configuration, on their own server or mounted in the program's."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from flext_observability.api.process import active_process
from flext_observability.api.start import NOT_STARTED, NOT_STARTED_FIX, active_pages
from flext_observability.domain.result import FlextResult, compose_message
from flext_observability.domain.setup_result import log_failed_setup
from flext_observability.runtime.internal_log import log_warning
from flext_observability.values.foreign import plain_int, plain_text
from flext_observability.values.interrupts import reraise_interrupt

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flext_observability.ops_server.apps import AsgiApp
    from flext_observability.ops_server.auth import Credentials
    from flext_observability.ops_server.pages import OpsPages
    from flext_observability.ops_server.server import OpsServer

_logger: Final = logging.getLogger("flext_observability")


def start_ops_server(
    *,
    host: str = "127.0.0.1",
    port: int = 9464,
    token: str | None = None,
    username: str | None = None,
    password: str | None = None,
) -> FlextResult[OpsServer]:
    """Serve ``/metrics``, ``/health``, ``/health/live``, ``/health/ready``, ``/health/startup`` and ``/status``.

    The pages show the configuration that is active at the time of the request. Without one the status is 503
    (``/health/live``: 200). The server runs in the background until ``stop()`` or the exit of the program.

    Args:
        host: Name or address of a local interface. An interface that other machines can reach, without credentials,
            logs a warning.
        port: TCP port; 0 for a free one.
        token: Bearer token of requests, except for the three probes; "" for none; default: the setting ``ops_token``.
        username: User name for HTTP basic authentication, except for the three probes; default: ``ops_username``.
        password: Its password; default: ``ops_password``.

    Returns:
        The running server, with ``address`` and ``stop()``. Failures, which are logged, too: ``port_taken``,
        ``cannot_listen``, ``invalid_argument``.
    """
    return log_failed_setup("start_ops_server", _start_ops_server(host, port, _pages(token, username, password)))


def _start_ops_server(host: str, port: int, pages: OpsPages) -> FlextResult[OpsServer]:
    name, number = plain_text(host), plain_int(port)
    if name is None or number is None:
        from flext_observability.values.encoding import preview

        message = f"Invalid address {preview(host)}, {preview(port)}: not a host name and a port number"
        fix = 'Use for example host="127.0.0.1", port=9464'
        return FlextResult["OpsServer"].fail(message, code="invalid_argument", fix=fix)
    from flext_observability.ops_server.apps import wsgi_app
    from flext_observability.ops_server.server import start_server

    if active_process().declares_only:
        name, number = "127.0.0.1", 0  # the running program may use the port
    return start_server(wsgi_app(pages), name, number, pages).tap(partial(_warn, pages))


def ops_wsgi_app(
    *, token: str | None = None, username: str | None = None, password: str | None = None
) -> WSGIApplication:
    """Return the pages of ``start_ops_server`` as a WSGI application, to be mounted under any prefix.

    In the workers of a pre-forking server, ``/metrics`` has the totals of all of them.

    Args:
        token: As in ``start_ops_server``.
        username: As in ``start_ops_server``.
        password: As in ``start_ops_server``.
    """
    from flext_observability.ops_server.apps import wsgi_app

    return wsgi_app(_pages(token, username, password))


def ops_asgi_app(*, token: str | None = None, username: str | None = None, password: str | None = None) -> AsgiApp:
    """Return the pages of ``start_ops_server`` as an ASGI application, to be mounted under any prefix.

    It never blocks the event loop. In the workers of a server, ``/metrics`` has the totals of all of them. Pass it the
    lifespan events, too: uvicorn ends its workers by a signal, and the event ``shutdown`` writes their last totals.

    Args:
        token: As in ``start_ops_server``.
        username: As in ``start_ops_server``.
        password: As in ``start_ops_server``.
    """
    from flext_observability.ops_server.apps import asgi_app

    return asgi_app(_pages(token, username, password))


def _pages(token: str | None, username: str | None, password: str | None) -> OpsPages:
    from flext_observability.ops_server.pages import OpsPages

    active_process().want_page()
    given = (_credential_text(token), _credential_text(username), _credential_text(password))
    return OpsPages(
        metrics=lambda accept: _active().flat_map(lambda pages: pages.metrics(accept)),
        health=lambda probe: _active().flat_map(lambda pages: pages.health(probe)),
        known_health=lambda probe: _active().flat_map(lambda pages: pages.known_health(probe)),
        status=lambda: _active().flat_map(lambda pages: pages.status()),
        credentials=lambda: _credentials(*given),
        allowed_hosts=lambda: _active().map(lambda pages: pages.allowed_hosts()).unwrap_or(()),
        save=lambda: _active().map(lambda pages: pages.save()),
    )


def _active() -> FlextResult[OpsPages]:
    pages = active_pages()
    if pages is None:
        return FlextResult["OpsPages"].fail(NOT_STARTED, code="not_started", fix=NOT_STARTED_FIX)
    return FlextResult["OpsPages"].ok(pages)


def _credentials(token: str | None, username: str | None, password: str | None) -> Credentials:
    from flext_observability.ops_server.auth import Credentials

    pages = active_pages()
    known = Credentials() if pages is None else pages.credentials()
    return Credentials(
        known.token if token is None else token,
        known.username if username is None else username,
        known.password if password is None else password,
    )


def _credential_text(credential: object) -> str | None:
    """Return a credential as text, read once: requests run no code of the program. One that raises fits no request."""
    if credential is None:
        return None
    try:
        return plain_text(str(credential) if plain_text(credential) is None else credential)
    except BaseException as error:  # noqa: BLE001 - an object of any type
        reraise_interrupt(error)
        from secrets import token_hex

        return token_hex()


def _warn(pages: OpsPages, server: OpsServer) -> None:
    warning = server.exposure_warning(pages.credentials())
    if warning is not None:
        log_warning(_logger, compose_message(*warning))
