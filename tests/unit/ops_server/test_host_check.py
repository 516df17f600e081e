from __future__ import annotations

import json
from typing import Any

import pytest

from flext_observability.ops_server.apps import wsgi_app
from flext_observability.ops_server.auth import Credentials
from flext_observability.ops_server.host_check import check_host
from tests.unit.ops_server.samples import pages
from tests.unit.ops_server.test_apps import call

ALWAYS = [
    "",
    "localhost:9464",
    "127.0.0.1",
    "10.1.2.3:9464",
    "[::1]:1",
    "ops.example.com",
    "node-7.example.com",
    "shop:9464",
]
EXPOSED = ["shop.default.svc:9464", "shop.default.svc.cluster.local:9464"]
FOREIGN = ["evil.example", "evil.example:9464", "a, b"]


def status(host: str | None, *, exposed: bool = False, method: str = "GET", **parts: Any) -> tuple[str, bytes]:
    served = pages(**{"allowed_hosts": lambda: ("ops.example.com",), **parts})
    app = check_host(wsgi_app(served), served, {"node-7.example.com"}, exposed=exposed)
    headers = {} if host is None else {"HTTP_HOST": host}
    text, _, body = call(app, "/health/live", method, **headers)
    return text, body


@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("host", [None, *ALWAYS])
def test_own_names_and_addresses_are_accepted(host: str | None, exposed: bool) -> None:
    assert status(host, exposed=exposed)[0] == "200 OK"


@pytest.mark.parametrize("host", EXPOSED)
def test_private_suffixes_are_accepted_by_an_exposed_server_only(host: str) -> None:
    assert (status(host, exposed=True)[0], status(host)[0]) == ("200 OK", "403 Forbidden")


@pytest.mark.parametrize("exposed", [False, True])
@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names_are_refused(host: str, exposed: bool) -> None:
    text, body = status(host, exposed=exposed)
    assert (text, json.loads(body)["code"]) == ("403 Forbidden", "host")
    assert "add the name to ops_allowed_hosts" in json.loads(body)["error"]
    assert status(host, exposed=exposed, method="HEAD") == ("403 Forbidden", b"")


def test_credentials_replace_the_check_of_an_exposed_server_only() -> None:
    required: dict[str, Any] = {"credentials": lambda: Credentials("t")}
    assert status("shop.example.org", exposed=True, **required)[0] == "200 OK"
    assert status("shop.example.org", **required)[0] == "403 Forbidden"


def test_forwarded_host_is_ignored() -> None:
    served = pages()
    app = check_host(wsgi_app(served), served, (), exposed=False)
    assert call(app, "/status", HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="localhost")[0] == "403 Forbidden"
