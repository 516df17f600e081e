"""WSGI application → the same for requests to the names of this server (protection from DNS rebinding)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from flext_observability.ops_server.pages import OpsPages, error_page
from flext_observability.wire.http.host_header import (
    has_one_label,
    has_private_suffix,
    is_address_or_localhost,
    matches,
)

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_MAX_SHOWN: Final = 100


def check_host(app: WSGIApplication, pages: OpsPages, names: Collection[str], *, exposed: bool) -> WSGIApplication:
    """Return an application that answers 403 to requests whose ``Host`` could be the name of a foreign site.

    Accepted are IP addresses, localhost, names of one label such as ``shop``, the names of the server and those of the
    setting ``ops_allowed_hosts``. If other machines can reach the server: also names with a private suffix, such as
    ``shop.default.svc.cluster.local``, and any name if the pages require credentials, which such a site does not have.

    Args:
        app: The application.
        pages: Its pages.
        names: Names of the server.
        exposed: Whether other machines can reach the server.
    """

    def accepts(host: str) -> bool:
        if is_address_or_localhost(host) or has_one_label(host):
            return True
        if matches(host, names) or matches(host, pages.allowed_hosts()):
            return True
        return exposed and (has_private_suffix(host) or pages.credentials().required)

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if accepts(host):
            return app(environ, start_response)
        message = (
            f"The host {host[:_MAX_SHOWN]!r} is not a name of this server: a web page of another site could use it. "
            "Use an IP address or localhost, or add the name to ops_allowed_hosts."
        )
        reply = error_page(403, message, "host")
        headers = [*reply.headers, ("Cache-Control", "no-store"), ("Content-Length", str(len(reply.body)))]
        start_response("403 Forbidden", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    return checked
